"""``command`` and ``command_context``, which make a ``Cmd`` as Go's functions do."""

from __future__ import annotations

import os
from typing import Any

from ipyproc.context import Context
from ipyproc.errors import ExecError
from ipyproc.exec.cmd import FIELDS, Cmd, Word, unknown
from ipyproc.exec.look_path import look_path


def command(name: Word, *args: Word, **fields: Any) -> Cmd:
    r"""Make a command that runs *name* with *args* (Go: ``exec.Command``).

    A *name* without a slash is looked up as ``look_path`` does. A failed look-up raises
    nothing here: it is in ``err``, and ``start`` raises it. *fields* are fields of the
    ``Cmd`` to set, by their names.

    >>> command("echo", "hello").output(text=True)
    'hello\n'
    >>> command("cat", stdin="hello").output(text=True)
    'hello'
    """
    name = os.fsdecode(name)
    cmd = Cmd(name, [name, *map(os.fsdecode, args)])
    if name == "/" or (name and "/" not in name):
        try:
            cmd.path = look_path(name)
        except ExecError as error:
            cmd.path = error.path or name
            cmd.err = error
    return _with_fields(cmd, fields)


def command_context(ctx: Context, name: Word, *args: Word, **fields: Any) -> Cmd:
    """Make a command that is killed when *ctx* is done (Go: ``exec.CommandContext``).

    *name*, *args* and *fields* are those of ``command``. To be gentler, set ``cancel``,
    which kills unless set, to another function or to ``None``, and ``wait_delay``. The
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
    return _with_fields(cmd, fields)


def _with_fields(cmd: Cmd, values: dict[str, object]) -> Cmd:
    for name, value in values.items():
        if name not in FIELDS:
            raise unknown(name, FIELDS)
        setattr(cmd, name, value)
    return cmd
