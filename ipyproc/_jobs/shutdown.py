"""The end of the interpreter, which is the end of its jobs."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Iterable, Set
from contextlib import suppress
from functools import partial
from operator import attrgetter
from signal import SIGKILL
from weakref import WeakSet

from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.job import Job

# Together less than the two seconds after which a kernel may be killed.
_GRACE = 0.8
_REAPING = 0.4
_STOPPING = 0.3
_NAP = 0.02
_FOR_EVER = 1e9


class Ending:
    """Ends at exit all jobs that were given to it, and what they started.

    Each group gets TERM; what is left of it a moment later is killed. A detached job
    goes on. A forked child ends nothing: the jobs are its parent's. What is beyond our
    reach is left to the guardian, as everything is if we are killed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        # Jobs that run are alive by the event loop. The pids of ended ones, of which
        # something may go on in their sessions, are the guardian's to know.
        self._jobs: WeakSet[Job] = WeakSet()
        self._detached: WeakSet[Job] = WeakSet()

    def add(self, job: Job, detach: bool) -> None:
        """End *job* at exit, unless it is detached."""
        with self._lock:
            if self._owner != os.getpid():
                self._owner = os.getpid()
                self._jobs, self._detached = WeakSet(), WeakSet()
                atexit.register(self.run)
            (self._detached if detach else self._jobs).add(job)

    def is_detached(self, job: Job) -> bool:
        """Say whether *job* is to outlive the session."""
        with self._lock:
            return job in self._detached

    def end(self, patience: float = _FOR_EVER) -> list[Job]:
        """End all jobs now, and what they and those before them started; give the jobs.

        Each may take its own grace to obey TERM, but not more than *patience* seconds.
        An interrupt is enough patience; it is not raised.
        """
        if self._owner != os.getpid():
            return []
        with self._lock:
            jobs = _running(self._jobs)
        pids = guardian().pids
        if jobs or _any_in(pids):
            _end(jobs, pids, patience)
        return jobs

    def rest(self, timeout: float) -> bool:
        """Let what serves the jobs end as soon as no job needs it.

        Waits for that, up to *timeout* seconds, and says whether it came to pass. The
        next job starts it all again.
        """
        guardian().rest()
        return event_loop().retire(timeout)

    def run(self) -> None:
        """End them now, and the event loop with them."""
        if self._owner != os.getpid():
            return
        jobs = self.end(_GRACE)
        with self._lock:
            detached = _running(self._detached)
        guardian().stop()
        event_loop().stop(_STOPPING)
        for job in (*detached, *jobs):
            if job.ended_at is None:
                job.let_go()


def _end(jobs: list[Job], pids: Set[int], patience: float) -> None:
    # Only now, because few scripts leave anything to look for.
    from ipyproc._jobs.procinfo import tree

    now = time.monotonic()
    # Before any of them ends: what it started has its parent still.
    family = tree.find(tree.Roots(*_sorted(jobs, pids)))
    with suppress(KeyboardInterrupt):
        for job in jobs:
            with suppress(OSError):
                job.terminate()
        _await(jobs, now + patience)
        while any(m.lives for m in family) and time.monotonic() < now + _GRACE:
            time.sleep(_NAP)
    kill = partial(tree.signal, SIGKILL, tree.Roots(*_sorted(jobs, pids)), family)
    with suppress(OSError, KeyboardInterrupt):
        try:
            kill()
        except KeyboardInterrupt:  # more haste changes nothing: they shall all be gone
            kill()
        _await(jobs, time.monotonic() + _REAPING)


def _running(jobs: Iterable[Job]) -> list[Job]:
    running = (job for job in jobs if job.ended_at is None)
    return sorted(running, key=attrgetter("started_at"))


def _sorted(jobs: list[Job], pids: Set[int]) -> tuple[frozenset[int], frozenset[int]]:
    """Split *pids* into those of running jobs and those of ended ones."""
    running = frozenset(job.pid for job in jobs if job.ended_at is None)
    return running, frozenset(pids - running)


def _await(jobs: list[Job], deadline: float) -> None:
    for job in jobs:
        with suppress(OSError):  # it is late, or somebody else waited for it
            job.wait(max(0.0, deadline - time.monotonic()))


def _any_in(sessions: Set[int]) -> bool:
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
