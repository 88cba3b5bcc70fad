"""The options of ``spawn``, checked before anything is started."""

from __future__ import annotations

import errno
import io
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from ipyproc._jobs.guardian.program import MARK
from ipyproc.attr import Env, HasFileno, SysProcAttr
from ipyproc.errors import PathError
from ipyproc.exec.look_path import look_path


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
#: Shells that are there to refuse a login.
_NO_SHELLS = {"false", "nologin"}


@dataclass(frozen=True, slots=True)
class Command:
    """What a job runs, and in which surroundings; checked.

    *path* is the program that *argv* names. *stdin* is a descriptor or what has one,
    a path, bytes to be written, ``PIPE`` or ``None``; *stdout* and *stderr* are a
    descriptor, a path, or ``None`` for captured. *detach*: it outlives the session,
    and what would be captured goes to files that are called *log* and an ending.
    """

    argv: tuple[str, ...]
    path: str
    dir: str | None = None
    env: Env | None = None
    stdin: Source = None
    stdout: Sink = None
    stderr: Sink = None
    merge: bool = False
    sys: SysProcAttr | None = None
    detach: bool = False
    log: str = ""


def words(argv: object, shell: bool) -> tuple[str, ...]:
    """Split *argv* into words, or have a shell do it."""
    found: Sequence[object]
    if isinstance(argv, str):
        found = [_shell(), "-c", argv] if shell else _split(argv)
    elif shell:
        raise _wrong("argv", "a str for the shell", argv)
    elif isinstance(argv, Sequence) and not isinstance(argv, bytes | bytearray):
        found = argv
    else:
        raise _wrong("argv", "a list of words or a str", argv)
    if not found:
        raise ValueError("argv: expected a program and its arguments, got nothing")
    return tuple(_path("argv", word) for word in found)


def program(name: str, directory: str | None) -> str:
    """Find the program *name* as ``look_path`` does, with its errors.

    A relative path is one from *directory*, for there the process starts.
    """
    if "/" not in name:
        return look_path(name)
    look_path(os.path.join(directory or "", name))
    return name


def directory(path: _Path | None) -> str | None:
    """Expand and check the directory to start in."""
    if path is None or path == "":
        return None
    found = os.path.expanduser(_path("dir", path))
    try:
        if not os.path.isdir(found):
            os.stat(found)
            raise NotADirectoryError(errno.ENOTDIR, "")
        if not os.access(found, os.X_OK, effective_ids=True):
            raise PermissionError(errno.EACCES, "")
    except OSError as error:
        raise PathError("chdir", found, error.errno or errno.EINVAL) from None
    return found


def environment(
    env: Mapping[str, str] | None, clear: bool, directory: str | None, mark: str = ""
) -> Env | None:
    """Give the environment of the process; ``None`` is our own as it is.

    PWD tells the process the way to its directory, as in Go and in a shell. *mark*
    tells the guardian what belongs to the session; without one, nothing shall.
    """
    if env is not None and not isinstance(env, Mapping):
        raise _wrong("env", "a mapping", env)
    added = dict(_variable(key, value) for key, value in (env or {}).items())
    if clear:
        return added
    if directory is not None:
        added = {"PWD": os.path.abspath(directory), **added}
    if not added:
        return _own_environment(mark)
    if mark or MARK in os.environ:
        added = {MARK: mark, **added}
    return {**os.environ, **added}


class _OwnEnvironment:
    """Our environment with a mark, made anew only when one of them has changed."""

    def __init__(self) -> None:
        self._made: tuple[object, str, tuple[bytes, ...]] = {}, "", ()

    def __call__(self, mark: str) -> tuple[bytes, ...] | None:
        """Give it as a program gets it; ``None`` if it is ours as it is."""
        # The dictionary inside is ten times faster to compare than what decodes and
        # encodes every word.
        ours = getattr(os.environb, "_data", None) or dict(os.environb)
        key = os.fsencode(MARK)
        if not mark and key not in ours:
            return None
        variables, marked, made = self._made
        if variables != ours or marked != mark:
            variables = dict(ours)
            words = {**variables, key: os.fsencode(mark)}
            made = tuple(b"=".join(item) for item in words.items())
            self._made = variables, mark, made
        return made


_own_environment = _OwnEnvironment()


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


def name(value: object) -> str | None:
    """Check the name of a job."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong("name", "a str", value)
    if not value.isprintable() or value != value.strip() or not value:
        raise ValueError(f"name: expected printable text, got {value!r}")
    return value


def log(name: str) -> str:
    """Say how the files of a detached job of that name are called, without ending."""
    return os.path.abspath(name.replace("/", "_"))


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
    return float(value)


def size(argument: str, value: object) -> int:
    """Check a number of bytes."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(argument, "a number of bytes", value)
    if value < 0:
        raise ValueError(f"{argument}: expected 0 bytes or more, got {value}")
    return value


def system(value: object) -> SysProcAttr:
    """Check *sys*; by default a job leads its own session."""
    if value is None:
        return SysProcAttr(setsid=True)
    if not isinstance(value, SysProcAttr):
        raise _wrong("sys", "a SysProcAttr", value)
    return value


def _wrong(argument: str, expected: str, value: object) -> TypeError:
    return TypeError(f"{argument}: expected {expected}, not {type(value).__name__}")


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise ValueError(f"argv: {str(error).lower()} in {line!r}") from None


def _shell() -> str:
    shell = os.environ.get("SHELL") or "sh"
    return "sh" if os.path.basename(shell) in _NO_SHELLS else shell


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
