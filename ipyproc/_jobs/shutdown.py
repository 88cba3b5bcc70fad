"""The end of the interpreter, which is the end of its jobs."""

from __future__ import annotations

import atexit
import os
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence, Set
from contextlib import suppress
from functools import partial
from operator import attrgetter
from signal import SIGKILL
from typing import Protocol

from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.proc import Stat
from ipyproc._jobs.procinfo.tree import tree_of
from ipyproc._jobs.request import HERE, Host
from ipyproc._jobs.uninterrupted import uninterrupted

# Together less than the two seconds after which a kernel may be killed.
_GRACE = 0.8
_REAPING = 0.4
_STOPPING = 0.3
_NAP = 0.02


class Endable(Protocol):
    """The part of a job that ending it takes."""

    started_at: float
    #: What its end may take, in seconds.
    grace: float

    @property
    def host(self) -> Host:
        """Where it runs."""

    @property
    def pid(self) -> int | None:
        """Its process; ``None`` while it is queued."""

    @property
    def ended_at(self) -> float | None:
        """When that ended."""

    def terminate(self, grace: float) -> object:
        """Ask it to end, and kill it later."""

    def wait(self, timeout: float) -> object:
        """Wait for its end."""

    def let_go(self) -> None:
        """Leave it to itself."""


class Shutdown:
    """Ends at exit all jobs that were registered, and what they started.

    Each gets TERM, and so does what it started once it has ended; what is left of it a
    moment later is killed. A detached job goes on. A forked child ends nothing: the
    jobs are its parent's. What is beyond our reach is left to the guardian, as
    everything is if we are killed.
    """

    def __init__(self) -> None:
        # Whether each is detached. The event loop keeps the jobs alive that run. The
        # pids of ended ones, of which something may go on, are the guardian's to know.
        self._jobs: dict[weakref.ref[Endable], bool] = {}
        # Those of which the job has gone. An interrupt in a callback of Python's own
        # would be lost, so this is none: nothing of Python runs when a job goes.
        self._gone: deque[weakref.ref[Endable]] = deque()
        self._at_exit = False
        #: Whether the session ends now.
        self.is_under_way = False
        # What is to be closed before the event loop ends.
        self._closers: dict[Callable[[], None], None] = {}

    def before_end(self, close: Callable[[], None]) -> None:
        """Call *close* at exit, after the jobs have ended, before the event loop."""
        self._run_at_exit()
        self._closers[close] = None

    def no_more(self, close: Callable[[], None]) -> None:
        """Do not call *close* at exit: it is done."""
        self._closers.pop(close, None)

    def register(self, job: Endable, detached: bool) -> None:
        """End *job* at exit, unless it is detached."""
        self._run_at_exit()
        self._forget_gone()
        self._jobs[weakref.ref(job, self._gone.append)] = detached

    def is_detached(self, job: Endable) -> bool:
        """Whether *job* outlives the session."""
        return self._jobs.get(weakref.ref(job), False)

    def end_jobs(self, patience: float = float("inf")) -> None:
        """End all jobs now, and what they and those before them started.

        Each may take its own grace to obey TERM, but not more than *patience* seconds.
        An interrupt ends the patience; it is not raised.
        """
        if self._at_exit:
            self._end_jobs(self._running(detached=False), patience)

    def retire(self, timeout: float) -> bool:
        """Let what serves the jobs end as soon as no job needs it.

        Waits for that, up to *timeout* seconds, and returns whether it has ended. The
        next job starts it all again.
        """
        guardian().retire()
        return event_loop().retire(timeout)

    def run(self) -> None:
        """End them now, and the event loop with them."""
        if not self._at_exit:
            return
        jobs = self._running(detached=False)
        self._end_jobs(jobs, _GRACE)
        detached = self._running(detached=True)
        self.is_under_way = True
        for close in list(self._closers):
            close()
        self.is_under_way = False
        guardian().stop()
        event_loop().stop(_STOPPING)
        for job in (*detached, *jobs):
            if job.ended_at is None:
                job.let_go()

    def forget_all(self) -> None:
        """Leave the jobs to their session; this is a fork of it."""
        self._jobs.clear()
        self._closers.clear()
        self._at_exit = False
        atexit.unregister(self.run)

    def _run_at_exit(self) -> None:
        if not self._at_exit:
            self._at_exit = True
            atexit.register(self.run)

    def _forget_gone(self) -> None:
        while self._gone:
            with suppress(IndexError):  # a signal handler, or another thread, was here
                self._jobs.pop(self._gone.popleft(), None)

    def _running(self, *, detached: bool) -> list[Endable]:
        found = [
            job() for job, lives_on in list(self._jobs.items()) if lives_on is detached
        ]
        running = [job for job in found if job and job.ended_at is None]
        return sorted(running, key=attrgetter("started_at"))

    def _end_jobs(self, jobs: Sequence[Endable], patience: float) -> None:
        pids = guardian().pids
        if jobs or _any_in(pids):
            _end(jobs, pids, patience)


def _end(jobs: Sequence[Endable], pids: Set[int], patience: float) -> None:
    now = time.monotonic()
    # Before any of them ends: what it started has its parent still.
    family = tree_of(*_sorted(jobs, pids)).find()
    with suppress(KeyboardInterrupt):
        for job in jobs:
            with suppress(OSError):
                job.terminate(min(job.grace, patience))
        _await(jobs, now + patience)
        while _any_lives(family) and time.monotonic() < now + _GRACE:
            time.sleep(_NAP)
    kill = partial(tree_of(*_sorted(jobs, pids)).signal, SIGKILL, family)
    with suppress(OSError, KeyboardInterrupt):
        try:
            uninterrupted(kill)
        except KeyboardInterrupt:  # more haste changes nothing: all of them must go
            uninterrupted(kill)
        _await(jobs, time.monotonic() + _REAPING)


def _sorted(
    jobs: Iterable[Endable], pids: Set[int]
) -> tuple[frozenset[int], frozenset[int]]:
    """Split *pids* into those of running jobs and those of ended ones."""
    # A pid of another machine is a stranger's here.
    ours = [job for job in jobs if job.host is HERE]
    running = frozenset(job.pid for job in ours if job.pid and job.ended_at is None)
    return running, frozenset(pids - running)


def _await(jobs: Iterable[Endable], deadline: float) -> None:
    for job in jobs:
        with suppress(OSError):  # it is late, or somebody else waited for it
            job.wait(max(0.0, deadline - time.monotonic()))


def _any_in(sessions: Set[int]) -> bool:
    """Whether a session has members, without what it takes to look closer."""
    try:
        return any(proc.session(pid) in sessions for pid in proc.pids())
    except OSError:
        return bool(sessions)


def _any_lives(family: Iterable[Stat]) -> bool:
    found = ((seen, proc.stat(seen.pid)) for seen in family)
    return any(seen == now and not now.ended for seen, now in found if now)


#: What ends the jobs of this session.
shutdown = Shutdown()

os.register_at_fork(after_in_child=shutdown.forget_all)
