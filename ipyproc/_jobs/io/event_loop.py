"""One thread that waits for all jobs: their ends, their pipes and their timers."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Final

from ipyproc._jobs.io.flood import Pace, PipeSpace
from ipyproc._jobs.io.poller import Poller
from ipyproc._jobs.io.timers import Callback, Once, Timer, Timers
from ipyproc._process.descriptors import LARGE_PIPE
from ipyproc._process.threads import begin

_log = logging.getLogger(__name__)

#: The name of the event loop's thread.
NAME: Final = "ipyproc-jobs"
#: The most that is read from one pipe before the others have their turn.
READ_SIZE: Final = LARGE_PIPE
# epoll(7) takes a number of milliseconds that fits into an int, some 24 days.
_LONGEST_SLEEP: Final = 86_400.0
_MEMORY_NAP: Final = 0.05
_FAILED: Final = "a callback of the jobs' event loop failed: %r"


class EventLoop:
    """Calls back on its own thread when a descriptor is ready or a time has come.

    ``call_soon`` and ``call_later`` may be called from any thread; the others, where
    they do not say so, on the loop's own only. A callback returns at once; one that
    raises is logged, and nothing else stops.

    The first call starts the thread; ``retire`` lets it end when it has nothing to do,
    and the next call starts another. The loop owns the descriptors that were handed to
    ``own``. After a fork the child has neither the thread nor any of them: it never
    acts on our jobs.

    There is no lock in here. Signal handlers may call anything while the thread that
    they interrupt does the same, and wait for a job: the thread that must bring it to
    its end may not wait for them. So each attribute is changed in one step, by an
    operation of a built-in type that other threads see as a whole.
    """

    def __init__(self) -> None:
        # Of each descriptor what it refers to: a number may be in use again.
        self._owned: dict[int, tuple[int, int]] = {}
        self._closing: tuple[int, tuple[int, int]] | None = None
        self._calls: deque[Callback] = deque()
        self._timers = Timers()
        # Until when the thread sleeps if nothing happens; in the past if it is awake.
        self._sleeps_until = 0.0
        # Until when it sleeps at most, if that is to come.
        self._lingers_until = 0.0
        self._open = True
        self._failure: BaseException | None = None
        self._reason = ""
        self._dependents: dict[object, Callable[[BaseException], None]] = {}
        # The thread that serves the loop, under "thread": the first to enter itself.
        self._seat: dict[str, threading.Thread] = {}
        self._latest: threading.Thread | None = None
        # At most one, under "poller": made by the first call that needs it.
        self._pollers: dict[str, Poller] = {}
        self._retiring = False
        self._buffer: memoryview | None = None
        #: For those who read from pipes, on the loop's thread.
        self.pace = Pace()
        self.pipe_space = PipeSpace()

    @property
    def is_open(self) -> bool:
        """Whether it still calls back; not after ``stop``, nor in a forked child."""
        return self._open

    @property
    def is_current(self) -> bool:
        """Whether the caller is a callback of this loop."""
        return self._seat.get("thread") is threading.current_thread()

    @property
    def buffer(self) -> memoryview:
        """Room for one read, used by all pipes in turn."""
        if self._buffer is None:
            self._buffer = memoryview(bytearray(READ_SIZE))
        return self._buffer

    def start(self) -> None:
        """Start the thread, as the first call does; ``OSError`` if there is no room.

        After this, no call needs a descriptor. From any thread.
        """
        self._current_poller()
        if not self._seat:
            self._retiring = False
            # Two may start at the same time; the one that takes the seat stays.
            self._latest = threading.Thread(target=self._run, name=NAME, daemon=True)
            begin(self._latest)

    def call_soon(self, callback: Callback) -> None:
        """Call *callback* on the loop's thread; ``RuntimeError`` if the loop ended.

        Calls are made in the order in which they were asked for.
        """
        self.call_within(0.0, callback)

    def call_within(self, delay: float, callback: Callback) -> None:
        """Call as ``call_soon``, but let a thread sleep that wakes within *delay* s."""
        if self.is_current:  # after the end, too: it is the last to know
            self._calls.append(callback)
            return
        self.check_open()
        self.start()
        self._calls.append(callback)
        # The thread may have left just before. But one that has made the call already,
        # and left since, must not be followed by another that nobody needs.
        if self._calls and not self._seat:
            self.start()
        if self._sleeps_until > time.monotonic() + delay:
            self._wake()

    def linger(self, seconds: float) -> None:
        """Sleep no longer than that for once: more may be asked for that has time."""
        self._lingers_until = time.monotonic() + seconds

    def call_later(self, delay: float, callback: Callback) -> Timer:
        """Call *callback* *delay* seconds from now, which may be ``inf``."""
        timer = self._timers.timer(callback)
        due = time.monotonic() + delay
        if self.is_current:
            self._timers.add(due, timer)
        else:
            self.call_soon(lambda: self._timers.add(due, timer))
        return timer

    def run(self, callback: Callback) -> None:
        """Call *callback* on the loop's thread, and wait until it returned.

        Where there is no such thread any more, it is called here. From any thread.
        """
        if self.is_current or not self._open:
            callback()
            return
        done = Once()
        key = self.depend(lambda _: done.set())
        self.call_soon(callback)
        self.call_soon(done.set)
        done.wait()
        self.depart(key)

    def own(self, fd: int) -> None:
        """Take over a pipe or a file: ``close``, the end or a fork's child closes it.

        From any thread.
        """
        self._owned[fd] = _identity(fd)

    def watch(self, fd: int, events: int, callback: Callback) -> None:
        """Call back whenever *fd* is ready: ``selectors.EVENT_READ`` or ``_WRITE``.

        From any thread if the loop owns it, for then the loop's thread does not leave.
        ``KeyError`` if it is watched already.
        """
        self._current_poller().watch(fd, events, callback)

    def unwatch(self, fd: int) -> None:
        """Stop watching *fd*, if it was watched."""
        self._current_poller().unwatch(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor that the loop owns."""
        self.unwatch(fd)
        # The number is free before `os.close` returns, and another thread may own it
        # then; while a fork may come before it is closed, and its child must know.
        identity = self._owned.pop(fd, None)
        self._closing = identity and (fd, identity)
        os.close(fd)
        self._closing = None

    def guard(self, callback: Callback) -> None:
        """Call *callback*; log what it raises."""
        try:
            callback()
        except BaseException:  # noqa: BLE001 - not even SystemExit may end the others
            # To say so may fail, too, when memory is short.
            with suppress(MemoryError, RecursionError):
                _log.exception(_FAILED, callback)

    def depend(self, failed: Callable[[BaseException], None]) -> object:
        """Call *failed* if the loop itself breaks; the result is for ``depart``.

        From any thread.
        """
        key = object()
        self._dependents[key] = failed
        return key

    def depart(self, key: object) -> None:
        """Cancel what ``depend`` registered. From any thread."""
        self._dependents.pop(key, None)

    def retire(self, timeout: float) -> bool:
        """Let the thread end once it has nothing to do, with its descriptors.

        Waits for that, up to *timeout* seconds, and returns whether it ended; if not,
        it will. What is asked for later starts a thread as the first call did. From any
        thread.
        """
        self._retiring = True
        threads = self._threads()
        self._wake()
        end = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def stop(self, timeout: float) -> None:
        """End the thread, within *timeout* seconds, and close what the loop owns.

        From any other thread.
        """
        if not self._open:
            return
        self._open, self._reason = False, ": the interpreter is ending"
        threads = self._threads()
        self._wake()
        for thread in threads:
            thread.join(timeout)
        if not any(thread.is_alive() for thread in threads):
            self._close_all()

    def abandon(self) -> None:
        """Close, in a forked child, the descriptors of the parent's loop."""
        if self._open:
            self._open = False
            self._seat.clear()
            self._dependents.clear()
            self._close_all()

    def check_open(self) -> None:
        """Raise ``RuntimeError`` that says why if the loop has ended."""
        if self._failure is not None:
            text = f"the event loop of the jobs has failed: {self._failure!r}"
            raise RuntimeError(text) from self._failure
        if not self._open:
            raise RuntimeError(f"the event loop of the jobs has ended{self._reason}")

    def _current_poller(self) -> Poller:
        poller = self._pollers.get("poller")
        return poller or self._pollers.setdefault("poller", Poller())

    def _threads(self) -> list[threading.Thread]:
        """The thread that serves the loop, and one that may be about to."""
        threads = {self._seat.get("thread"), self._latest}
        return [thread for thread in threads if thread and thread.is_alive()]

    def _wake(self) -> None:
        poller = self._pollers.get("poller")
        if poller is not None:
            poller.wake()

    def _run(self) -> None:
        us = threading.current_thread()
        if self._seat.setdefault("thread", us) is not us:
            return
        try:
            while self._open:
                if self._leave(us):
                    return
                # No name here may keep a callback, and with it a job, while we wait.
                try:
                    self._pass(self._wait())
                except MemoryError:  # others need it as well: some may be free soon
                    time.sleep(_MEMORY_NAP)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            self._fail(error)
        self._seat.clear()

    def _fail(self, error: BaseException) -> None:
        """Tell all that depend on the loop that it has come to its end."""
        self._failure, self._open = error, False
        _log.critical("the event loop of the jobs failed", exc_info=error)
        while self._dependents:
            _, failed = self._dependents.popitem()
            self.guard(lambda failed=failed: failed(error))  # type: ignore[misc]

    def _leave(self, us: threading.Thread) -> bool:
        """Whether the thread ends: that was wanted, and there is nothing to do."""
        if not self._retiring or self._is_busy():
            return False
        self._pollers.clear()
        self._seat.clear()
        # A thread that asked for something meanwhile may have seen us alive.
        if not self._calls:
            return True
        return self._seat.setdefault("thread", us) is not us

    def _wait(self) -> list[Callback]:
        if not self._calls:
            self.pace.keep()
        ready = self._current_poller().wait(self._patience())
        self._sleeps_until = 0.0
        return ready

    def _is_busy(self) -> bool:
        watches = not self._current_poller().is_idle
        return bool(watches or self._calls or self._owned or self._timers.any_set)

    def _pass(self, ready: list[Callback]) -> None:
        now = time.monotonic()  # what is set meanwhile has its turn in the next pass
        self.pace.begin(len(ready))
        # The traceback of one that fails keeps this frame: nothing may be left in it.
        ready.reverse()
        while ready:
            self.guard(ready.pop())
        for _ in range(len(self._calls)):
            self.guard(self._calls.popleft())
        while timer := self._timers.due(now):
            self.guard(timer.fire)

    def _patience(self) -> float | None:
        due, now = self._timers.next_due(), time.monotonic()
        if now < self._lingers_until < due:
            due = self._lingers_until
        # In this order: who asks for a call sees how long we sleep, or we see the call.
        self._sleeps_until = due
        if self._calls:
            return 0
        return None if due == inf else min(max(0.0, due - now), _LONGEST_SLEEP)

    def _close_all(self) -> None:
        # In a child these are copies: what the parent waits for stays as it is. But a
        # copy of the end of a job's standard input would keep that open for ever.
        owned = dict(self._owned)
        if self._closing:
            owned[self._closing[0]] = self._closing[1]
        self._owned.clear()
        for fd, identity in owned.items():
            with suppress(OSError):
                if _identity(fd) == identity:
                    os.close(fd)
        self._timers.clear()
        self._pollers.clear()


def _identity(fd: int) -> tuple[int, int]:
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


#: At most one, under "loop".
_current: dict[str, EventLoop] = {}


def event_loop() -> EventLoop:
    """Return the event loop of this process, which the first call makes."""
    return _current.get("loop") or _current.setdefault("loop", EventLoop())


def _in_child() -> None:
    loop = _current.pop("loop", None)
    if loop is not None:
        loop.abandon()


os.register_at_fork(after_in_child=_in_child)
