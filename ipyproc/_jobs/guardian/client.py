"""The guardian: another process, which ends the jobs when this one was killed."""

from __future__ import annotations

import logging
import os
import selectors
import sys
import time
from collections import deque
from contextlib import suppress
from errno import EAGAIN, EMFILE, ENFILE, ENOMEM
from functools import partial
from itertools import count, starmap
from typing import Final

from ipyproc._jobs.guardian import program
from ipyproc._jobs.guardian.program import (
    BEGINS,
    IDLE,
    LEAVE,
    LEAVE_IF_IDLE,
    MARK,
    MESSAGE,
    OVER,
    STAYS,
)
from ipyproc._jobs.io.event_loop import EventLoop, event_loop
from ipyproc._jobs.io.timers import Callback, Timer
from ipyproc._jobs.procinfo import proc, tree
from ipyproc._jobs.procinfo.proc import NO_MORE
from ipyproc._sys.helper_code import HelperCode
from ipyproc.attr import ProcAttr, SysProcAttr
from ipyproc.process import Process, ProcessStatus, start_process

_log = logging.getLogger(__name__)

#: Seconds without anything to guard after which a guardian ends.
LINGER: Final = 10.0
# It finds what it ends in /proc; elsewhere jobs end with a normal end only.
_CAN_GUARD = os.path.exists("/proc/self/stat")
_CODE = HelperCode(proc.__name__, tree.__name__, program.__name__)
# How many may fail to begin, one after the other.
_TRIALS = 3
# How soon to look again: for the end of the program's first process, which ends as soon
# as it has started the other; and for room in the pipe.
_AGAIN = 0.02
# When to start it if just now there was no room for it.
_LATER = 1.0
_SCARCE = {EMFILE, ENFILE, ENOMEM, EAGAIN}
# What the guardian needs of our environment: how a Python finds its libraries, and our
# own switches. The rest could be too long for a start, or wrong for a Python.
_PASSED_ON = ("PATH", "LD_", "IPYPROC_")


class Guardian:
    """Our side of it: starts the process before the first job, and tells it of each.

    It ends all jobs and what they started, when this process ends in any way, and when
    ``retire`` is called. Methods may be called from any thread, and from the handlers
    of signals: as in ``EventLoop`` there is no lock.

    The process is there before a job's is started, and it is told that one is about to
    be. Should we be killed before it is told of the job, it finds that by the variable
    ``IPYPROC_SESSION`` in its environment, as it finds what left a job's session and
    lost its parent.

    Where there is no /proc nobody guards.
    """

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        #: The value of ``IPYPROC_SESSION`` for what is to end with us.
        self.mark = _new_mark()
        # When each job was there, by pid, and which of them have not ended. What a job
        # that has ended left may go on, so it is known until the guardian says that
        # nobody is there.
        self._told: dict[int, int] = {}
        self._running: set[int] = set()
        # The starts that are under way.
        self._starting: dict[int, None] = {}
        self._numbers = count()
        # At most one, under "line": whoever needs it first makes it.
        self._lines: dict[str, _Line] = {}
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

    def prepare(self) -> int:
        """Start the process, if there is none, and announce the start of a job.

        The result is for ``settle``, which must follow.
        """
        start = next(self._numbers)
        self._starting[start] = None
        self._say(BEGINS, start)
        return start

    def tell(self, pid: int) -> None:
        """Guard a job."""
        if _CAN_GUARD:
            moment = time.clock_gettime_ns(proc.CLOCK)
            self._running.add(pid)
            self._told[pid] = moment
            self._say(pid, moment)

    def settle(self, start: int) -> None:
        """Note that a start is over: its job was told of, or there is none."""
        self._starting.pop(start, None)
        self._say(OVER, start)

    def ended(self, pid: int) -> None:
        """Note that the process of a job ended."""
        self._running.discard(pid)

    def retire(self) -> None:
        """Let the process end, with what ended jobs left; not while a job runs."""
        if self._lines or self._told:
            self._loop.call_soon(self._retire)

    def stop(self) -> None:
        """Tell it no more; it ends all jobs once the event loop has closed the line."""
        self._trials = _TRIALS
        line = self._lines.pop("line", None)
        if line:
            line.forget()

    def _say(self, pid: int, number: int) -> None:
        """Say it to the process that guards, whichever that is by now.

        A line that was replaced meanwhile may have been left already by its other end.
        What is said twice does no harm.
        """
        line = self._lines.get("line")
        if line is None and self._needed and _CAN_GUARD and self._trials < _TRIALS:
            line = self._start()
        while line is not None:
            line.say(pid, number)
            current = self._lines.get("line")
            if current is line:
                return
            line = current

    @property
    def _needed(self) -> bool:
        return bool(self._running or self._starting)

    def _start(self) -> _Line | None:
        """Start the process, and tell it all."""
        try:
            fresh = _Line(self._loop, self.mark)
        except (OSError, RuntimeError) as error:
            if isinstance(error, OSError) and error.errno in _SCARCE:
                self._retry = self._loop.call_later(_LATER, self._start_if_needed)
            else:
                self._warn(error)
            return None
        self._trials += 1
        line = self._lines.setdefault("line", fresh)
        if line is not fresh:  # another thread was faster
            fresh.say(0, LEAVE)
            fresh.reap()
            return line
        for pid, moment in list(self._told.items()):
            line.say(pid, moment)
        for start in list(self._starting):
            line.say(BEGINS, start)
        self._loop.call_soon(partial(self._listen, line))
        return line

    def _start_if_needed(self) -> None:
        if self._told and not self._lines and self._trials < _TRIALS:
            self._start()

    def _listen(self, line: _Line) -> None:
        line.reap()
        self._loop.watch(line.ear, selectors.EVENT_READ, partial(self._heard, line))

    def _heard(self, line: _Line) -> None:
        for pid, number in line.hear():
            if pid and self._told.get(pid) == number:
                del self._told[pid]
            if not pid:
                self._answer(line, number)
        if line.greeted:
            self._trials = 0
        if not line.is_open:
            self._lost(line)

    def _answer(self, line: _Line, word: int) -> None:
        """Do as a guardian without work asks, or with it that was told to leave."""
        if word == IDLE and line is self._lines.get("line"):
            # In this order: what anybody says to it after that, he says once more.
            del self._lines["line"]
            line.say(0, LEAVE_IF_IDLE)
        elif word == STAYS and self._lines.setdefault("line", line) is not line:
            line.say(0, LEAVE)

    def _lost(self, line: _Line) -> None:
        """Replace a process that somebody killed, if there is need of one."""
        self._loop.unwatch(line.ear)
        if line is not self._lines.get("line"):
            return
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
        if self._needed:
            if line and self._lines.setdefault("line", line) is not line:
                line.say(0, LEAVE)
            return
        self._told.clear()
        if self._retry:
            self._retry.cancel()
        # That it had no time to begin says nothing of the next.
        self._trials = 0
        # While it ends what is left, there may be jobs of another's.
        self.mark = _new_mark()
        if line:
            line.is_open = False
            self._loop.unwatch(line.ear)


class _Line:
    """A process that guards, and the two pipes between it and us.

    They are closed when nobody refers to the line any more: nobody writes into another
    file that got the number of one.
    """

    def __init__(self, loop: EventLoop, mark: str) -> None:
        self._loop = loop
        self._fds = [NO_MORE]
        self._first: list[Process] = []
        self._unsaid: deque[bytes] = deque()
        #: Whether more may come.
        self.is_open = True
        #: Whether it has begun.
        self.greeted = False
        self._pid = 0
        try:
            self._begin(mark)
        except BaseException:
            self._close()
            raise

    def __del__(self) -> None:
        self._close()

    @property
    def is_ready(self) -> bool:
        """Whether it guards, and no child of ours is left of the start."""
        return self.greeted and all(
            first.status is not ProcessStatus.OK for first in self._first
        )

    def say(self, pid: int, number: int) -> None:
        """Tell it something; never blocks."""
        message = MESSAGE.pack(pid, number)
        try:
            if not self._unsaid:
                os.write(self._mouth, message)
                return
        except BrokenPipeError:  # it was killed, and we are about to hear that
            return
        except BlockingIOError:
            pass
        self._unsaid.append(message)
        self._again(self._go_on)

    def hear(self) -> list[tuple[int, int]]:
        """Take in what it said; nothing more comes once the line is not open."""
        data = b""
        if self.is_open:
            with suppress(BlockingIOError):
                data = os.read(self.ear, MESSAGE.size << 10)
                self.is_open = bool(data)
        heard = list(MESSAGE.iter_unpack(data))
        for pid, number in heard:
            if not pid and number < 0:
                self.greeted, self._pid = True, -number
        return heard

    def forget(self) -> None:
        """Leave its first process to others, if that has not ended."""
        for first in self._first:
            first.release()

    def reap(self) -> None:
        """Wait for the first process, again and again."""
        try:
            self._first[0].wait(0)
        except TimeoutError:
            self._again(self.reap)
        except OSError:  # somebody else did
            self._first[0].release()

    def _go_on(self) -> None:
        """Say what there is to say, as far as there is room in the pipe."""
        try:
            while self._unsaid:
                os.write(self._mouth, self._unsaid[0])
                self._unsaid.popleft()
        except BlockingIOError:
            self._again(self._go_on)
        except BrokenPipeError:
            self._unsaid.clear()

    def _again(self, callback: Callback) -> None:
        with suppress(RuntimeError):  # the event loop has ended
            self._loop.call_later(_AGAIN, callback)

    def _begin(self, mark: str) -> None:
        # Descriptors are noted, and sorted, in one step each, whatever a handler
        # raises: ours first, then those of the other side.
        deque(map(self._fds.extend, starmap(os.pipe, [(), ()])), maxlen=0)
        _, self.ear, out, into, self._mouth = self._fds
        self._fds[:] = [NO_MORE, self.ear, self._mouth, NO_MORE, out, into]
        self._fds.extend(map(os.open, [os.devnull], [os.O_RDWR | os.O_CLOEXEC]))
        for fd in (self.ear, self._mouth):
            os.set_blocking(fd, False)
        # Most of its code is on the way to it before it is there to read.
        left = _put(self._mouth, _CODE.bundle)
        self._first.extend(starmap(_start, [(mark, [into, out, self._fds[-1]])]))
        proc.close(self._fds)
        if left:
            os.set_blocking(self._mouth, True)
            with suppress(BrokenPipeError):
                _put(self._mouth, left)
            os.set_blocking(self._mouth, False)

    def _close(self) -> None:
        while self._fds:
            proc.close(self._fds)


def _put(fd: int, data: bytes) -> bytes:
    """Write *data*, and return what there was no room for."""
    with suppress(BlockingIOError):
        while data:
            data = data[os.write(fd, data) :]
    return data


def _new_mark() -> str:
    return f"{os.getpid()}-{os.urandom(8).hex()}"


def _start(mark: str, files: list[int]) -> Process:
    python = sys.executable or "/proc/self/exe"
    argv = [python, *_CODE.words(0, str(os.getpid()), mark, str(LINGER))]
    env = {k: v for k, v in os.environ.copy().items() if k.startswith(_PASSED_ON)}
    env[MARK] = ""  # it belongs to no job, even if we do
    return start_process(
        python, argv, ProcAttr("/", env, files, SysProcAttr(setsid=True))
    )


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
