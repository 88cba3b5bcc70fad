"""What ``start_process`` does: check what is asked for, start it, own it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from errno import EINVAL

from ipyproc._process import arguments
from ipyproc._process.handle import PidfdOwner, PidOwner
from ipyproc._sys import inherit, pidfd, start
from ipyproc.attr import ProcAttr, SysProcAttr
from ipyproc.errors import PathError

_CLONE_NEWUSER = 0x10000000


class Start:
    """One attempt to start a process.

    It knows the child from the instant on in which there is one, so that an exception
    raised by a signal handler at any later instant does not lose it: ``undo``.
    """

    def __init__(self) -> None:
        self._pid = start.Pid()

    def run(
        self,
        name: str | bytes | os.PathLike[str],
        argv: Sequence[str | bytes],
        attr: ProcAttr,
    ) -> PidfdOwner | PidOwner:
        """Start the process and give what owns it."""
        path, words = arguments.encoded("name", name), arguments.words(argv)
        env = None if attr.env is None else arguments.environment(attr.env)
        system = attr.sys
        if system is not None:
            arguments.check_system(system)
        directory = arguments.path("dir", attr.dir) if attr.dir else None
        if directory is not None and system is None:
            _check_directory(directory)
        files = arguments.descriptors(attr.files) if attr.files else []
        try:
            if system is not None:
                _check_system(system, directory, len(files))
            start.start(self._pid, path, words, env, files, directory, system)
        except OSError as error:
            raise _path_error(os.fsdecode(path), error) from None
        owner = _owner(self._pid.value)
        owner.stops = system is not None and system.ptrace
        owner.prints_into_cell = any(map(inherit.is_cell, attr.files or ()))
        return owner

    def undo(self) -> None:
        """End and reap the child, if there is one; nobody has its ``Process``."""
        pid, self._pid.value = self._pid.value, 0
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _owner(pid: int) -> PidfdOwner | PidOwner:
    if not pidfd.works():
        return PidOwner(pid)
    try:
        return PidfdOwner(pid)
    except ProcessLookupError:
        # SIGCHLD is ignored, or someone reaps whatever ends: it is gone already.
        return PidOwner.of_nobody(pid)
    except OSError:
        # There is no room for a descriptor, and no way back for the child.
        return PidOwner(pid)


def _path_error(name: str, error: OSError) -> PathError:
    """Say of an errno what Go says: which program could not be started."""
    refused = PathError("fork/exec", name, error.errno or EINVAL)
    stage = getattr(error, "stage", "exec")
    if stage != "exec":
        refused.add_note(f"refused in the child: {stage}")
    if isinstance(error, _Refusal):
        refused.strerror = error.strerror
    return refused


def _check_directory(directory: bytes) -> None:
    """Say it of the directory if that is what is missing."""
    try:
        os.stat(directory)
    except OSError as error:
        number = error.errno or EINVAL
    except ValueError:
        number = EINVAL  # it contains a NUL
    else:
        return
    raise PathError("chdir", os.fsdecode(directory), number)


class _Refusal(OSError):
    """A combination of attributes that makes no sense, in Go's words."""

    def __init__(self, text: str) -> None:
        super().__init__(EINVAL, text)


def _check_system(system: SysProcAttr, directory: bytes | None, files: int) -> None:
    root = arguments.path("chroot", system.chroot) if system.chroot else b""
    if b"\0" in root or b"\0" in (directory or b""):
        raise OSError(EINVAL, "NUL byte")
    if system.setctty and system.foreground:
        raise _Refusal("both Setctty and Foreground set in SysProcAttr")
    if system.setctty and system.ctty >= files:
        raise _Refusal("Setctty set but Ctty not valid in child")
    mapped = system.uid_mappings is not None or system.gid_mappings is not None
    if mapped and not (system.cloneflags | system.unshareflags) & _CLONE_NEWUSER:
        # Go waits for ever here: its child for the maps, itself for its child.
        raise OSError(EINVAL, "id maps without a user namespace")
