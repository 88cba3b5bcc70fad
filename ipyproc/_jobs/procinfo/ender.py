"""What will end a process that outlives its session all the same."""

from __future__ import annotations

import os
import pwd
import re
from contextlib import suppress

_SERVICE = re.compile(r"/([^/\n]+\.service)(?=/|$)", re.M)
# The service that is a user's systemd, which runs all of that user's units.
_MANAGER = re.compile(r"/user@\d+\.service(?=/|$)", re.M)
_SLURM = re.compile(r"/(?:slurm[^/]*/.*)?job_(\d+)(?=/)")
_CONTAINER = re.compile(r"docker|kubepods|libpod|containerd|lxc", re.I)
# What marks a container where the cgroup does not show.
_MARKS = ("/.dockerenv", "/run/.containerenv")


def ender_of(pid: int) -> str:
    """Return what takes the process *pid* along when that ends; empty if nothing."""
    with suppress(OSError):
        return ender(*_surroundings(pid))
    return ""


def can_leave() -> bool:
    """Whether we would outlive more in a scope of the user's systemd."""
    with suppress(OSError):
        return gains(*_surroundings(os.getpid()))
    return False


def ender(cgroup: str, has_mark: bool = False, lingers: bool = False) -> str:
    """Return what takes along the processes of a *cgroup*, by the text in /proc.

    A user's systemd ends with the user's last session, unless the user *lingers*
    (``loginctl enable-linger``).

    >>> ender("0::/system.slice/jupyter-ada.service")
    'the service jupyter-ada.service'
    >>> ender("0::/system.slice/slurmstepd.scope/job_17/step_0/user/task_0")
    'the Slurm job 17'
    >>> ender("0::/user.slice/user-1000.slice/session-2.scope")
    ''
    >>> ender("0::/user.slice/user-1000.slice/user@1000.service/app.slice/run.scope")
    'your last logout'
    """
    if what := _allotted(cgroup, has_mark):
        return what
    services = [s for s in _SERVICE.findall(cgroup) if not s.startswith("user@")]
    if services:
        return f"the service {services[-1]}"
    return "your last logout" if _MANAGER.search(cgroup) and not lingers else ""


def gains(cgroup: str, has_mark: bool = False, lingers: bool = False) -> bool:
    """Whether a scope of the user's systemd outlives all that the *cgroup* does.

    A container and a Slurm job are what somebody has given us, and are not left.

    >>> gains("0::/system.slice/jupyter-ada.service", lingers=True)
    True
    >>> gains("0::/user.slice/user-1000.slice/session-2.scope")
    False
    """
    if _allotted(cgroup, has_mark):
        return False
    return lingers or bool(_MANAGER.search(cgroup))


def _allotted(cgroup: str, has_mark: bool) -> str:
    if job := _SLURM.search(cgroup):
        return f"the Slurm job {job[1]}"
    return "this container" if has_mark or _CONTAINER.search(cgroup) else ""


def _surroundings(pid: int) -> tuple[str, bool, bool]:
    """The cgroup of a process, whether it is in a container, and its user lingers."""
    with open(f"/proc/{pid}/cgroup") as file:
        cgroup = file.read()
    return cgroup, any(map(os.path.exists, _MARKS)), _lingers(pid)


def _lingers(pid: int) -> bool:
    try:
        name = pwd.getpwuid(os.stat(f"/proc/{pid}").st_uid).pw_name
    except (OSError, KeyError):  # it is gone, or the user has no name here
        return False
    return os.path.exists(f"/var/lib/systemd/linger/{name}")
