"""What will end a process that outlives its session all the same."""

from __future__ import annotations

import os
import re
from contextlib import suppress

_SERVICE = re.compile(r"/([^/]+\.service)(?=/|$)")
_SLURM = re.compile(r"/(?:slurm[^/]*/.*)?job_(\d+)(?=/)")
_CONTAINER = re.compile(r"docker|kubepods|libpod|containerd|lxc", re.I)
# What marks a container where the cgroup does not show.
_MARKS = ("/.dockerenv", "/run/.containerenv")


def ender_of(pid: int) -> str:
    """Return what takes the process *pid* along when that ends; empty if nothing."""
    with suppress(OSError), open(f"/proc/{pid}/cgroup") as file:
        return ender(file.read(), any(map(os.path.exists, _MARKS)))
    return ""


def ender(cgroup: str, has_mark: bool = False) -> str:
    """Return what takes along the processes of a *cgroup*, by the text in /proc.

    >>> ender("0::/system.slice/jupyter-ada.service")
    'the service jupyter-ada.service'
    >>> ender("0::/system.slice/slurmstepd.scope/job_17/step_0/user/task_0")
    'the Slurm job 17'
    >>> ender("0::/user.slice/user-1000.slice/session-2.scope")
    ''
    """
    if job := _SLURM.search(cgroup):
        return f"the Slurm job {job[1]}"
    if _CONTAINER.search(cgroup) or has_mark:
        return "this container"
    services = [s for s in _SERVICE.findall(cgroup) if not s.startswith("user@")]
    return f"the service {services[-1]}" if services else ""
