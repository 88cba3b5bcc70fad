"""The end of the interpreter, which is the end of its jobs."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from signal import SIGKILL

from ipyproc.jobs.job import Job
from ipyproc.jobs.reactor import reactor

# Together less than the two seconds after which a kernel may be killed.
_GRACE = 0.8
_REAPING = 0.4
_STOPPING = 0.3
_NAP = 0.02


class Ending:
    """Ends at exit all jobs that were given to it, and what they started.

    Each group gets TERM; what is left of it a moment later is killed. A detached job
    goes on. A forked child ends nothing: the jobs are its parent's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._jobs: set[Job] = set()
        self._detached: set[Job] = set()
        # What an ended job started may go on in its session, which keeps its pid taken.
        self._ended: set[int] = set()

    def add(self, job: Job, detach: bool) -> None:
        """End *job* at exit, unless it is detached."""
        with self._lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                self._jobs, self._detached, self._ended = set(), set(), set()
                atexit.register(self.run)
            (self._detached if detach else self._jobs).add(job)
            self._sort_out()

    def run(self) -> None:
        """End them now, and the reactor with them."""
        if self._pid != os.getpid():
            return
        with self._lock:
            self._sort_out()
        if self._jobs or _any_in(self._ended):
            self._end()
        reactor().stop(_STOPPING)
        for job in self._detached:
            job.process.release()

    def _end(self) -> None:
        # Only now, because few scripts leave anything to look for.
        from ipyproc.jobs import tree

        jobs = list(self._jobs)
        deadline = time.monotonic() + _GRACE
        # Before any of them ends: what it started has its parent still.
        family = tree.find(tree.Roots(_pids(jobs), frozenset(self._ended)))
        with suppress(KeyboardInterrupt):
            for job in jobs:
                with suppress(OSError):
                    job.terminate()
            _await(jobs, deadline)
            while any(m.lives for m in family) and time.monotonic() < deadline:
                time.sleep(_NAP)
        self._sort_out()
        rest = tree.Roots(_pids(self._jobs), frozenset(self._ended))
        with suppress(OSError):
            tree.signal(SIGKILL, rest, family)
        _await(jobs, time.monotonic() + _REAPING)

    def _sort_out(self) -> None:
        over = {job for job in self._jobs if job.ended_at is not None}
        self._jobs -= over
        self._ended |= {job.pid for job in over}
        self._detached = {job for job in self._detached if job.ended_at is None}


def _pids(jobs: Iterable[Job]) -> frozenset[int]:
    return frozenset(job.pid for job in jobs)


def _await(jobs: Iterable[Job], deadline: float) -> None:
    for job in jobs:
        with suppress(OSError):  # it is late, or somebody else waited for it
            job.wait(max(0.0, deadline - time.monotonic()))


def _any_in(sessions: set[int]) -> bool:
    """Say whether a session has members, without what it takes to look closer."""
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return bool(sessions)
    return any(_session(pid) in sessions for pid in pids)


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


#: What ends the jobs of this session.
ending = Ending()
