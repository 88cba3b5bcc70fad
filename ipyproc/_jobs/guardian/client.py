"""The guardian: another process, which ends the jobs when this one was killed."""

from __future__ import annotations

import logging
import os
import selectors
import time
from errno import EAGAIN, EMFILE, ENFILE, ENOMEM
from functools import partial
from itertools import count
from weakref import WeakSet

from ipyproc._jobs.guardian.connection import Connection
from ipyproc._jobs.guardian.program import (
    BEGINS,
    IDLE,
    LEAVE,
    LEAVE_IF_IDLE,
    OVER,
    STAYS,
)
from ipyproc._jobs.io.event_loop import EventLoop, event_loop
from ipyproc._jobs.io.timers import Timer
from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.uninterrupted import uninterrupted

_log = logging.getLogger(__name__)

# It finds what it ends in /proc; elsewhere jobs end with a normal end only.
_CAN_GUARD = os.path.exists("/proc/self/stat")
# How many may fail to begin, one after the other.
_TRIALS = 3
# When to start it if just now there was no room for it.
_LATER = 1.0
_SCARCE = {EMFILE, ENFILE, ENOMEM, EAGAIN}


class Guardian:
    """Starts the guardian's process before the first job, and tells it of each job.

    It ends all jobs and what they started, when this process ends in any way, and when
    ``retire`` is called. Methods may be called from any thread, and from the handlers
    of signals: as in ``EventLoop`` there is no lock.

    The process is there before a job's is started, and it is told that one is about to
    be. Should we be killed before it is told of the job, it finds that by the variable
    ``IPYPROC_SESSION`` in its environment, as it finds what left a job's session and
    lost its parent.

    Where there is no /proc, there is no guardian.
    """

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        #: The value of ``IPYPROC_SESSION`` for what is to end with us.
        self.mark = _new_mark()
        # When each job was there, by pid, and which of them have not ended. Processes
        # that an ended job left may run on, so the job is known until the guardian says
        # that none of them is there.
        self._told: dict[int, int] = {}
        self._running: set[int] = set()
        # The starts that are under way.
        self._starting: dict[int, None] = {}
        self._numbers = count()
        # At most one, under "line": made by the first call that needs it.
        self._lines: dict[str, Connection] = {}
        # Whose first process may have to be waited for.
        self._begun: WeakSet[Connection] = WeakSet()
        self._trials = 0
        self._retry: Timer | None = None
        self._warned = False

    def __repr__(self) -> str:
        return f"<Guardian of {len(self._told)} jobs>"

    @property
    def pids(self) -> frozenset[int]:
        """The jobs that run, and those that ended and may have left something."""
        return frozenset(self._told)

    @property
    def ready(self) -> bool:
        """Whether there is a process that guards."""
        line = self._lines.get("line")
        return line is not None and line.is_ready

    def number(self) -> int:
        """Return a number for the start of a job: its time."""
        return time.clock_gettime_ns(proc.CLOCK) + next(self._numbers)

    def prepare(self, start: int) -> str:
        """Start the process, if there is none, and announce the start of a job.

        Returns the mark by which the process that was told knows the job. ``settle``
        must follow, also if this is interrupted.
        """
        self._starting[start] = None
        line = self._say((BEGINS, start))
        return self.mark if line is None else line.mark

    def tell(self, pid: int, start: int) -> None:
        """Guard a job, with which its start is over."""
        if not _CAN_GUARD:
            self.settle(start)
            return
        moment = time.clock_gettime_ns(proc.CLOCK)
        self._running.add(pid)
        self._told[pid] = moment
        self._starting.pop(start, None)
        self._say((pid, moment), (OVER, start))

    def settle(self, start: int) -> None:
        """Note that a start is over, of which there may be no job."""
        self._starting.pop(start, None)
        self._say((OVER, start))

    def ended(self, pid: int) -> None:
        """Note that the process of a job ended."""
        self._running.discard(pid)

    def retire(self) -> None:
        """Let the process end, with what ended jobs left; not while a job runs."""
        if self._lines or self._told:
            self._loop.call_soon(self._retire)

    def stop(self) -> None:
        """Send it nothing more; it ends all jobs once the event loop has gone."""
        self._trials = _TRIALS
        self._lines.clear()
        for line in list(self._begun):
            line.forget()

    def _say(self, *messages: tuple[int, int]) -> Connection | None:
        """Say it to the process that guards, whichever that is by now; return its line.

        A line that was replaced meanwhile may have been left already by its other end.
        What is said twice does no harm.
        """
        line = self._lines.get("line")
        if line is None and self._needed and _CAN_GUARD and self._trials < _TRIALS:
            # An interrupt on the way would leave a process that nobody listens to.
            line = uninterrupted(self._start)
        while line is not None:
            line.say(*messages)
            current = self._lines.get("line")
            if current is line:
                return line
            line = current
        return None

    @property
    def _needed(self) -> bool:
        return bool(self._running or self._starting)

    def _start(self) -> Connection | None:
        """Start the process, and tell it all; where no handler of a signal runs."""
        if line := self._lines.get("line"):  # another thread was faster
            return line
        try:
            fresh = Connection(self._loop, self.mark)
        except (OSError, RuntimeError) as error:
            if isinstance(error, OSError) and error.errno in _SCARCE:
                self._retry = self._loop.call_later(_LATER, self._start_if_needed)
            else:
                self._warn(error)
            return None
        self._begun.add(fresh)
        self._trials += 1
        line = self._lines.setdefault("line", fresh)
        if line is not fresh:  # the same, in the meantime
            fresh.say((0, LEAVE))
            fresh.reap_adopted()
            return line
        for pid, moment in list(self._told.items()):
            line.say((pid, moment))
        for start in list(self._starting):
            line.say((BEGINS, start))
            if start not in self._starting:  # who settled it may have said so before
                line.say((OVER, start))
        self._loop.call_soon(partial(self._listen, line))
        return line

    def _start_if_needed(self) -> None:
        if self._told and not self._lines and self._trials < _TRIALS:
            self._start()

    def _listen(self, line: Connection) -> None:
        line.reap()
        self._loop.watch(line.ear, selectors.EVENT_READ, partial(self._heard, line))

    def _heard(self, line: Connection) -> None:
        for pid, number in line.hear():
            if pid and self._told.get(pid) == number:
                del self._told[pid]
            if not pid:
                self._answer(line, number)
        if line.greeted:
            self._trials = 0
        if not line.is_open:
            self._lost(line)

    def _answer(self, line: Connection, word: int) -> None:
        """Let an idle guardian leave; keep one that was told to leave but has work."""
        if word == IDLE and line is self._lines.get("line"):
            # In this order: what another thread says to it after that is said again.
            del self._lines["line"]
            line.say((0, LEAVE_IF_IDLE))
        elif word == STAYS and self._lines.setdefault("line", line) is not line:
            line.say((0, LEAVE))

    def _lost(self, line: Connection) -> None:
        """Replace a process that was killed, if one is needed."""
        self._loop.unwatch(line.ear)
        line.reap_adopted()
        if line is not self._lines.get("line"):
            return
        self.mark = line.mark  # of what the jobs have that it guarded
        del self._lines["line"]
        self._start_if_needed()
        if self._trials >= _TRIALS:
            self._warn("it ends at once")

    def _warn(self, reason: object) -> None:
        """Say, once, that there is no guardian."""
        if not self._warned:
            self._warned = True
            text = "if this process is killed its jobs live on; no guardian: %s"
            _log.warning(text, reason)

    def _retire(self) -> None:
        line = self._lines.pop("line", None)
        known = list(self._told)  # from here on another thread may start a job
        if self._needed:
            if line and self._lines.setdefault("line", line) is not line:
                line.say((0, LEAVE))
            return
        for pid in known:
            self._told.pop(pid, None)
        if self._retry:
            self._retry.cancel()
        # That this one had no time to begin does not mean that the next one fails.
        self._trials = 0
        # While it ends what is left, jobs of the next guardian may start.
        self.mark = _new_mark()
        if line:
            line.is_open = False
            self._loop.unwatch(line.ear)
            line.reap_adopted()


def _new_mark() -> str:
    return f"{os.getpid()}-{os.urandom(8).hex()}"


#: At most one, under "guardian".
_current: dict[str, Guardian] = {}


def guardian() -> Guardian:
    """Return the guardian of this process, which the first call makes."""
    found = _current.get("guardian")
    return found or _current.setdefault("guardian", Guardian(event_loop()))


def _in_child() -> None:
    """A forked child has no guardian yet, and leaves its parent's alone."""
    inherited = _current.pop("guardian", None)
    if inherited:
        inherited.stop()


os.register_at_fork(after_in_child=_in_child)
