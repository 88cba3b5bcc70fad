"""Detached jobs on a line: listed, taken into this kernel, forgotten."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from IPython.core.error import UsageError

from ipyproc._agent import records
from ipyproc._agent.records import Record
from ipyproc._jobs.job import Job
from ipyproc.magics.errors import one_line
from ipyproc.session import jobs, keeper

_SERVICE = re.compile(r"/([^/]+\.service)(?=/|$)")
_SLURM = re.compile(r"/(?:slurm[^/]*/.*)?job_(\d+)(?=/)")
_CONTAINER = re.compile(r"docker|kubepods|libpod|containerd|lxc", re.I)
# What marks a container where the cgroup does not show.
_MARKS = ("/.dockerenv", "/run/.containerenv")
# What was said in this session: once is enough.
_told: set[str] = set()


def take(words: Sequence[str]) -> list[Job]:
    """Take the jobs that *words* name, by id or by name; ``UsageError``."""
    return [_attached(word) for word in dict.fromkeys(words)]


def forget(words: Sequence[str]) -> Iterator[str]:
    """Delete what is kept of ended jobs; yield what to say of each.

    Without *words* those of this notebook.
    """
    if words:
        found = [_found(word) for word in dict.fromkeys(words)]
        for record in found:
            if not record.is_over:
                raise UsageError(f"{record.id} still runs: end it first")
    else:
        ours = records.of_notebook(records.read_all())
        found = [record for record in ours if record.is_over]
    for record in found:
        records.remove(record.folder)
        yield f"{record.id}: forgotten"


def take_or_none(name: str) -> Job | None:
    """Take the job of this name that runs and that this notebook has detached."""
    running = keeper().running(name)
    return _attached(running[-1].id) if running else None


def greeting() -> str:
    """Say which detached jobs of this notebook run; empty if none does.

    That is read from the disk alone, for it is said at each ``%load_ext``.
    """
    ours = records.of_notebook(records.read_all())
    here = {job.id for job in jobs}
    running = [r for r in ours if not r.is_over and r.id not in here]
    if not running:
        return ""
    names = ", ".join(record.id for record in running)
    runs = "a detached job of this notebook runs"
    if len(running) > 1:
        runs = f"{len(running)} detached jobs of this notebook run"
    return f"{runs}: {names}; %procattach {running[-1].name} shows it"


def say_end_all_the_same(job: Job) -> None:
    """Print the first time what will end a detached job in spite of all."""
    with suppress(OSError), open(f"/proc/{job.pid}/cgroup") as file:
        what = ender(file.read(), any(map(os.path.exists, _MARKS)))
        if what and what not in _told:
            _told.add(what)
            print(f"{job.id} ends with {what} all the same")


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


def _attached(word: str) -> Job:
    try:
        return jobs.attach(word)
    except KeyError as error:
        raise UsageError(error.args[0]) from None
    except OSError as error:
        raise one_line(error) from None


def _found(word: str) -> Record:
    try:
        return keeper().find(word)
    except KeyError as error:
        raise UsageError(error.args[0]) from None
