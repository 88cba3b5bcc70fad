"""Waiting for jobs such that an interrupt stops the waiting at once."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack

from ipyproc._jobs.job import Job
from ipyproc._jobs.names import identified
from ipyproc._jobs.replacing import left_of, wait_until_gone
from ipyproc._process.threads import within_reach_of_signals
from ipyproc.errors import ExitError, NotReadyError
from ipyproc.magics.errors import one_line
from ipyproc.state import ProcessState
from ipyproc.views.render.console import SILENT, Monitor

# Go's ExitError keeps as much of the end of standard error.
_STDERR = 1 << 15


def wait(
    jobs: Sequence[Job],
    timeout: float | None = None,
    enough: Callable[[Iterable[bool]], bool] = all,
    monitor: Monitor = SILENT,
) -> list[Job]:
    """Wait until *enough* of the jobs, ``all`` or ``any``, have ended; return those.

    *monitor* shows their output meanwhile. ``TimeoutError`` and ``KeyboardInterrupt``
    name, in one line, the jobs that still run; both end the cell, so that "Run all"
    stops.
    """
    try:
        in_time = _wait(jobs, timeout, enough, monitor)
    except KeyboardInterrupt as interrupt:
        raise one_line(interrupt, f"waiting stopped; {_still(jobs)}") from None
    if not in_time:
        raise one_line(TimeoutError(f"after {timeout:g} s {_still(jobs)}"))
    return [job for job in jobs if _has_ended(job)]


def until_ready(
    job: Job, pattern: re.Pattern[str] | None, port: int | None, within: float
) -> None:
    """Wait until *job* printed what matches *pattern*, and somebody listens on *port*.

    What comes in between, such as an interrupt or an end, is one line, and ends the
    cell; a job that runs goes on.
    """
    end = time.monotonic() + within
    try:
        if pattern is not None:
            job.until(pattern, within)
        if port is not None:
            job.until_listening(port, max(0.0, end - time.monotonic()))
    except KeyboardInterrupt as interrupt:
        raise one_line(interrupt, f"waiting stopped; {_still([job])}") from None
    except TimeoutError as error:
        raise one_line(error, f"{error}; {_still([job])}") from None
    except NotReadyError as error:
        raise one_line(error) from None


def gone(jobs: Sequence[Job], alone: bool) -> None:
    """Wait until nothing is left of the jobs, or, if *alone*, their processes ended.

    An interrupt names, in one line, the jobs of which something is left.
    """
    wait(jobs)
    try:
        wait_until_gone([] if alone else jobs)
    except KeyboardInterrupt as interrupt:
        names = ", ".join(map(identified, left_of(jobs)))
        text = f"waiting stopped; something is left of {names}"
        raise one_line(interrupt, text) from None


def state(job: Job) -> ProcessState:
    """The state of a job that has ended; the error of a lost job is one line."""
    try:
        return job.wait()
    except OSError as error:
        raise one_line(error, f"{job.label}: {error}") from None


def check(jobs: Iterable[Job]) -> None:
    """Raise ``ExitError``, in one line, for the first job that failed."""
    for job in jobs:
        how = state(job)
        if not how.success:
            error = ExitError(how, stderr=job.stderr.tail(_STDERR))
            why = " (timed out)" if job.timed_out else ""
            raise one_line(error, f"{job.label}: {how}{why}")


def _has_ended(job: Job) -> bool:
    return job.ended_at is not None


def _wait(
    jobs: Sequence[Job],
    timeout: float | None,
    enough: Callable[[Iterable[bool]], bool],
    monitor: Monitor,
) -> bool:
    happened = threading.Event()
    deadline = None if timeout is None else time.monotonic() + timeout

    def reached() -> bool:
        return enough(_has_ended(job) for job in jobs)

    def look(_: Job) -> None:
        if monitor is not SILENT or reached():
            happened.set()

    with ExitStack() as stack:
        stack.callback(monitor.close)
        for job in jobs:
            stack.callback(job.subscribe(look))
        while not reached():
            happened.clear()
            pause = monitor.poll()
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            if not reached():
                happened.wait(_sooner(pause, left, within_reach_of_signals()))
        monitor.finish()
        return True


def _sooner(*pauses: float | None) -> float | None:
    return min((pause for pause in pauses if pause is not None), default=None)


def _still(jobs: Iterable[Job]) -> str:
    names = [identified(job) for job in jobs if not _has_ended(job)]
    if not names:
        return "nothing runs any more"
    return f"{', '.join(names)} still run{'s' if len(names) == 1 else ''}"
