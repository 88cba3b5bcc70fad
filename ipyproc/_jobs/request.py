"""What is asked of a job, checked but not yet resolved on the machine it runs on."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, Protocol, TypeAlias

from ipyproc._jobs import checks
from ipyproc._jobs.checks import PIPE, Sink, Source
from ipyproc._jobs.names import HASH
from ipyproc._jobs.output import encoding as encodings
from ipyproc._jobs.output.capture import MEMORY_LIMIT, OUTPUT_LIMIT
from ipyproc._jobs.output.encoding import UTF_8
from ipyproc._process.surroundings import Surroundings
from ipyproc._value import value
from ipyproc.attr import HasFileno, SysProcAttr

#: What ``spawn`` takes for *argv*.
Words: TypeAlias = str | Sequence[str | bytes | os.PathLike[str]]
# The kernel takes no argument of 128 KiB or more.
_LONGEST_ARGUMENT = 120_000
#: The descriptor of a script that is longer.
SCRIPT = 3
_PYTHON = re.compile(r"python[\d.]*")


class Host(Protocol):
    """Where a job runs."""

    #: How tables and ``jobs[name, pid]`` call it.
    name: str


class _Here:
    name = "localhost"

    def __repr__(self) -> str:
        return "<this machine>"


#: This machine.
HERE: Final[Host] = _Here()
#: The standard streams of what is started, as ``spawn`` names them.
STREAMS: Final = ("stdin", "stdout", "stderr")


@value
class Request:
    """What a job is to run, and how; each field is the option of ``spawn``, checked.

    Text for *stdin* is bytes here, so that a str is a path; every path is a str.
    *inherited* is the environment that *env* is added to, our own if it is ``None``,
    and *without* are those of its variables that are left out. With *append* files are
    not emptied. *pty* is the rows and columns of its terminal. *script* is what the
    process gets as descriptor ``SCRIPT``. *shown* is the command as the user typed it,
    for views; empty if that is *argv*. With *shell* the first word is a shell, which
    the machine that the job runs *on* chooses. *homes* are the indices of words that
    begin with ``~``, a home directory there. *file* is what a file of its own holds
    there, and *file_words* are the indices of words that are its path. A job that
    outlives its session prints into its *folder*, and has the *surroundings* of that
    session.
    """

    argv: tuple[str, ...]
    name: str
    env: Mapping[str, str]
    is_named: bool = False
    script: bytes | None = None
    shown: str = ""
    dir: str | None = None
    clear_env: bool = False
    without: tuple[str, ...] = ()
    inherited: Mapping[str, str] | None = None
    stdin: Source = None
    stdout: Sink = None
    stderr: Sink = None
    merge: bool = False
    pty: tuple[int, int] | None = None
    append: bool = False
    timeout: float | None = None
    grace: float = 5.0
    detach: bool = False
    replace: bool = False
    sys: SysProcAttr | None = None
    encoding: str = UTF_8
    output_limit: int = OUTPUT_LIMIT
    memory_limit: int = MEMORY_LIMIT
    shell: bool = False
    on: Host | None = None
    homes: tuple[int, ...] = ()
    file: bytes | None = None
    file_words: tuple[int, ...] = ()
    folder: str | None = None
    surroundings: Surroundings | None = None


def check(
    argv: Words,
    *,
    shown: str = "",
    name: object = None,
    dir: object = None,
    env: object = None,
    clear_env: object = False,
    without: Iterable[str] = (),
    stdin: object = None,
    stdout: object = None,
    stderr: object = None,
    merge: object = False,
    pty: object = False,
    shell: object = False,
    timeout: object = None,
    grace: object = 5.0,
    detach: object = False,
    replace: object = False,
    sys: object = None,
    encoding: object = UTF_8,
    output_limit: object = OUTPUT_LIMIT,
    memory_limit: object = MEMORY_LIMIT,
    on: object = None,
    homes: tuple[int, ...] = (),
    file: bytes | None = None,
    file_words: tuple[int, ...] = (),
) -> Request:
    """Check the options of ``spawn``; the errors name the option."""
    if checks.flag("shell", shell):
        text = _shell_script(argv)
        program, script = _with_shell(text, checks.variables(env).get("PATH"))
        shown = shown or text
    else:
        program, script = words(argv), None
    if checks.flag("replace", replace) and name is None:
        raise ValueError("replace: needs a name, which says what is to be ended")
    if checks.flag("merge", merge) and stderr is not None:
        raise ValueError("stderr: with merge=True it goes where stdout goes")
    return Request(
        argv=program,
        name=checks.job_name(name) or ("shell" if shell else _default_name(program)),
        is_named=name is not None,
        script=script,
        shown=shown,
        dir=checks.directory(dir),
        env=checks.variables(env),
        clear_env=checks.flag("clear_env", clear_env),
        without=tuple(without),
        stdin=checks.source(stdin),
        stdout=checks.sink("stdout", stdout),
        stderr=checks.sink("stderr", stderr),
        merge=checks.flag("merge", merge),
        pty=_terminal(pty, stdin, stdout, stderr, merge, detach, on),
        timeout=None if timeout is None else checks.seconds("timeout", timeout),
        grace=checks.seconds("grace", grace),
        detach=checks.flag("detach", detach),
        replace=checks.flag("replace", replace),
        sys=checks.system(sys),
        encoding=encodings.checked(encoding),
        output_limit=checks.size("output_limit", output_limit),
        memory_limit=checks.size("memory_limit", memory_limit),
        shell=bool(shell),
        on=host(on),
        homes=homes,
        file=file,
        file_words=file_words,
    )


def _terminal(
    pty: object,
    stdin: object,
    stdout: object,
    stderr: object,
    merge: object,
    detach: object,
    on: object,
) -> tuple[int, int] | None:
    """Check *pty*, and what makes no sense beside it."""
    size = checks.terminal_size(pty)
    if size is None:
        return None
    for argument, given in (("stdout", stdout), ("stderr", stderr)):
        if given is not None:
            raise ValueError(f"{argument}: with pty all output goes to the terminal")
    if merge:
        raise ValueError("merge: with pty both streams are one, the terminal")
    is_ours = on is None and not detach
    if not is_ours and not (stdin is None or stdin is PIPE or _is_null(stdin)):
        where = "on another machine" if on is not None else "and detach"
        raise ValueError(f"stdin: with pty {where} it is the terminal")
    return size


def _is_null(stdin: object) -> bool:
    return isinstance(stdin, str | os.PathLike) and os.fspath(stdin) == os.devnull


def host(value: object) -> Host | None:
    """Check *on*."""
    if value is None:
        return None
    if not hasattr(value, "runner") or not hasattr(value, "name"):
        raise checks.wrong("on", "a host", value)
    found: Host = value
    return found


def open_files(request: Request) -> dict[str, HasFileno | int]:
    """Return the open files that *request* hands over, by the name of the stream.

    Raises ``ValueError`` if one was closed meanwhile.
    """
    found: dict[str, HasFileno | int] = {}
    for name in STREAMS:
        value = getattr(request, name)
        if isinstance(value, int) or hasattr(value, "fileno"):
            found[name] = checks.open_file(name, value, "an open file")
    return found


def words(argv: object) -> tuple[str, ...]:
    """Check *argv*, and split it into words if it is text."""
    found: Sequence[object]
    if isinstance(argv, str):
        found = _split(argv)
    elif isinstance(argv, Sequence) and not isinstance(argv, bytes | bytearray):
        found = argv
    else:
        raise checks.wrong("argv", "a list of words or a str", argv)
    if not found:
        raise ValueError("argv: expected a program and its arguments, got nothing")
    return tuple(checks.path("argv", word) for word in found)


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise ValueError(f"argv: {str(error).lower()} in {line!r}") from None


def _shell_script(argv: object) -> str:
    if not isinstance(argv, str):
        raise checks.wrong("argv", "a str for the shell", argv)
    return checks.path("argv", argv)


def _with_shell(script: str, path: str | None) -> tuple[tuple[str, ...], bytes | None]:
    """The words that make a shell run *script*, and its bytes if they are many."""
    shell = "bash" if shutil.which("bash", path=path) else "sh"
    data = os.fsencode(script)
    if len(data) <= _LONGEST_ARGUMENT:
        return (shell, "-c", script), None
    # What the script starts does not get the descriptor. The line keeps its number.
    return (shell, f"/dev/fd/{SCRIPT}"), b"exec %d<&-; " % SCRIPT + data


def _default_name(argv: Sequence[str]) -> str:
    """The name of a job that has none: of ``python train.py`` it is ``train.py``."""
    return _program_or_script(argv).replace(HASH, "_")


def _program_or_script(argv: Sequence[str]) -> str:
    program = os.path.basename(argv[0]) or argv[0]
    if not _PYTHON.fullmatch(program):
        return program
    for option, word in pairwise(["", *argv[1:]]):
        if option == "-m":
            return word or program
        if word == "-c":
            break
        if word.endswith(".py"):
            return os.path.basename(word)
    return program
