"""The arguments of ``start_process``, checked and converted to ints and bytes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from operator import index

from ipyproc._process.environment import Entries
from ipyproc._sys import inherit
from ipyproc.attr import Credential, Env, File, SysProcAttr, SysProcIDMap

OWN_SESSION = SysProcAttr(setsid=True)
#: As that, and descriptor 1 is its controlling terminal.
OWN_TERMINAL = SysProcAttr(setsid=True, setctty=True, ctty=1)
# What os.fsencode uses: most arguments are str, and need no call of it.
_CODEC = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()


class NulByteError(ValueError):
    """A word has a NUL byte, at which the kernel would take it to end."""


def encoded(argument: str, value: object) -> bytes:
    """Convert text, bytes or a path to bytes, and refuse a NUL byte."""
    raw = value.encode(*_CODEC) if type(value) is str else path(argument, value)
    if 0 in raw:
        raise NulByteError(f"{argument}: NUL byte in {value!r}")
    return raw


def path(argument: str, value: object) -> bytes:
    """Convert text, bytes or a path to bytes."""
    try:
        return os.fsencode(value)  # type: ignore[arg-type]
    except TypeError:
        wanted = "str, bytes or a path"
        raise TypeError(f"{argument}: expected {wanted}, not {_kind(value)}") from None


def number(argument: str, value: object) -> int:
    """Return *value* as an int, or raise."""
    try:
        return index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{argument}: expected an int, not {_kind(value)}") from None


def words(argv: object) -> list[bytes]:
    """Convert a program's arguments to bytes; the first one is its own name."""
    given = [encoded("argv", word) for word in _several("argv", argv or ())]
    if not given:
        raise ValueError("argv: empty; it begins with the program's own name")
    return given


def environment(env: Env) -> Sequence[bytes]:
    """Return the ``K=V`` entries of an environment."""
    if isinstance(env, Entries):
        return env  # it comes from us
    if isinstance(env, Mapping):
        return [_entry(key, value) for key, value in env.items()]
    return [encoded("env", entry) for entry in _several("env", env)]


def _entry(key: object, value: object) -> bytes:
    name = encoded("env", key)
    if not name or b"=" in name:
        raise ValueError(f"env: {key!r} cannot be the name of a variable")
    return name + b"=" + encoded("env", value)


def descriptors(files: Sequence[File]) -> list[int]:
    """Return the descriptors of *files*, -1 for a closed file."""
    given = enumerate(_several("files", files))
    return [_descriptor(place, file) for place, file in given]


def _descriptor(place: int, file: object) -> int:
    if isinstance(file, int):
        if file < 0:
            text = f"files[{place}]: {file} is no descriptor; None is a closed file"
            raise ValueError(text)
        return file
    if file is None or getattr(file, "closed", False) is True:
        return -1
    argument = f"files[{place}]"
    if not hasattr(file, "fileno"):
        wanted = "a file, a descriptor or None"
        raise TypeError(f"{argument}: expected {wanted}, not {_kind(file)}")
    try:
        fd = inherit.descriptor(file)
    except io.UnsupportedOperation:
        raise ValueError(f"{argument}: {_kind(file)} has no descriptor") from None
    if fd >= 0:
        inherit.make_blocking(fd)
    return max(-1, number(argument, fd))


def check_system(system: object) -> None:
    """Check the types of the system attributes."""
    if not isinstance(system, SysProcAttr):
        raise TypeError(f"sys: expected a SysProcAttr, not {_kind(system)}")
    if system is OWN_SESSION or system is OWN_TERMINAL:  # what jobs have
        return
    for name in ("ctty", "pgid", "pdeathsig", "cloneflags", "unshareflags"):
        number(name, getattr(system, name))
    number("cgroup_fd", system.cgroup_fd)
    for capability in _several("ambient_caps", system.ambient_caps):
        number("ambient_caps", capability)
    _check_credential(system.credential)
    for name in ("uid_mappings", "gid_mappings"):
        for entry in _several(name, getattr(system, name) or ()):
            _check_map(name, entry)


def _check_credential(credential: object) -> None:
    if credential is None:
        return
    if not isinstance(credential, Credential):
        kind = _kind(credential)
        raise TypeError(f"credential: expected a Credential, not {kind}")
    _check_id("uid", credential.uid)
    _check_id("gid", credential.gid)
    for group in _several("groups", credential.groups):
        _check_id("groups", group)


def _check_id(argument: str, value: object) -> None:
    if not 0 <= number(argument, value) < 2**32:
        raise ValueError(f"{argument}: {value} is no id of a user or group")


def _check_map(argument: str, entry: object) -> None:
    if not isinstance(entry, SysProcIDMap):
        raise TypeError(f"{argument}: expected SysProcIDMap, not {_kind(entry)}")
    for name in ("container_id", "host_id", "size"):
        number(f"{argument}.{name}", getattr(entry, name))


def _several(argument: str, values: object) -> Iterable[object]:
    """Return *values* if it is a sequence; text and bytes count as one value."""
    if isinstance(values, list | tuple):
        return values
    if isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping):
        return values
    raise TypeError(f"{argument}: expected a sequence, not {_kind(values)}")


def _kind(value: object) -> str:
    return type(value).__name__
