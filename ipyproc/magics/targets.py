"""What the words after ``%procwait`` and ``%prockill`` stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import psutil
from IPython.core.error import UsageError

from ipyproc._jobs.job import Job
from ipyproc._jobs.procinfo.vital import refusal
from ipyproc.magics.errors import unknown
from ipyproc.process import Process
from ipyproc.session import jobs

Namespace = Mapping[str, object]
#: A job, or what is none: a process in a variable, or but its pid.
Target = Job | Process | int

_NUMBER = re.compile(r"-?\d+")


def find_jobs(words: Sequence[str], namespace: Namespace) -> list[Job]:
    """Find the jobs that *words* name, each once; ``UsageError`` if one names none."""
    return list(dict.fromkeys(_job(word, namespace) for word in words))


def find_targets(
    words: Sequence[str], namespace: Namespace, *, others: bool
) -> list[Target]:
    """Find what shall be signalled: jobs, and if *others* any processes.

    A pid that must not be signalled is refused, whatever stands for it.
    """
    targets: dict[int, Target] = {}
    for word in words:
        target = _target(word, namespace, others)
        pid = target if isinstance(target, int) else target.pid
        if not isinstance(target, Job):
            _check(pid, others)
        targets.setdefault(pid, target)
    return list(targets.values())


def job_names(namespace: Namespace) -> list[str]:
    """Give every word that names a job, the pids apart."""
    variables = [
        name
        for name, value in namespace.items()
        if isinstance(value, Job) and not name.startswith("_")
    ]
    return list(dict.fromkeys([*(job.name for job in jobs), *variables]))


def _job(word: str, namespace: Namespace) -> Job:
    """Find a job by its name, its pid or a variable, in this order.

    The beginning of a name is not enough: the wrong job must not be signalled.
    """
    for job in jobs:
        if job.name == word:
            return job
    if _NUMBER.fullmatch(word) and (found := _by_pid(int(word))):
        return found
    value = namespace.get(word)
    if isinstance(value, Job):
        return value
    if word in namespace:
        kind = type(value).__name__
        raise UsageError(f"no job {word!r}: that variable holds a {kind}")
    raise unknown("job", word, job_names(namespace))


def _target(word: str, namespace: Namespace, others: bool) -> Target:
    try:
        job = _job(word, namespace)
    except UsageError:
        value = namespace.get(word)
        if isinstance(value, Process):
            return next((job for job in jobs if job.process is value), value)
        if _NUMBER.fullmatch(word):
            return int(word)
        raise
    # The pid of a job that has ended may be another process's now.
    again = others and job.ended_at is not None and word == str(job.pid)
    return job.pid if again else job


def _by_pid(pid: int) -> Job | None:
    """Give the job with this pid: the one that runs, for a pid may come again."""
    found = sorted(
        (job for job in jobs if job.pid == pid), key=lambda job: job.ended_at is None
    )
    return found[-1] if found else None


def _check(pid: int, others: bool) -> None:
    if why := refusal(pid):
        raise UsageError(why)
    if not others:
        hint = "with --pid any process can be signalled"
        raise UsageError(f"no job has the pid {pid}: {hint}")
    if not psutil.pid_exists(pid):
        raise UsageError(f"no process has the pid {pid}")
