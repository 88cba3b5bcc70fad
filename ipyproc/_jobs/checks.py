"""The options of ``spawn``, checked one by one; the errors name the option."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping
from enum import Enum
from typing import Final, TypeAlias

from ipyproc._jobs.names import HASH
from ipyproc.attr import HasFileno, SysProcAttr


class _Pipe(Enum):
    PIPE = "PIPE"

    def __repr__(self) -> str:
        return "PIPE"


#: For ``spawn(stdin=PIPE)``: the job's standard input stays open for ``Job.send``.
PIPE: Final = _Pipe.PIPE

#: Rows and columns of a terminal whose size nobody said.
USUAL_SIZE: Final = (24, 80)
# The kernel's limit is 65535. What draws a screen has to hold it.
_LARGEST_SIZE: Final = 10_000

_Path: TypeAlias = str | os.PathLike[str]
#: What ``spawn`` takes for *stdin*.
Source: TypeAlias = _Pipe | bytes | _Path | HasFileno | int | None
#: What ``spawn`` takes for *stdout* and *stderr*.
Sink: TypeAlias = _Path | HasFileno | int | None


def variables(env: object) -> dict[str, str]:
    """Check *env*, the variables that are added to the environment."""
    if env is None:
        return {}
    if not isinstance(env, Mapping):
        raise wrong("env", "a mapping", env)
    return dict(_variable(key, value) for key, value in env.items())


def directory(value: object) -> str | None:
    """Check *dir*; ``~`` is not expanded yet."""
    return None if value is None or value == "" else path("dir", value)


def source(value: object) -> Source:
    """Check *stdin*; text comes back as bytes, so that a str is a path."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, os.PathLike):
        return path("stdin", value)
    if value is None or isinstance(value, bytes | _Pipe):
        return value
    return open_file("stdin", value, "PIPE, bytes, a str, a path, an open file or None")


def sink(argument: str, value: object) -> Sink:
    """Check *stdout* or *stderr*; a path comes back as a str."""
    if value is None:
        return None
    if isinstance(value, str | os.PathLike):
        return path(argument, value)
    return open_file(argument, value, "a path, an open file or None")


def terminal_size(value: object) -> tuple[int, int] | None:
    """Check *pty*: the rows and columns of a terminal; ``None`` if there is none."""
    if value is None or value is False:
        return None
    if value is True:
        return USUAL_SIZE
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise wrong("pty", "True, False or (rows, columns)", value)
    return rows_and_columns(*value)


def rows_and_columns(rows: object, columns: object) -> tuple[int, int]:
    """Check the size of a terminal."""
    checked: list[int] = []
    for argument, number in (("rows", rows), ("columns", columns)):
        if isinstance(number, bool) or not isinstance(number, int):
            raise wrong(argument, "an int", number)
        if not 1 <= number <= _LARGEST_SIZE:
            text = f"{argument}: expected 1 to {_LARGEST_SIZE}, got {number}"
            raise ValueError(text)
        checked.append(int(number))
    return checked[0], checked[1]


def job_name(value: object) -> str | None:
    """Check the name of a job."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise wrong("name", "a str", value)
    if not value.isprintable() or value != value.strip() or not value:
        raise ValueError(f"name: expected printable text, got {value!r}")
    if HASH in value:
        raise ValueError(f"name: {HASH} is for numbers, as in train{HASH}1: {value!r}")
    return value


def flag(argument: str, value: object) -> bool:
    """Check an option that is on or off."""
    if not isinstance(value, bool):
        raise wrong(argument, "True or False", value)
    return value


def seconds(argument: str, value: object) -> float:
    """Check a time span."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(argument, "a number of seconds", value)
    if not value >= 0:  # nor is a NaN
        raise ValueError(f"{argument}: expected 0 seconds or more, got {value}")
    try:
        return float(value)
    except OverflowError:  # an int that no float can hold
        return math.inf


def size(argument: str, value: object) -> int:
    """Check a number of bytes."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(argument, "a number of bytes", value)
    if value < 0:
        raise ValueError(f"{argument}: expected 0 bytes or more, got {value}")
    return value


def system(value: object) -> SysProcAttr | None:
    """Check *sys*."""
    if value is not None and not isinstance(value, SysProcAttr):
        raise wrong("sys", "a SysProcAttr", value)
    return value


def wrong(argument: str, expected: str, value: object) -> TypeError:
    """Make the error for a value of the wrong type."""
    return TypeError(f"{argument}: expected {expected}, not {type(value).__name__}")


def path(argument: str, value: object) -> str:
    """Check text, bytes or a path; a NUL byte is refused."""
    try:
        text = os.fsdecode(value)  # type: ignore[arg-type]
    except TypeError:
        raise wrong(argument, "a str or a path", value) from None
    if "\0" in text:
        raise ValueError(f"{argument}: embedded NUL byte in {text!r}")
    return text


def open_file(argument: str, value: object, expected: str) -> HasFileno | int:
    """Check that *value* is an open descriptor, or has one."""
    if isinstance(value, bool) or not (
        isinstance(value, int) or hasattr(value, "fileno")
    ):
        raise wrong(argument, expected, value)
    file: HasFileno | int = value
    try:
        os.fstat(file if isinstance(file, int) else file.fileno())
    except io.UnsupportedOperation:
        raise wrong(argument, expected, value) from None
    except (OSError, OverflowError, ValueError):
        raise ValueError(f"{argument}: {value!r} is not open") from None
    return file


def _variable(key: object, value: object) -> tuple[str, str]:
    if not isinstance(key, str):
        raise wrong("env", "names that are str", key)
    if not isinstance(value, str):
        raise wrong("env", f"a str for {key!r}", value)
    if not key or "=" in key:
        raise ValueError(f"env: {key!r} cannot be the name of a variable")
    if "\0" in key + value:
        raise ValueError(f"env: embedded NUL byte in {key!r} or its value")
    return key, value
