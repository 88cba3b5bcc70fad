"""Ending the jobs when the extension is unloaded."""

from __future__ import annotations

from contextlib import suppress

from ipyproc.jobs import Job, jobs
from ipyproc.jobs.ending import ending
from ipyproc.magics.killing import label


def end_jobs() -> None:
    """End the jobs that run, with all that they started, and print a line for each.

    Detached jobs go on; there is a line for each of them, too.
    """
    running = [job for job in jobs.running if not ending.is_detached(job)]
    for job in running:
        with suppress(ProcessLookupError):
            job.terminate()
    for job in running:
        print(f"{label(job)}: ended with ipyproc, {_end(job)}")
    for job in jobs.running:
        print(f"{label(job)}: detached, goes on")


def _end(job: Job) -> str:
    try:
        state = str(job.wait())
    except ChildProcessError as error:
        state = str(error)
    with suppress(ProcessLookupError):  # usually nothing of it is left
        job.kill(tree=True)
    return state
