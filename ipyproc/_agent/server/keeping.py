"""Detached jobs as the agent keeps them: once, on record, and found again."""

from __future__ import annotations

import logging
import os
import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from ipyproc._agent import facts, records
from ipyproc._agent.protocol.frames import Body, Fields
from ipyproc._agent.records import Record
from ipyproc._jobs.adopted import AdoptedRunner, EndedRunner
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.job import Job, adopt, start
from ipyproc._jobs.local import LocalRunner
from ipyproc._jobs.names import identified
from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.registry import Jobs
from ipyproc._jobs.request import Request

_log = logging.getLogger(__name__)

# In seconds: how soon after the agent's start, and how often, old folders are deleted;
# how soon to try again what the disk had no room for.
_FIRST_SWEEP: Final = 5.0
_SWEEP_EVERY: Final = 3600.0
_WRITE_AGAIN: Final = 5.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A detached job, and what it is known by."""

    identity: str
    folder: str
    notebook: str
    job: Job
    runner: LocalRunner


class Keeping:
    """The detached jobs of one agent; on the event loop's thread only."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._loop = event_loop()
        self._roots: set[str] = set()
        # Those of which the end is not on the disk.
        self._known: dict[str, Kept] = {}

    def start(self, request: Request, folder: str, notebook: str) -> Kept:
        """Start a job, unless one of its name and notebook runs: ``RuntimeError``."""
        identity = records.check(folder)
        self._check_once(request.name, notebook)
        request = replace(request, folder=folder)
        runner = LocalRunner(request)
        job = start(request, runner, self._jobs)
        try:
            records.write(folder, records.JOB, _record_of(job, request, notebook))
        except BaseException:
            with suppress(OSError):
                job.kill()
            raise
        return self._keep(Kept(identity, folder, notebook, job, runner))

    def find(self, root: str) -> Iterator[Kept]:
        """Adopt the jobs in *root* that run and are nobody's; yield them once."""
        if root in self._roots:
            return
        self._roots.add(root)
        self._loop.call_later(_FIRST_SWEEP, partial(self._sweep, root))
        for record in records.read_all(root):
            if kept := self.adopt(record):
                yield kept

    def adopt(self, record: Record) -> Kept | None:
        """Adopt a job that runs; ``None`` if it does not, or is known."""
        is_ours = record.host == records.host() and not record.is_over
        if record.id in self._known or not is_ours:
            return None
        try:
            ticks = Fields(record.job).number("ticks")
            # The time of day may have been set since: what is on record of it may lie
            # in the future, or years ago.
            elapsed = proc.running_for(ticks)
            request = _request_of(record, elapsed)
            runner = AdoptedRunner(request, record.pid, ticks)
            job = adopt(request, runner, self._jobs, time.time() - elapsed)
        except Exception as error:  # noqa: BLE001 - a folder that makes no sense
            _log.warning("%s cannot be adopted: %r", record.id, error)
            return None
        kept = Kept(record.id, record.folder, record.notebook, job, runner)
        return self._keep(kept)

    def recall(self, record: Record) -> Kept:
        """Make a job that has ended again, of what is on record of it."""
        request = records.request_of(record)
        runner = EndedRunner(request, record.pid, records.ending_of(record))
        job = adopt(request, runner, self._jobs, record.started_at)
        return Kept(record.id, record.folder, record.notebook, job, runner)

    def _keep(self, kept: Kept) -> Kept:
        self._known[kept.identity] = kept
        kept.job.when_finished(lambda _: self._ended(kept))
        return kept

    def _check_once(self, name: str, notebook: str) -> None:
        for kept in self._known.values():
            job = kept.job
            same = (job.name, kept.notebook) == (name, notebook)
            if same and job.ended_at is None:
                raise RuntimeError(
                    f"{identified(job)} runs detached already, as {kept.identity}: "
                    "%spawn --attach takes it, --replace ends it first, "
                    "another --name starts a second"
                )

    def _ended(self, kept: Kept) -> None:
        """Write down how a job ended; again later, if the disk has no room for that."""
        path = os.path.join(kept.folder, records.END)
        # Another agent may be its parent, and knows more.
        if kept.job.state is not None or not os.path.exists(path):
            try:
                end = _end_of(kept.job, kept.runner.error)
                records.write(kept.folder, records.END, end)
            except FileNotFoundError:
                pass  # somebody deleted the folder
            except OSError as error:
                _log.warning("the end of %s cannot be noted: %s", kept.identity, error)
                self._loop.call_later(_WRITE_AGAIN, partial(self._ended, kept))
                return
        self._known.pop(kept.identity, None)

    def _sweep(self, root: str) -> None:
        self._loop.call_later(_SWEEP_EVERY, partial(self._sweep, root))
        # Of those the end is known here, though it may not be on the disk yet.
        sweep = partial(records.sweep, root, self._known.__contains__)
        with suppress(RuntimeError):  # there is no room for a thread: the next time
            threading.Thread(target=sweep, daemon=True).start()


def _record_of(job: Job, request: Request, notebook: str) -> Body:
    """What ``job.json`` says: neither the environment nor the input."""
    seen = proc.stat(job.pid or 0)
    body: dict[str, object] = {
        "version": 1,
        "name": job.name,
        "is_named": request.is_named,
        "notebook": notebook,
        "host": records.host(),
        "machine": records.machine(),
        "pid": job.pid,
        # None: it has ended already, and waits to be reaped.
        "ticks": seen.started_ticks if seen else 0,
        "started_at": job.started_at,
        "dir": job.dir,
        "shown": request.shown or shlex.join(request.argv),
    }
    # As it was typed, if it was: the values of expressions can be secrets.
    if not request.shown:
        body["argv"] = request.argv
    for name in ("merge", "pty", "encoding", "output_limit", "memory_limit", "grace"):
        body[name] = getattr(request, name)
    return body | {"timeout": request.timeout}


def _request_of(record: Record, elapsed: float) -> Request:
    """Make again what is on record of a request; its time-out has run since."""
    told = Fields(record.job)
    request, timeout = records.request_of(record), told.seconds("timeout")
    if timeout is None:
        return request
    return replace(request, timeout=max(0.0, timeout - elapsed))


def _end_of(job: Job, error: OSError | None) -> Body:
    """What ``end.json`` says."""
    return {
        "status": str(job.status),
        "ended_at": job.ended_at,
        "elapsed": job.elapsed,
        "timed_out": job.timed_out,
        "state": job.state and facts.body_of_state(job.state),
        "reason": getattr(error, "reason", error and str(error)),
    }
