"""Processes that a session keeps: started, captured, reaped and ended for it.

``ipyproc._jobs`` is this package and the table of the session's jobs in one.

>>> from ipyproc._jobs import jobs, spawn
>>> job = spawn("echo hello")
>>> print(job.wait(), job.stdout.lines())
exit status 0 ['hello']
>>> jobs["echo"] is job
True
>>> jobs.clear()
"""

from __future__ import annotations

from ipyproc._jobs.job import Job
from ipyproc._jobs.launch import spawn
from ipyproc._jobs.output.capture import Capture
from ipyproc._jobs.output.interleaved import Chunk
from ipyproc._jobs.procinfo.usage import Usage
from ipyproc._jobs.registry import Jobs, jobs
from ipyproc._jobs.request import PIPE
from ipyproc._jobs.runner import JobStatus

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
