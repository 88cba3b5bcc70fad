"""What ``start_process`` does: check what is asked for, start it, own it.

A start is one call of posix_spawn(3), or of the launcher where posix_spawn cannot do
what is asked for.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from errno import EINVAL

from ipyproc._process import arguments
from ipyproc._process.environment import own_environment
from ipyproc._process.handle import PidfdOwner, PidOwner
from ipyproc._process.terminal import FreshTerminal, fresh_terminal
from ipyproc._sys import inherit, pidfd, posix_spawn, waitid
from ipyproc._sys.posix_spawn import vector
from ipyproc.attr import ProcAttr, SysProcAttr
from ipyproc.errors import PathError

_CLONE_NEWUSER = 0x10000000


class Start:
    """One attempt to start a process.

    It knows the child from the instant the child exists, so an exception that a signal
    handler raises after that does not lose the child: call ``undo``.
    """

    def __init__(self) -> None:
        self._pid = posix_spawn.Pid()

    def run(
        self,
        name: str | bytes | os.PathLike[str],
        argv: Sequence[str | bytes | os.PathLike[str]],
        attr: ProcAttr,
    ) -> PidfdOwner | PidOwner:
        """Start the process and return its owner."""
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
            fresh = fresh_terminal(attr)
            self._spawn(path, words, env, files, directory, system, fresh)
        except OSError as error:
            raise _path_error(os.fsdecode(path), error) from None
        owner = _owner(self._pid.value)
        owner.stops = system is not None and system.ptrace
        owner.prints_into_cell = inherit.is_cell(*(attr.files or ()))
        return owner

    def undo(self) -> None:
        """End and reap the child, if there is one; nobody has its ``Process``."""
        pid, self._pid.value = self._pid.value, 0
        if pid:
            # ECHILD: the kernel reaped it, and its number may be a stranger's.
            with suppress(ChildProcessError):
                waitid.ended_child(waitid.P_PID, pid)
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def _spawn(
        self,
        path: bytes,
        argv: Sequence[bytes],
        env: Sequence[bytes] | None,
        files: Sequence[int],
        directory: bytes | None,
        system: SysProcAttr | None,
        fresh: FreshTerminal | None,
    ) -> None:
        """Make the system call, or let the launcher make it."""
        environment = own_environment() if env is None else vector(env)
        if _needs_launcher(directory, system, fresh):
            # Most starts do not need it, and should not pay for its imports.
            from ipyproc._sys.launcher.client import launch

            asked = system or SysProcAttr()
            launch(self._pid, path, argv, environment, files, directory, asked)
            return
        session, group, terminal = False, None, None
        if system is not None:
            session = system.setsid
            group = system.pgid if system.setpgid or system.foreground else None
            terminal = system.ctty if system.foreground else None
        posix_spawn.spawn(
            self._pid,
            path,
            argv,
            environment,
            files,
            posix_spawn.attributes(session, group, inherit.default_signals()),
            directory=directory,
            foreground=terminal,
            terminal=None if fresh is None else (fresh.fileno(), fresh.path),
        )


def _needs_launcher(
    directory: bytes | None, system: SysProcAttr | None, fresh: FreshTerminal | None
) -> bool:
    if directory is not None and not posix_spawn.CAN_CHANGE_DIRECTORY:
        return True
    if system is None or system is arguments.OWN_SESSION:  # what jobs have
        return False
    if system.foreground and not posix_spawn.CAN_SET_FOREGROUND:
        return True
    return bool(
        system.chroot
        or system.credential
        or system.ptrace
        or (system.setctty and fresh is None)
        or system.noctty
        or system.pdeathsig
        or system.cloneflags
        or system.unshareflags
        or system.uid_mappings is not None
        or system.gid_mappings is not None
        or system.ambient_caps
        or system.use_cgroup_fd
        or getattr(system, "surroundings", None)
    )


def _owner(pid: int) -> PidfdOwner | PidOwner:
    """Return the owner of a child that was just started.

    Where SIGCHLD is ignored, or other code reaps every child, it may be gone already,
    and its number may be another process's. pidfd_spawn(3) would not help: it does not
    return the pid, which cannot be asked for after the end.
    """
    started_by = time.clock_gettime(time.CLOCK_BOOTTIME)
    if not pidfd.works():
        return PidOwner(pid)
    try:
        owner = PidfdOwner(pid)
    except ProcessLookupError:
        return PidOwner.of_nobody(pid)
    except OSError:
        # No descriptor is free, and the child already runs.
        return PidOwner(pid)
    if _is_our_child(owner, started_by):
        return owner
    owner.release()
    return PidOwner.of_nobody(pid)


def _is_our_child(owner: PidfdOwner, started_by: float) -> bool:
    """Whether the pidfd names a child of ours that existed at that time since boot."""
    try:
        waitid.ended_child(waitid.P_PIDFD, owner.waited_on())
    except ChildProcessError:
        return False
    if signal.getsignal(signal.SIGCHLD) is not signal.SIG_IGN:
        return True
    # Another thread may have started another child, which got the same number.
    started = pidfd.start_time(owner.pid)
    return started is None or started <= started_by  # None: gone, or no /proc to ask


def _path_error(name: str, error: OSError) -> PathError:
    """Return Go's error for an errno; it names the program that did not start."""
    refused = PathError("fork/exec", name, error.errno or EINVAL)
    stage = getattr(error, "stage", "exec")
    if stage != "exec":
        refused.add_note(f"refused in the child: {stage}")
    if text := getattr(error, "text", None):
        refused.strerror = text  # there is more to say than the errno says
    return refused


def _check_directory(directory: bytes) -> None:
    """Raise Go's error for a directory that is missing, before the start fails of it.

    A failed posix_spawn does not say whether the program or the directory is missing.
    """
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
        self.text = text


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
        # Go hangs here: its child waits for the maps, its parent for the child.
        raise OSError(EINVAL, "id maps without a user namespace")
