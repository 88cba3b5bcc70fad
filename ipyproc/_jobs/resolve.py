"""What a request means on this machine: which program, where, in what environment."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Mapping

from ipyproc._jobs.guardian.program import MARK
from ipyproc._process.environment import Entries, variables
from ipyproc.attr import Env
from ipyproc.errors import PathError, SyscallError
from ipyproc.exec.look_path import look_path, look_path_in

_KEY = os.fsencode(MARK)
# What every terminal emulator of today understands, and ours.
_TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
_SIZE = ("LINES", "COLUMNS")


def program(
    name: str,
    env: Mapping[str, str],
    directory: str | None,
    inherited: Mapping[str, str] = os.environ,
) -> str:
    """Find the program *name* as ``look_path`` does, with its errors, in *env*'s PATH.

    An environment without PATH leaves what is *inherited* to look in.
    A relative path is one from *directory*, for there the process starts.
    """
    if "/" not in name:
        return look_path_in(name, env.get("PATH", inherited.get("PATH", "")))
    look_path(os.path.join(directory, name) if directory else name)
    return name


def directory(path: str | None) -> str | None:
    """Expand and check the directory to start in."""
    if path is None:
        return None
    found = os.path.expanduser(path)
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
    env: Mapping[str, str],
    clear: bool,
    without: Collection[str],
    directory: str | None,
    mark: str = "",
    inherited: Mapping[str, str] | None = None,
    *,
    has_terminal: bool = False,
) -> Env | None:
    """Make the environment of the process; ``None`` is our own as it is.

    It is *env*, added to what is *inherited* (our own, if not given) but *without*
    some, or alone if *clear* is set. PWD tells the process the way to its directory, as
    in Go and in a shell. *mark* is how the guardian finds what belongs to the session;
    without one, nothing does. Of a terminal it says which it is, and what is inherited
    of the size of another is left out.
    """
    if has_terminal:
        env = {**_TERMINAL, **env}
        without = {*without, *_SIZE}
    if clear:
        return dict(env)
    if directory is not None:
        env = {"PWD": _absolute(directory), **env}
    if not env and not without and inherited is None:
        return _own_environment(mark)
    base = variables() if inherited is None else _encoded(inherited)
    if mark or _KEY in base:
        env = {MARK: mark, **env}
    for key in without:
        base.pop(os.fsencode(key), None)
    return Entries.of({**base, **_encoded(env)})


def _encoded(env: Mapping[str, str]) -> dict[bytes, bytes]:
    return {os.fsencode(key): os.fsencode(value) for key, value in env.items()}


def working_directory() -> str:
    """Return ours; ``SyscallError`` if it is gone."""
    return _absolute(".")


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError as error:
        raise SyscallError("getwd", error.errno or errno.EINVAL) from None


class _OwnEnvironment:
    """Our environment with a mark, made anew only when a variable has changed."""

    def __init__(self) -> None:
        self._made: tuple[object, Entries] = {}, Entries()

    def __call__(self, mark: str) -> Entries | None:
        """Return it as a program gets it; ``None`` if it is ours as it is."""
        ours = variables()
        if not mark and _KEY not in ours:
            return None
        known, made = self._made
        if known != ours:
            made = Entries.of({k: v for k, v in ours.items() if k != _KEY})
            self._made = ours, made
        return Entries((*made, _KEY + b"=" + os.fsencode(mark)))


_own_environment = _OwnEnvironment()
