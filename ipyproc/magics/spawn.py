"""Starting the job that the line and the body of ``%spawn`` describe."""

from __future__ import annotations

import argparse
import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from errno import EINVAL
from functools import partial
from pathlib import Path

from IPython.core.error import UsageError

from ipyproc._jobs.checks import PIPE, Source
from ipyproc._jobs.job import Job
from ipyproc._jobs.request import check
from ipyproc._text import errno_text
from ipyproc.attr import Credential, SysProcAttr
from ipyproc.magics import detached, environment
from ipyproc.magics.cell import Command, User, read_command
from ipyproc.magics.errors import one_line
from ipyproc.magics.hosts import find_host
from ipyproc.magics.parsing import Words
from ipyproc.session import run

_ONE_STREAM = "what a job prints in a terminal is one stream"
_READY = "one waits until it is ready, the other until it ends"
# Options that exclude each other, and why.
_EXCLUSIVE = {
    ("shell", "script"): "one program runs a script",
    ("stdin", "no_stdin"): "there is one standard input",
    ("body", "no_stdin"): "the body of the cell is the standard input",
    ("body", "stdin"): "the body of the cell is the standard input",
    ("out", "stdout"): "what goes to a file is not captured",
    ("err", "stderr"): "what goes to a file is not captured",
    ("err", "merge"): "standard error goes to standard output",
    ("stderr", "merge"): "standard error goes to standard output",
    ("pty", "merge"): _ONE_STREAM,
    ("pty", "err"): _ONE_STREAM,
    ("pty", "stderr"): _ONE_STREAM,
    ("pty", "stdout"): "what a job prints in a terminal goes to no file",
    ("attach", "replace"): "one takes the job that runs, the other ends it",
    ("on", "user"): "who it runs as is decided by the way to the host",
    ("until", "wait"): _READY,
    ("until", "check"): _READY,
    ("until_port", "wait"): _READY,
    ("until_port", "check"): _READY,
    ("until", "stdout", "stderr"): "what goes to a file is not captured",
    ("until", "stdout", "merge"): "what goes to a file is not captured",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a job: seconds between SIGTERM and SIGKILL, and bytes of output."""

    grace: float
    memory: int
    output: int


class Scripts:
    """Files with the bodies of cells, which last as long as the session.

    A program may read its script late, and a traceback shows it even later. The script
    of a detached job stays where it is.
    """

    def __init__(self) -> None:
        self._folders: list[str] = []
        self._owner = os.getpid()
        atexit.register(self.remove)

    def write(self, text: str, user: Credential | None, keep: bool) -> str:
        """Write *text* to a new file, which only *user* can read; return its path."""
        folder = tempfile.mkdtemp(prefix="ipyproc-")
        if not keep:
            self._folders.append(folder)
        path = os.path.join(folder, "script")
        with open(path, "wb") as file:
            file.write(text.encode())
        if user is not None:
            for entry in (path, folder):
                os.chown(entry, user.uid, user.gid)
        return path

    def close(self) -> None:
        """Remove the files before the session ends."""
        self.remove()
        atexit.unregister(self.remove)

    def remove(self) -> None:
        """Remove the files, unless a fork of the session's process asks for it."""
        if os.getpid() == self._owner:
            for folder in self._folders:
                shutil.rmtree(folder, ignore_errors=True)
            self._folders.clear()


def start(
    options: argparse.Namespace,
    words: Words,
    body: str | None,
    user: User,
    limits: Limits,
    scripts: Scripts,
    has_field: bool,
    pty: bool | tuple[int, int],
) -> Job:
    """Start the job that the line and the body of a cell describe.

    *words* is what follows the options on the line. *has_field*: whether its pane will
    have a field for input. *pty*: whether it has a terminal, or its size. Raises
    ``UsageError`` for a mistake, and the ``OSError`` of the system, shown as one line,
    for what the system refuses; then nothing runs.
    """
    _exclude({**vars(options), "body": None})
    if options.within is not None and not (options.until or options.until_port):
        raise UsageError("--within is for --until and --until-port")
    on = None if options.on is None else find_host(options.on, user.variables)
    try:
        write = partial(
            scripts.write, user=options.user, keep=options.detach or options.attach
        )
        command = read_command(options, words, body, user, write)
        _exclude({**vars(options), "body": command.input})
        asked = check(
            command.argv,
            shown=command.shown,
            name=options.name,
            dir=options.dir,
            env=_environment(command, options),
            homes=command.homes,
            file=command.file,
            file_words=command.file_words,
            clear_env=options.clear_env,
            without=[] if on or _is_seen(options) else environment.ipykernels(),
            stdin=_stdin(options, command.input, has_field),
            stdout=_file(options.stdout, on is None),
            stderr=_file(options.stderr, on is None),
            merge=options.merge,
            pty=pty,
            shell=options.shell,
            timeout=options.timeout,
            detach=options.detach or options.attach,
            replace=options.replace,
            sys=_system(options),
            grace=limits.grace,
            memory_limit=limits.memory,
            output_limit=limits.output,
            on=on,
        )
        if options.attach and (running := detached.take_or_none(asked.name, on)):
            return running
        return run(asked)
    except OSError as error:
        raise one_line(error) from None
    except RuntimeError as error:  # one of its name runs detached
        raise UsageError(str(error)) from None
    except ValueError as error:
        raise UsageError(_explained(error)) from None


def _environment(command: Command, options: argparse.Namespace) -> dict[str, str]:
    """The variables that are added to what the job inherits."""
    if options.on is not None:
        env = environment.assigned(options.env, options.clear_env, is_here=False)
        return environment.UNBUFFERED | env
    env = environment.assigned(options.env, options.clear_env)
    if options.script:
        env = {**_import_path(command, options), **env}
    if not options.clear_env:
        env |= environment.defaults(env)
    return env


def _import_path(command: Command, options: argparse.Namespace) -> dict[str, str]:
    """What lets a Python import the modules beside the notebook, as they do there.

    Python looks for modules beside the script, and that is in a folder of its own.
    """
    if not re.match(r"python[\d.]*$", os.path.basename(command.argv[0])):
        return {}
    inherited = "" if options.clear_env else os.environ.get("PYTHONPATH", "")
    here = os.path.abspath(os.path.expanduser(options.dir or ""))
    return {"PYTHONPATH": os.pathsep.join(filter(None, [here, inherited]))}


def _exclude(given: Mapping[str, object]) -> None:
    for names, why in _EXCLUSIVE.items():
        if all(given[name] for name in names):
            options = (f"--{n.replace('_', '-')}" for n in names if n != "body")
            raise UsageError(f"leave out {' or '.join(options)}: {why}")


def _stdin(options: argparse.Namespace, body: str | None, has_field: bool) -> Source:
    """Where input comes from: it is open only if somebody can type it, or says so."""
    if body is not None:
        return body.encode()
    if options.stdin not in (None, "-"):
        return _file(options.stdin)
    if options.stdin == "-" or (has_field and not options.no_stdin):
        return PIPE
    # With a terminal, `None` would be that: a program that asked would wait for ever.
    return Path(os.devnull) if options.pty else None


def _is_seen(options: argparse.Namespace) -> bool:
    """Whether what the job prints goes to a pane, and to nothing else.

    In a terminal, programs see for themselves whether colours and pagers are right.
    """
    files = options.stdout or options.stderr
    return not (options.out or options.err or files or options.pty)


def _file(path: str | None, is_here: bool = True) -> Path | None:
    if path is None:
        return None
    return Path(os.path.expanduser(path) if is_here else path)


def _system(options: argparse.Namespace) -> SysProcAttr | None:
    """The attributes of a job that another user runs; it leads a session as all do."""
    if options.user is None:
        return None
    return SysProcAttr(setsid=True, credential=options.user)


def _explained(error: ValueError) -> str:
    nul = "NUL" in str(error)
    return f"{error}: {errno_text(EINVAL)}" if nul else str(error)
