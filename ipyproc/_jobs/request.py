"""What is asked of a job, checked but not yet resolved on the machine it runs on."""

from __future__ import annotations

import io
import math
import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Final, TypeAlias

from ipyproc._jobs.names import HASH
from ipyproc._jobs.output import encoding as encodings
from ipyproc._jobs.output.capture import MEMORY_LIMIT, OUTPUT_LIMIT
from ipyproc._jobs.output.encoding import UTF_8
from ipyproc.attr import HasFileno, SysProcAttr


class _Pipe(Enum):
    PIPE = "PIPE"

    def __repr__(self) -> str:
        return "PIPE"


#: For ``spawn(stdin=PIPE)``: the job's standard input stays open for ``Job.send``.
PIPE: Final = _Pipe.PIPE

_Path: TypeAlias = str | os.PathLike[str]
#: What ``spawn`` takes for *argv*.
Words: TypeAlias = str | Sequence[str | bytes | os.PathLike[str]]
#: What ``spawn`` takes for *stdin*.
Source: TypeAlias = _Pipe | bytes | _Path | HasFileno | int | None
#: What ``spawn`` takes for *stdout* and *stderr*.
Sink: TypeAlias = _Path | HasFileno | int | None
# The kernel takes no argument of 128 KiB or more.
_LONGEST_ARGUMENT = 120_000
#: The descriptor of a script that is longer.
SCRIPT = 3
_PYTHON = re.compile(r"python[\d.]*")


@dataclass(frozen=True, slots=True)
class Request:
    """What a job is to run, and how; each field is the option of ``spawn``, checked.

    Text for *stdin* is bytes here, so that a str is a path; every path is a str.
    *inherited* is the environment that *env* is added to, our own if it is ``None``,
    and *without* are those of its variables that are left out. With *append* files are
    not emptied. *script* is what the process gets as
    descriptor ``SCRIPT``. *shown* is the command
    as the user typed it, for views; empty if that is *argv*.
    """

    argv: tuple[str, ...]
    name: str
    is_named: bool = False
    script: bytes | None = None
    shown: str = ""
    dir: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    clear_env: bool = False
    without: tuple[str, ...] = ()
    inherited: Mapping[str, str] | None = None
    stdin: Source = None
    stdout: Sink = None
    stderr: Sink = None
    merge: bool = False
    append: bool = False
    timeout: float | None = None
    grace: float = 5.0
    detach: bool = False
    replace: bool = False
    sys: SysProcAttr | None = None
    encoding: str = UTF_8
    output_limit: int = OUTPUT_LIMIT
    memory_limit: int = MEMORY_LIMIT


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
    shell: object = False,
    timeout: object = None,
    grace: object = 5.0,
    detach: object = False,
    replace: object = False,
    sys: object = None,
    encoding: object = UTF_8,
    output_limit: object = OUTPUT_LIMIT,
    memory_limit: object = MEMORY_LIMIT,
) -> Request:
    """Check the options of ``spawn``; the errors name the option."""
    if flag("shell", shell):
        text = _shell_script(argv)
        program, script = _with_shell(text, variables(env).get("PATH"))
        shown = shown or text
    else:
        program, script = words(argv), None
    if flag("replace", replace) and name is None:
        raise ValueError("replace: needs a name, which says what is to be ended")
    if flag("merge", merge) and stderr is not None:
        raise ValueError("stderr: with merge=True it goes where stdout goes")
    return Request(
        argv=program,
        name=job_name(name) or ("shell" if shell else _default_name(program)),
        is_named=name is not None,
        script=script,
        shown=shown,
        dir=directory(dir),
        env=variables(env),
        clear_env=flag("clear_env", clear_env),
        without=tuple(without),
        stdin=source(stdin),
        stdout=sink("stdout", stdout),
        stderr=sink("stderr", stderr),
        merge=flag("merge", merge),
        timeout=None if timeout is None else seconds("timeout", timeout),
        grace=seconds("grace", grace),
        detach=flag("detach", detach),
        replace=flag("replace", replace),
        sys=system(sys),
        encoding=encodings.checked(encoding),
        output_limit=size("output_limit", output_limit),
        memory_limit=size("memory_limit", memory_limit),
    )


def check_open(request: Request) -> None:
    """Raise ``ValueError`` if a file that *request* hands over was closed meanwhile."""
    for argument in ("stdin", "stdout", "stderr"):
        value = getattr(request, argument)
        if isinstance(value, int) or hasattr(value, "fileno"):
            _file(argument, value, "an open file")


def words(argv: object) -> tuple[str, ...]:
    """Check *argv*, and split it into words if it is text."""
    found: Sequence[object]
    if isinstance(argv, str):
        found = _split(argv)
    elif isinstance(argv, Sequence) and not isinstance(argv, bytes | bytearray):
        found = argv
    else:
        raise _wrong("argv", "a list of words or a str", argv)
    if not found:
        raise ValueError("argv: expected a program and its arguments, got nothing")
    return tuple(_path("argv", word) for word in found)


def variables(env: object) -> dict[str, str]:
    """Check *env*, the variables that are added to the environment."""
    if env is None:
        return {}
    if not isinstance(env, Mapping):
        raise _wrong("env", "a mapping", env)
    return dict(_variable(key, value) for key, value in env.items())


def directory(value: object) -> str | None:
    """Check *dir*; ``~`` is not expanded yet."""
    return None if value is None or value == "" else _path("dir", value)


def source(value: object) -> Source:
    """Check *stdin*; text comes back as bytes, so that a str is a path."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, os.PathLike):
        return _path("stdin", value)
    if value is None or isinstance(value, bytes | _Pipe):
        return value
    return _file("stdin", value, "PIPE, bytes, a str, a path, an open file or None")


def sink(argument: str, value: object) -> Sink:
    """Check *stdout* or *stderr*; a path comes back as a str."""
    if value is None:
        return None
    if isinstance(value, str | os.PathLike):
        return _path(argument, value)
    return _file(argument, value, "a path, an open file or None")


def job_name(value: object) -> str | None:
    """Check the name of a job."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong("name", "a str", value)
    if not value.isprintable() or value != value.strip() or not value:
        raise ValueError(f"name: expected printable text, got {value!r}")
    if HASH in value:
        raise ValueError(f"name: {HASH} is for numbers, as in train{HASH}1: {value!r}")
    return value


def flag(argument: str, value: object) -> bool:
    """Check an option that is on or off."""
    if not isinstance(value, bool):
        raise _wrong(argument, "True or False", value)
    return value


def seconds(argument: str, value: object) -> float:
    """Check a time span."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(argument, "a number of seconds", value)
    if not value >= 0:  # nor is a NaN
        raise ValueError(f"{argument}: expected 0 seconds or more, got {value}")
    try:
        return float(value)
    except OverflowError:  # an int that no float can hold
        return math.inf


def size(argument: str, value: object) -> int:
    """Check a number of bytes."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(argument, "a number of bytes", value)
    if value < 0:
        raise ValueError(f"{argument}: expected 0 bytes or more, got {value}")
    return value


def system(value: object) -> SysProcAttr | None:
    """Check *sys*."""
    if value is not None and not isinstance(value, SysProcAttr):
        raise _wrong("sys", "a SysProcAttr", value)
    return value


def _wrong(argument: str, expected: str, value: object) -> TypeError:
    return TypeError(f"{argument}: expected {expected}, not {type(value).__name__}")


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise ValueError(f"argv: {str(error).lower()} in {line!r}") from None


def _shell_script(argv: object) -> str:
    if not isinstance(argv, str):
        raise _wrong("argv", "a str for the shell", argv)
    return _path("argv", argv)


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


def _path(argument: str, value: object) -> str:
    try:
        text = os.fsdecode(value)  # type: ignore[arg-type]
    except TypeError:
        raise _wrong(argument, "a str or a path", value) from None
    if "\0" in text:
        raise ValueError(f"{argument}: embedded NUL byte in {text!r}")
    return text


def _variable(key: object, value: object) -> tuple[str, str]:
    if not isinstance(key, str):
        raise _wrong("env", "names that are str", key)
    if not isinstance(value, str):
        raise _wrong("env", f"a str for {key!r}", value)
    if not key or "=" in key:
        raise ValueError(f"env: {key!r} cannot be the name of a variable")
    if "\0" in key + value:
        raise ValueError(f"env: embedded NUL byte in {key!r} or its value")
    return key, value


def _file(argument: str, value: object, expected: str) -> HasFileno | int:
    """Check that *value* is an open descriptor, or has one."""
    if isinstance(value, bool) or not (
        isinstance(value, int) or hasattr(value, "fileno")
    ):
        raise _wrong(argument, expected, value)
    file: HasFileno | int = value
    try:
        os.fstat(file if isinstance(file, int) else file.fileno())
    except io.UnsupportedOperation:
        raise _wrong(argument, expected, value) from None
    except (OSError, OverflowError, ValueError):
        raise ValueError(f"{argument}: {value!r} is not open") from None
    return file
