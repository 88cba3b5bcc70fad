"""Starting a process: by posix_spawn where that can do it, else by the launcher."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from ipyproc._sys import inherit, posix_spawn
from ipyproc._sys.libc import own_environment, vector
from ipyproc.attr import SysProcAttr

#: Memory for a pid, filled by ``start``.
Pid = posix_spawn.Pid


def start(
    pid: ctypes.c_int,
    path: bytes,
    argv: Sequence[bytes],
    env: Sequence[bytes] | None,
    files: Sequence[int],
    directory: bytes | None,
    system: SysProcAttr | None,
) -> None:
    """Start *path* and fill in its *pid*; raises a bare ``OSError``.

    Entry *i* of *files* becomes descriptor *i* of the child; -1 stands for a closed
    one, and whatever is not listed is closed. *env* ``None`` is our own.
    """
    environment = own_environment() if env is None else vector(env)
    default = inherit.default_signals()
    if _needs_launcher(directory, system):
        # Its imports are for those only who ask for what it does.
        from ipyproc._sys.launcher.client import launch

        asked = system or SysProcAttr()
        launch(pid, path, argv, environment, files, directory, asked)
    elif system is None:
        plain = posix_spawn.attributes(default=default)
        posix_spawn.spawn(
            pid, path, argv, environment, files, plain, directory=directory
        )
    else:
        grouped = system.pgid if system.setpgid or system.foreground else None
        posix_spawn.spawn(
            pid,
            path,
            argv,
            environment,
            files,
            posix_spawn.attributes(system.setsid, grouped, default),
            directory=directory,
            foreground=system.ctty if system.foreground else None,
        )


def _needs_launcher(directory: bytes | None, system: SysProcAttr | None) -> bool:
    if directory is not None and not posix_spawn.CAN_CHANGE_DIRECTORY:
        return True
    if system is None:
        return False
    if system.foreground and not posix_spawn.CAN_SET_FOREGROUND:
        return True
    return bool(
        system.chroot
        or system.credential
        or system.ptrace
        or system.setctty
        or system.noctty
        or system.pdeathsig
        or system.cloneflags
        or system.unshareflags
        or system.uid_mappings is not None
        or system.gid_mappings is not None
        or system.ambient_caps
        or system.use_cgroup_fd
    )
