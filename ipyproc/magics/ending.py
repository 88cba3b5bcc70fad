"""Ending the jobs, and what serves them, when the extension is unloaded."""

from __future__ import annotations

from ipyproc._jobs.job import Job
from ipyproc._jobs.shutdown import ending
from ipyproc.magics.kill import label
from ipyproc.session import jobs
from ipyproc.views.widgets.job import shared

# How long the threads may take; for a detached job they stay as long as it runs.
_PATIENCE = 2.0


def end_jobs() -> None:
    """End the jobs that run, with all that they started, and print a line for each.

    Detached jobs go on; there is a line for each of them, too. An interrupt kills those
    that take their time.
    """
    for job in ending.end():
        print(f"{label(job)}: ended with ipyproc, {_how(job)}")
    for job in jobs.running:
        print(f"{label(job)}: detached, goes on")


def end_threads() -> None:
    """Have the threads end that served jobs and their views; the next job has new ones.

    While a detached job runs, the one that waits for it stays.
    """
    patience = 0 if jobs.running else _PATIENCE
    shared.retire(patience)
    ending.rest(patience)


def _how(job: Job) -> str:
    try:
        return str(job.wait(0))
    except OSError as error:
        return str(error)
