"""The environment of a command, by Go's rules."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from errno import EINVAL

from ipyproc._process.environment import variables
from ipyproc.attr import Env
from ipyproc.errors import SyscallError
from ipyproc.exec.look_path import clean

Directory = str | bytes | os.PathLike[str] | None


def child_environment(env: Env, directory: Directory) -> list[str] | None:
    """Return the entries that a command's child gets; ``None`` is those of the caller.

    Raises what is wrong with *env* or *directory*.
    """
    if env is None and not directory:
        return None  # the caller's has no duplicates and no PWD to correct
    entries, error = environment(env, directory)
    if error is not None:
        raise error
    return entries


def environment(env: Env, directory: Directory) -> tuple[list[str], Exception | None]:
    """Return a command's environment, and what is wrong with it.

    What is wrong is left out of the environment.
    """
    error: Exception | None = None
    if env is None:
        entries = [os.fsdecode(b"=".join(item)) for item in variables().items()]
        if directory:
            try:
                entries.append(f"PWD={absolute(os.fsdecode(directory))}")
            except OSError as raised:
                error = raised
    else:
        entries = _entries(env)
    if any("\0" in entry for entry in entries):
        error = error or ValueError("exec: environment variable contains NUL")
    return deduplicated(entry for entry in entries if "\0" not in entry), error


def deduplicated(entries: Iterable[str]) -> list[str]:
    """Keep the last entry of each key, in the order of those.

    Entries without ``=`` are kept as they are, empty ones are not.
    """
    kept: dict[object, str] = {}
    for entry in filter(None, entries):
        key = _key(entry)
        kept.pop(key, None)
        kept[key] = entry
    return list(kept.values())


def absolute(directory: str) -> str:
    """Make *directory* absolute without resolving links (Go: ``filepath.Abs``)."""
    if directory.startswith("/"):
        return clean(directory)
    return clean(f"{working_directory()}/{directory}")


def working_directory() -> str:
    """Return the current directory by the name that PWD has for it, if that is right.

    Go: ``os.Getwd``.
    """
    named = os.environ.get("PWD", "")
    if named.startswith("/"):
        with suppress(OSError):
            if os.path.samefile(named, "."):
                return named
    try:
        return os.getcwd()
    except OSError as error:
        raise SyscallError("getwd", error.errno or EINVAL) from None


def _key(entry: str) -> object:
    """Return what the entries for one variable have in common."""
    # A leading "=" belongs to the name: Windows has variables such as "=C:".
    end = entry.find("=", 1)
    if end >= 0:
        return entry[:end]
    return "" if entry.startswith("=") else object()


def _entries(
    env: Sequence[str | bytes] | Mapping[str, str] | Mapping[bytes, bytes],
) -> list[str]:
    if isinstance(env, Mapping):
        return [f"{_text(key)}={_text(value)}" for key, value in env.items()]
    if isinstance(env, str | bytes):
        raise TypeError("env: expected a sequence or a mapping, not one string")
    return [_text(entry) for entry in env]


def _text(value: object) -> str:
    if not isinstance(value, str | bytes):
        raise TypeError(f"env: expected str or bytes, not {type(value).__name__}")
    return os.fsdecode(value)
