"""Processes that a session keeps: started, captured, reaped and ended for it.

``ipyproc.jobs`` is this package and the table of the session's jobs in one.

>>> from ipyproc.jobs import jobs, spawn
>>> job = spawn("echo hello")
>>> print(job.wait(), job.stdout.lines())
exit status 0 ['hello']
>>> jobs["echo"] is job
True
>>> jobs.clear()
"""

from __future__ import annotations

from ipyproc.jobs.capture import Capture
from ipyproc.jobs.job import Job
from ipyproc.jobs.journal import Chunk
from ipyproc.jobs.launch import spawn
from ipyproc.jobs.options import PIPE
from ipyproc.jobs.runner import JobStatus
from ipyproc.jobs.table import Jobs, jobs
from ipyproc.jobs.usage import Usage

__all__ = [
    "PIPE",
    "Capture",
    "Chunk",
    "Job",
    "JobStatus",
    "Jobs",
    "Usage",
    "jobs",
    "spawn",
]
