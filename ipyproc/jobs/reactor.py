"""One thread that waits for all jobs: their ends, their pipes and their timers."""

from __future__ import annotations

import heapq
import logging
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Final

_log = logging.getLogger(__name__)

#: The name of the reactor's thread.
NAME: Final = "ipyproc-reactor"
#: The most that is read from one pipe before the others have their turn.
READ_SIZE: Final = 1 << 20
# How long a fork waits for the reactor to come to rest.
_FORK_PATIENCE = 1.0

Callback = Callable[[], None]


class Timer:
    """A call that is due some time from now, unless it is cancelled."""

    def __init__(self, callback: Callback) -> None:
        self._callback: Callback | None = callback

    def cancel(self) -> None:
        """Take the call back; harmless once it was made."""
        self._callback = None

    def fire(self) -> None:
        """Make the call, once."""
        callback, self._callback = self._callback, None
        if callback:
            callback()


class Reactor:
    """Calls back on its own thread when a descriptor is ready or a time has come.

    ``call_soon`` and ``call_later`` may be called from any thread; ``watch``,
    ``unwatch`` and ``close`` on the reactor's own only. A callback returns at once; one
    that raises is logged, and nothing else stops.

    The reactor owns the descriptors that were handed to ``own``. After a fork the
    child has neither the thread nor any of them: it never acts on our jobs.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake_out, self._wake_in = os.pipe()
        os.set_blocking(self._wake_out, False)
        os.set_blocking(self._wake_in, False)
        self._selector.register(self._wake_out, selectors.EVENT_READ, self._woken)
        self._owned: set[int] = set()
        self._calls: deque[Callback] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = count()
        # Held while callbacks run, so that a fork can find the jobs at rest.
        self._at_work = threading.RLock()
        self._open = True
        #: Room for one read, used by all pipes in turn.
        self.buffer = memoryview(bytearray(READ_SIZE))
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Whether it still calls back; not after ``stop``, nor in a forked child."""
        return self._open

    @property
    def is_current(self) -> bool:
        """Whether the caller is a callback of this reactor."""
        return threading.current_thread() is self._thread

    def call_soon(self, callback: Callback) -> None:
        """Have *callback* called on the reactor's thread; ``RuntimeError`` if closed.

        Calls are made in the order in which they were asked for.
        """
        if not self._open:
            raise RuntimeError("the reactor of the jobs has ended")
        self._calls.append(callback)
        if not self.is_current:
            self._wake()

    def call_later(self, delay: float, callback: Callback) -> Timer:
        """Have *callback* called *delay* seconds from now."""
        timer = Timer(callback)
        entry = time.monotonic() + delay, next(self._order), timer
        self.call_soon(lambda: heapq.heappush(self._timers, entry))
        return timer

    def own(self, fd: int) -> None:
        """Take a descriptor over; ``close``, the end, or a fork's child closes it."""
        self._owned.add(fd)

    def watch(self, fd: int, events: int, callback: Callback) -> None:
        """Call back whenever *fd* is ready: ``selectors.EVENT_READ`` or ``_WRITE``."""
        self._selector.register(fd, events, callback)

    def unwatch(self, fd: int) -> None:
        """Watch *fd* no more, if it was watched."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor that the reactor owns."""
        self.unwatch(fd)
        self._owned.discard(fd)
        os.close(fd)

    def guard(self, callback: Callback) -> None:
        """Call *callback*; log what it raises."""
        try:
            callback()
        except BaseException:  # noqa: BLE001 - not even SystemExit may end the others
            _log.exception("a callback of the jobs' reactor failed: %r", callback)

    def stop(self, timeout: float) -> None:
        """End the thread, within *timeout* seconds, and close what the reactor owns."""
        if not self._open:
            return
        self._open = False
        self._wake()
        self._thread.join(timeout)
        if not self._thread.is_alive():
            self._close_all()

    def rest(self) -> bool:
        """Let no callback run until ``go_on``; say whether that succeeded in time."""
        # Not for ever: a callback may be waiting for the very thread that forks.
        return self._at_work.acquire(timeout=_FORK_PATIENCE)

    def go_on(self) -> None:
        """Let callbacks run again."""
        self._at_work.release()

    def abandon(self) -> None:
        """Give up in a forked child what is the parent's."""
        if self._open:
            self._open = False
            self._close_all()

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # a full pipe: it is about to wake anyway
            os.write(self._wake_in, b"!")

    def _woken(self) -> None:
        os.read(self._wake_out, 1 << 16)

    def _run(self) -> None:
        while self._open:
            # No name here may keep a callback, and with it a job, while we wait.
            self._pass(self._selector.select(self._patience()))

    def _pass(self, ready: list[tuple[selectors.SelectorKey, int]]) -> None:
        with self._at_work:
            for key, _ in ready:
                self.guard(key.data)
            for _ in range(len(self._calls)):
                self.guard(self._calls.popleft())
            while self._timers and self._timers[0][0] <= time.monotonic():
                self.guard(heapq.heappop(self._timers)[2].fire)

    def _patience(self) -> float | None:
        if self._calls:
            return 0
        if self._timers:
            return max(0.0, self._timers[0][0] - time.monotonic())
        return None

    def _close_all(self) -> None:
        # In a child these are copies: what the parent waits for stays as it is. But a
        # copy of the end of a job's standard input would keep that open for ever.
        self._selector.close()
        for fd in (*self._owned, self._wake_in, self._wake_out):
            os.close(fd)
        self._owned.clear()


class _Current:
    """The one reactor of this process, and what becomes of it in a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reactor: Reactor | None = None
        os.register_at_fork(
            before=self._before_fork,
            after_in_parent=self._after_fork,
            after_in_child=self._in_child,
        )

    def get(self) -> Reactor:
        """Give the reactor; the first call starts it."""
        with self._lock:
            if self._reactor is None:
                self._reactor = Reactor()
            return self._reactor

    def _before_fork(self) -> None:
        self._lock.acquire()
        self._at_rest = self._reactor is not None and self._reactor.rest()

    def _after_fork(self) -> None:
        if self._reactor is not None and self._at_rest:
            self._reactor.go_on()
        self._lock.release()

    def _in_child(self) -> None:
        if self._reactor is not None:
            self._reactor.abandon()
        self._reactor = None
        self._lock.release()


_current = _Current()


def reactor() -> Reactor:
    """Give the reactor of this process, which the first call starts."""
    return _current.get()
