"""The functions that make a ``Cmd``."""

from __future__ import annotations

import os

from ipyproc.context import Context
from ipyproc.errors import ExecError
from ipyproc.exec.cmd import Cmd
from ipyproc.exec.look_path import look_path
from ipyproc.exec.plan import Word


def command(name: Word, *args: Word) -> Cmd:
    r"""Make a command that runs *name* with *args* (Go: ``exec.Command``).

    A *name* without a slash is looked up as ``look_path`` does. Never fails: a failed
    look-up is in ``err``, and ``start`` raises it.

    >>> command("echo", "hello").output(text=True)
    'hello\n'
    """
    name = os.fsdecode(name)
    cmd = Cmd(name, [name, *map(os.fsdecode, args)])
    if name == "/" or (name and "/" not in name):
        try:
            cmd.path = look_path(name)
        except ExecError as error:
            cmd.path = error.path or name
            cmd.err = error
    return cmd


def command_context(ctx: Context, name: Word, *args: Word) -> Cmd:
    """Make a command that is killed when *ctx* is done (Go: ``exec.CommandContext``).

    *name* and *args* are those of ``command``. To be gentler, set ``cancel``, which
    kills unless set, to another function or to ``None``, and ``wait_delay``. The
    context counts from ``start`` on, whether or not anybody waits.

    >>> from ipyproc import context
    >>> with context.with_timeout(context.background(), 0.1) as ctx:
    ...     command_context(ctx, "sleep", "60").run()
    Traceback (most recent call last):
    ipyproc.errors.ExitError: signal: killed
    """
    if not isinstance(ctx, Context):
        raise TypeError(f"ctx: expected a Context, not {type(ctx).__name__}")
    cmd = command(name, *args)
    cmd._ctx = ctx
    cmd.cancel = cmd._kill
    return cmd
