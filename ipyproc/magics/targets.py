"""The jobs and processes that the words after a magic name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil
from IPython.core.error import UsageError

from ipyproc._jobs.job import Job
from ipyproc._jobs.names import ALL, HASH, numbered, process, split
from ipyproc._jobs.procinfo.tree import refusal
from ipyproc._jobs.request import HERE
from ipyproc.errors import ProcessDoneError
from ipyproc.magics.errors import unknown
from ipyproc.process import Process
from ipyproc.session import jobs
from ipyproc.views.process import ForeignProcess

Namespace = Mapping[str, object]
#: A job; or another process, held in a variable or named by its pid.
Target = Job | Process | int

_NUMBER = re.compile(r"-?\d+")


def find_jobs(words: Sequence[str], namespace: Namespace) -> dict[str, Job]:
    """The jobs that *words* name, by these words; ``UsageError`` if one names none.

    A name means its newest job. The jobs of ``train#*`` are there by their labels.
    """
    found: dict[str, Job] = {}
    for word in words:
        several = _jobs_of(word)
        if several is None:
            found[word] = _job(word, namespace)
        else:
            found.update((job.label, job) for job in several)
    return found


def find_targets(
    words: Sequence[str], namespace: Namespace, *, others: bool
) -> list[Target]:
    """What the words of ``%prockill`` name: jobs, and with *others* any process.

    A name means its newest job that runs, if one does, and ``train#*`` all that run, if
    any does. A name that nobody chose and that several running jobs share is refused,
    and so is a pid that must not be signalled, however it is named.
    """
    targets: dict[Job | int, Target] = {}
    for word in words:
        same = _jobs_of(word) or []
        running: Sequence[Target] = [job for job in same if job.ended_at is None]
        for target in running or same or [_target(word, namespace, others)]:
            if isinstance(target, Job):
                targets[target] = target
                continue
            pid = target if isinstance(target, int) else target.pid
            _check(pid, others)
            targets.setdefault(pid, target)
    return list(targets.values())


def find_on(words: Sequence[str], host: str) -> list[Target]:
    """The jobs on the host called *host* that the words of ``%prockill`` name."""
    there = [job for job in jobs if job.is_on(host)]
    targets: dict[Job, None] = {}
    for word in words:
        name, number = split(word)
        same = [job for job in jobs.of_name(name) if job in there]
        if number is not None and number != ALL:
            same = [job for job in same if job.number == number]
        if not same and _NUMBER.fullmatch(word):
            same = [job for job in there if job.pid == int(word)]
        if not same:
            labels = [job.label for job in there]
            raise unknown(f"job on {host}", word, labels)
        running = [job for job in same if job.ended_at is None] or same[-1:]
        targets.update(dict.fromkeys(running if number == ALL else running[-1:]))
    return list(targets)


def also_run(words: Sequence[str], targets: Sequence[Target]) -> list[Job]:
    """The jobs of the names among *words* that run and are no target."""
    return [
        job
        for word in dict.fromkeys(words)
        for job in jobs.of_name(word)
        if job.ended_at is None and job not in targets
    ]


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
    return list(dict.fromkeys([*(job.label for job in jobs), *variables]))


def _job(word: str, namespace: Namespace) -> Job:
    """The job with this name or label, else with this pid, else in this variable.

    The beginning of a name is not enough: it could signal the wrong job.
    """
    with suppress(KeyError):
        return jobs[word]
    if _NUMBER.fullmatch(word) and (found := _by_pid(int(word))):
        return found
    value = namespace.get(word)
    if isinstance(value, Job):
        return value
    if word in namespace:
        kind = type(value).__name__
        raise UsageError(f"no job {word!r}: that variable holds a {kind}")
    if HASH in word and (same := jobs.of_name(split(word)[0])):
        raise UsageError(f"no job {word!r}: there {_are(same)}")
    raise unknown("job", word, job_names(namespace))


def _jobs_of(word: str) -> list[Job] | None:
    """The jobs of ``train#*``; ``None`` for other words."""
    name, number = split(word)
    return (jobs.of_name(name) or None) if number == ALL else None


def _newest_running(word: str) -> Job | None:
    """The newest job of a name that runs; ``UsageError`` if it could be another."""
    running = [job for job in jobs.of_name(word) if job.ended_at is None]
    if len(running) > 1 and not any(job.is_named for job in running):
        raise UsageError(
            f"{len(running)} jobs called {word!r} run: {_listed(running)}; "
            f"write which, or {word}{HASH}{ALL} for all of them"
        )
    return running[-1] if running else None


def _listed(found: Sequence[Job]) -> str:
    return ", ".join(f"{numbered(job)} ({process(job)})" for job in found)


def _are(found: Sequence[Job]) -> str:
    return f"{'is' if len(found) == 1 else 'are'} {_listed(found[-5:])}"


def _target(word: str, namespace: Namespace, others: bool) -> Target:
    if job := _newest_running(word):
        return job
    try:
        job = _job(word, namespace)
    except UsageError:
        value = namespace.get(word)
        if isinstance(value, Process):
            ours = (job for job in jobs if job.host is HERE)
            return next((job for job in ours if job.process is value), value)
        if _NUMBER.fullmatch(word):
            return int(word)
        raise
    # The pid of a job that has ended can belong to another process by now.
    reused = others and job.ended_at is not None and word == str(job.pid)
    return job.pid if reused and job.pid else job


def _by_pid(pid: int) -> Job | None:
    """The job here with this pid; if several had it, the one that runs."""
    ours = (job for job in jobs if job.pid == pid and job.host is HERE)
    found = sorted(ours, key=lambda job: job.ended_at is None)
    return found[-1] if found else None


def _check(pid: int, others: bool) -> None:
    if why := refusal(pid):
        raise UsageError(why)
    if not others:
        hint = "with --pid any process can be signalled"
        raise UsageError(f"no job has the pid {pid}: {hint}")
    if not psutil.pid_exists(pid):
        raise UsageError(f"no process has the pid {pid}")
