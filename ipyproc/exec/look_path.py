"""Finding a program in PATH, by Go's rules."""

from __future__ import annotations

import errno
import os
import stat
from functools import lru_cache

from ipyproc.errors import DotError, ExecError, NotFoundError, PathError, SyscallError

_NEVER_PROGRAMS = ("", ".", "..")


def look_path(name: str | bytes | os.PathLike[str]) -> str:
    """Find the program *name* and return its path (Go: ``exec.LookPath``).

    A name with a slash is used as it is; any other is searched for in the directories
    of PATH. Raises ``ExecError``, whose ``err`` is a ``NotFoundError``, the kernel's
    refusal of a name with a slash, or a ``DotError`` if the program was found relative
    to the current directory; the error's ``path`` is then what was found.

    Unlike ``shutil.which``, an unset or empty PATH finds nothing.

    >>> os.path.isabs(look_path("sh"))
    True
    >>> look_path("nope")
    Traceback (most recent call last):
    ipyproc.errors.ExecError: exec: "nope": executable file not found in $PATH
    """
    return look_path_in(os.fsdecode(name), os.environ.get("PATH", ""))


def look_path_in(name: str, path: str) -> str:
    """Find the program *name* as ``look_path`` does, in the PATH that *path* is."""
    if name in _NEVER_PROGRAMS:
        raise ExecError(name, NotFoundError())
    if "/" in name:
        return _checked(name)
    if "\0" in name:  # normpath of some Pythons truncates it there
        raise ExecError(name, NotFoundError())
    # One question to the kernel for each directory, and one more for what is there.
    for directory in _directories(path):
        found = directory + name
        if _may_execute(found) and not os.path.isdir(found):
            break
    else:
        raise ExecError(name, NotFoundError())
    if not os.path.isabs(found):
        raise ExecError(name, DotError(found))
    return found


def clean(path: str) -> str:
    """Return the shortest path that is lexically the same (Go: ``filepath.Clean``)."""
    shortest = os.path.normpath(path)
    # POSIX gives two leading slashes a meaning of their own; Linux and Go do not.
    return shortest[1:] if shortest.startswith("//") else shortest


@lru_cache(maxsize=64)
def _directories(path: str) -> tuple[str, ...]:
    """Return what each entry of PATH puts before a name; what is there may change."""
    # An empty PATH lists no directory; an empty entry of a longer PATH is ".".
    directories = path.split(":") if path else []
    return tuple(clean(f"{directory or '.'}/x")[:-1] for directory in directories)


def _checked(name: str) -> str:
    refusal = _refusal(name)
    if refusal is not None:
        raise ExecError(name, refusal)
    return name


def _may_execute(path: str) -> bool:
    # The mode would say nothing about a noexec mount or an ACL.
    return os.access(path, os.X_OK, effective_ids=True)


def _refusal(path: str) -> OSError | None:
    """Return why *path* cannot be executed, or ``None`` if it can."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        return PathError("stat", path, error.errno or errno.EINVAL)
    except ValueError:  # a NUL byte
        return PathError("stat", path, errno.EINVAL)
    if stat.S_ISDIR(mode):
        return SyscallError(None, errno.EISDIR)
    if not _may_execute(path):
        return SyscallError(None, errno.EACCES)
    return None
