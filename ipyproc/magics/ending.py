"""Ending the jobs when the extension is unloaded."""

from __future__ import annotations

from contextlib import suppress

from ipyproc.jobs import Job, jobs
from ipyproc.magics.killing import label


def end_jobs() -> None:
    """End the jobs that run, with all that they started, and print a line for each."""
    running = jobs.running
    for job in running:
        with suppress(ProcessLookupError):
            job.terminate()
    for job in running:
        print(f"{label(job)}: ended with ipyproc, {_end(job)}")


def _end(job: Job) -> str:
    try:
        state = str(job.wait())
    except ChildProcessError as error:
        state = str(error)
    with suppress(ProcessLookupError):  # usually nothing of it is left
        job.kill(tree=True)
    return state
