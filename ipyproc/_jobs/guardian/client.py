"""The guardian: another process, which ends the jobs when this one was killed."""

from __future__ import annotations

import logging
import os
import selectors
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from errno import EAGAIN, EMFILE, ENFILE, ENOMEM
from typing import Final

from ipyproc._jobs.guardian import program as guardian_program
from ipyproc._jobs.guardian.program import MARK, MESSAGE
from ipyproc._jobs.io.event_loop import EventLoop, event_loop
from ipyproc._jobs.io.timers import Callback
from ipyproc.attr import ProcAttr, SysProcAttr
from ipyproc.process import Process, ProcessStatus, start_process

_log = logging.getLogger(__name__)

#: Seconds without anything to guard after which a guardian ends.
LINGER: Final = 10.0
# It finds what it ends in /proc; elsewhere jobs end with a normal end only.
_CAN_GUARD = os.path.exists("/proc/self/stat")
_SCRIPT = os.path.abspath(guardian_program.__file__)
# How many may fail to begin, one after the other.
_TRIALS = 3
# How soon to look again: for the end of the program's first process, which ends as soon
# as it has started the other; and for room in the pipe.
_AGAIN = 0.02
# When to start it if just now there was no room for it.
_LATER = 1.0
_SCARCE = {EMFILE, ENFILE, ENOMEM, EAGAIN}


class Guardian:
    """Our side of it: starts the process with the first job, and tells it of each.

    It ends all jobs and what they started, when this process ends in any way, and when
    ``let_go`` is called. Methods may be called from any thread.

    A job is told of right after its start. Should we be killed before that, the
    guardian finds it by the variable ``IPYPROC_SESSION`` in its environment, as it
    finds who left a job's session and lost its parent.

    Where there is no /proc nobody guards.
    """

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        #: The value of ``IPYPROC_SESSION`` for what shall end with us.
        self.mark = _new_mark()
        # Re-entrant: a signal's handler may start a job, too.
        self._lock = threading.RLock()
        # When each job was there, by pid, and which of them have not ended. What a job
        # that has ended left may go on, so it is known until the guardian says that
        # nobody is there.
        self._told: dict[int, int] = {}
        self._running: set[int] = set()
        self._line: _Line | None = None
        self._starting = False
        self._trials = 0
        self._warned = False

    def __repr__(self) -> str:
        return f"<Guardian of {len(self._told)} jobs>"

    @property
    def pids(self) -> frozenset[int]:
        """The jobs that run, and those that ended and may have left something."""
        with self._lock:
            return frozenset(self._told)

    @property
    def ready(self) -> bool:
        """Whether there is a process that guards."""
        line = self._line
        return line is not None and line.is_ready

    def prepare(self) -> None:
        """Have the process started, if there is none; before a job is."""
        with self._lock:
            if self._line or self._starting or self._trials >= _TRIALS:
                return
            if not _CAN_GUARD:
                return
            # There no interrupt comes between, and nobody waits.
            self._loop.call_soon(self._start)
            self._starting = True

    def tell(self, pid: int) -> None:
        """Guard a job that was just started."""
        if not _CAN_GUARD:
            return
        moment = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        with self._lock:
            self._told[pid] = moment
            self._running.add(pid)
            if self._line:
                self._line.say(pid, moment)
            else:  # it is about to come, or has just been let go
                self.prepare()

    def ended(self, pid: int) -> None:
        """Know that the process of a job ended."""
        with self._lock:
            self._running.discard(pid)

    def rest(self) -> None:
        """Let the process end, with what ended jobs left; not while a job runs."""
        with self._lock:
            needed = self._line or self._starting
        if needed:
            self._loop.call_soon(self._rest)

    def stop(self) -> None:
        """Tell it no more; it ends all jobs once the event loop has closed the line."""
        line, self._line, self._trials = self._line, None, _TRIALS
        if line:
            line.forget()

    def _start(self) -> None:
        """Start the process and tell it all; on the event loop's thread."""
        with self._lock:
            self._starting = False
            if self._line or self._trials >= _TRIALS:
                return
            try:
                self._line = line = _Line(self._loop, self.mark)
            except OSError as error:
                if error.errno in _SCARCE:
                    self._starting = True
                    self._loop.call_later(_LATER, self._start_if_needed)
                else:
                    self._warn(error)
                return
            self._trials += 1
            for pid, moment in self._told.items():
                line.say(pid, moment)
        self._loop.watch(line.ear, selectors.EVENT_READ, lambda: self._heard(line))

    def _start_if_needed(self) -> None:
        with self._lock:
            self._starting = False
            if self._told:
                self._start()

    def _heard(self, line: _Line) -> None:
        for pid, number in line.hear():
            with self._lock:
                if pid and self._told.get(pid) == number:
                    del self._told[pid]
                if not pid and line is self._line and number >= line.told:
                    # It has nothing to do, and nothing is on the way to it.
                    self._hang_up()
        if line.greeted:
            self._trials = 0
        if line is self._line and not line.is_open:
            self._lost()

    def _lost(self) -> None:
        """Replace a process that somebody killed, if there is need of one."""
        with self._lock:
            self._hang_up()
            if self._told:
                self.prepare()
        if self._trials >= _TRIALS:
            self._warn("it ends at once")

    def _warn(self, reason: object) -> None:
        """Say, once, that there is no guardian."""
        if not self._warned:
            self._warned = True
            _log.warning(
                "if this process is killed its jobs live on; %s: %s", _SCRIPT, reason
            )

    def _rest(self) -> None:
        with self._lock:
            if not self._running:
                self._told.clear()
                self._hang_up()
                # That it had no time to begin says nothing of the next.
                self._trials = 0
                # While it ends what is left, there may be jobs of another's.
                self.mark = _new_mark()

    def _hang_up(self) -> None:
        if self._line:
            self._line.close()
            self._line = None


class _Line:
    """A process that guards, and the two pipes between it and us.

    All but ``say`` is for the event loop's thread.
    """

    def __init__(self, loop: EventLoop, mark: str) -> None:
        self._loop = loop
        self._lock = threading.RLock()
        self._unsaid: deque[bytes] = deque()
        #: Of how many jobs it has been told.
        self.told = 0
        #: Whether more may come.
        self.is_open = True
        #: Whether it has begun.
        self.greeted = False
        with ExitStack() as theirs, ExitStack() as ours:
            self.ear, out = _pipe(ours, theirs)
            into, self._mouth = _pipe(theirs, ours)
            null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            theirs.callback(os.close, null)
            self._first = _start(mark, [into, out, null])
            ours.pop_all()
        for fd in (self.ear, self._mouth):
            os.set_blocking(fd, False)
            loop.own(fd)
        self._reap()

    @property
    def is_ready(self) -> bool:
        """Whether it guards, and no child of ours is left of the start."""
        return self.greeted and self._first.status is not ProcessStatus.OK

    def say(self, pid: int, moment: int) -> None:
        """Tell it of a job; never blocks."""
        with self._lock:
            self.told += 1
            self._unsaid.append(MESSAGE.pack(pid, moment))
        self._go_on()

    def hear(self) -> list[tuple[int, int]]:
        """Take in what it said; nothing more comes once the line is not open."""
        data = b""
        if self.is_open:
            with suppress(BlockingIOError):
                data = os.read(self.ear, MESSAGE.size << 10)
                self.is_open = bool(data)
                self.greeted |= self.is_open
        return list(MESSAGE.iter_unpack(data))

    def close(self) -> None:
        """Let it go."""
        self.is_open = False
        self._unsaid.clear()
        self._loop.close(self.ear)
        self._loop.close(self._mouth)

    def forget(self) -> None:
        """Leave its first process to others, if that has not ended."""
        self._first.release()

    def _go_on(self) -> None:
        """Say what there is to say, as far as there is room in the pipe."""
        try:
            with self._lock:
                while self._unsaid:
                    os.write(self._mouth, self._unsaid[0])
                    self._unsaid.popleft()
        except BlockingIOError:
            self._again(self._go_on)
        except BrokenPipeError:  # it was killed, and we shall hear that
            self._unsaid.clear()

    def _reap(self) -> None:
        try:
            self._first.wait(0)
        except TimeoutError:
            self._again(self._reap)
        except OSError:  # somebody else did
            self._first.release()

    def _again(self, callback: Callback) -> None:
        with suppress(RuntimeError):  # the event loop has ended
            self._loop.call_later(_AGAIN, callback)


def _new_mark() -> str:
    return f"{os.getpid()}-{os.urandom(8).hex()}"


def _pipe(first: ExitStack, second: ExitStack) -> tuple[int, int]:
    """Open a pipe; the one stack closes its reading end, the other its writing one."""
    out, into = os.pipe()
    first.callback(os.close, out)
    second.callback(os.close, into)
    return out, into


def _start(mark: str, files: Sequence[int]) -> Process:
    program = sys.executable or "/proc/self/exe"
    argv = [program, "-I", "-S", "-B", _SCRIPT, str(os.getpid()), mark, str(LINGER)]
    # It belongs to no job, even if we do.
    env = {**os.environ, MARK: ""}
    attr = ProcAttr("/", env, files, SysProcAttr(setsid=True))
    return start_process(program, argv, attr)


class _Current:
    """The one guardian of this process; a forked child has none of its own yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guardian: Guardian | None = None
        os.register_at_fork(after_in_child=self._in_child)

    def get(self) -> Guardian:
        """Give the guardian; the first call makes it."""
        with self._lock:
            if self._guardian is None:
                self._guardian = Guardian(event_loop())
            return self._guardian

    def _in_child(self) -> None:
        self._lock = threading.Lock()
        if self._guardian:
            self._guardian.stop()
        self._guardian = None


_current = _Current()


def guardian() -> Guardian:
    """Give the guardian of this process, which the first call makes."""
    return _current.get()
