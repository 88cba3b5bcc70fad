"""Waiting for jobs where an interrupt gets through at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack

from ipyproc.errors import ExitError
from ipyproc.jobs import Job
from ipyproc.magics.mistakes import one_line

# As much of the end of standard error as Go's ExitError keeps.
_STDERR = 1 << 15


def wait(
    jobs: Sequence[Job],
    timeout: float | None = None,
    enough: Callable[[Iterable[bool]], bool] = all,
) -> None:
    """Wait until *enough* of the jobs have ended: ``all`` of them, or ``any``.

    ``TimeoutError`` and ``KeyboardInterrupt`` say, in one line, that jobs still run;
    both end the cell, so that "Run all" stops.
    """
    changed = threading.Event()

    def look(_: Job) -> None:
        if enough(has_ended(job) for job in jobs):
            changed.set()

    with ExitStack() as stack:
        for job in jobs:
            stack.callback(job.subscribe(look))
            look(job)
        try:
            # Only the main thread gets signals; waiting here it gets them at once.
            in_time = changed.wait(timeout)
        except KeyboardInterrupt as interrupt:
            raise one_line(interrupt, f"waiting stopped; {_still(jobs)}") from None
    if not in_time:
        raise one_line(TimeoutError(f"after {timeout:g} s {_still(jobs)}"))


def has_ended(job: Job) -> bool:
    """Whether a job has ended, or nobody will ever learn that it does."""
    return job.state is not None or job.finished


def check(jobs: Iterable[Job]) -> None:
    """Raise ``ExitError``, in one line, for the first that ended without success."""
    for job in jobs:
        if job.state is not None and not job.state.success:
            error = ExitError(job.state, stderr=job.stderr.tail(_STDERR))
            why = " (timed out)" if job.timed_out else ""
            raise one_line(error, f"{job.name}: {job.state}{why}")


def _still(jobs: Iterable[Job]) -> str:
    names = [f"{job.name} (pid {job.pid})" for job in jobs if not has_ended(job)]
    if not names:
        return "nothing runs any more"
    return f"{', '.join(names)} still run{'s' if len(names) == 1 else ''}"
