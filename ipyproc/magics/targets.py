"""The jobs and processes that the words after a magic name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil
from IPython.core.error import UsageError

from ipyproc._jobs.job import Job
from ipyproc._jobs.procinfo.tree import refusal
from ipyproc.errors import ProcessDoneError
from ipyproc.magics.errors import unknown
from ipyproc.process import Process
from ipyproc.session import jobs
from ipyproc.views.process import ForeignProcess

Namespace = Mapping[str, object]
#: A job; or another process, held in a variable or named by its pid.
Target = Job | Process | int

_NUMBER = re.compile(r"-?\d+")


def find_jobs(words: Sequence[str], namespace: Namespace) -> list[Job]:
    """The jobs that *words* name, each once; ``UsageError`` if a word names none."""
    return list(dict.fromkeys(_job(word, namespace) for word in words))


def find_targets(
    words: Sequence[str], namespace: Namespace, *, others: bool
) -> list[Target]:
    """What the words of ``%prockill`` name: jobs, and with *others* any process.

    A pid that must not be signalled is refused, however it is named.
    """
    targets: dict[int, Target] = {}
    for word in words:
        target = _target(word, namespace, others)
        pid = target if isinstance(target, int) else target.pid
        if not isinstance(target, Job):
            _check(pid, others)
        targets.setdefault(pid, target)
    return list(targets.values())


def find_process(words: Sequence[str]) -> ForeignProcess:
    """The process whose pid is the only word; ``UsageError`` if there is none."""
    if len(words) != 1:
        raise UsageError("write one pid: %procfind PID")
    (word,) = words
    if not _NUMBER.fullmatch(word):
        raise UsageError(f"expected a pid, not {word!r}")
    pid = int(word)
    if pid >= 1 and psutil.pid_exists(pid):
        with suppress(ProcessDoneError):
            return ForeignProcess(pid)
    raise UsageError(f"no process has the pid {pid}")


def job_names(namespace: Namespace) -> list[str]:
    """All words that name a job, except pids."""
    variables = [
        name
        for name, value in namespace.items()
        if isinstance(value, Job) and not name.startswith("_")
    ]
    return list(dict.fromkeys([*(job.name for job in jobs), *variables]))


def _job(word: str, namespace: Namespace) -> Job:
    """The job with this name, else with this pid, else in this variable.

    The beginning of a name is not enough: it could signal the wrong job.
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
    # The pid of a job that has ended can belong to another process by now.
    reused = others and job.ended_at is not None and word == str(job.pid)
    return job.pid if reused else job


def _by_pid(pid: int) -> Job | None:
    """The job with this pid; if several had it, the one that runs."""
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
