"""Jobs that wait for a place, as in a cluster, until the test gives them one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ipyproc import jobs
from ipyproc._jobs import request
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.job import Job, start
from ipyproc._jobs.local import LocalRunner
from ipyproc._jobs.request import Request
from ipyproc._jobs.runner import JobStatus
from ipyproc.errors import JobLostError, ProcessDoneError


class QueuedRunner(LocalRunner):
    """Runs a process of this machine, once ``begin`` is called."""

    def __init__(self, asked: Request) -> None:
        super().__init__(asked)
        self.is_queued = True
        self._tell: Callable[[], None] = lambda: None

    def start(self, changed: Callable[[], None]) -> None:
        """Wait for ``begin``."""
        self._tell = changed

    def begin(self) -> None:
        """Start the process, as the place is free now."""
        super().start(self._tell)
        self.is_queued = False
        event_loop().call_soon(self._tell)

    @property
    def status(self) -> JobStatus:
        """What it does."""
        if self.is_queued and self.ended_at is None:
            return JobStatus.QUEUED
        return super().status

    def signal(self, sig: int, tree: bool | None) -> int:
        """Leave the queue, or signal it."""
        if not self.is_queued:
            if not self.pid:
                raise ProcessDoneError
            return super().signal(sig, tree)
        self.is_queued = False
        self.error = JobLostError("it was cancelled")
        self.ended_at, self.finished = self._now(), True
        event_loop().call_soon(self._tell)
        return 0

    def end(self, grace: float) -> int:
        """Leave the queue, or end it."""
        if self.is_queued:
            return self.signal(signal.SIGTERM, None)
        return super().end(grace)


@contextmanager
def queued(argv: str, **options: object) -> Iterator[tuple[Job, QueuedRunner]]:
    """Queue a job of the session's table, and end it."""
    asked = request.check(argv, **options)  # type: ignore[arg-type]
    runner = QueuedRunner(asked)
    job = start(asked, runner, jobs)
    try:
        yield job, runner
    finally:
        with suppress(ProcessDoneError):
            job.kill()
        jobs.discard(job)
