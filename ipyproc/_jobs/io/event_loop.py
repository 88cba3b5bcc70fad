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
from itertools import count
from typing import Final

from ipyproc._jobs.io.poller import Poller

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

    @property
    def is_set(self) -> bool:
        """Whether the call is still to be made."""
        return self._callback is not None

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

    ``call_soon``, ``call_later`` and ``watch`` may be called from any thread;
    ``unwatch`` and ``close`` on the reactor's own only. A callback returns at once; one
    that raises is logged, and nothing else stops.

    The first call starts the thread; ``retire`` lets it end when it has nothing to do,
    and the next call starts another. The reactor owns the descriptors that were handed
    to ``own``. After a fork the child has neither the thread nor any of them: it never
    acts on our jobs.
    """

    def __init__(self) -> None:
        self._owned: set[int] = set()
        self._calls: deque[Callback] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = count()
        # Held while callbacks run, so that a fork can find the jobs at rest.
        self._at_work = threading.RLock()
        self._open = True
        #: Room for one read, used by all pipes in turn.
        self.buffer = memoryview(bytearray(READ_SIZE))
        # Held while the thread begins or ends, and by who gives it something to do.
        # Re-entrant, for a signal's handler may ask while the thread it came to does.
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._poller: Poller | None = None
        self._retiring = False

    @property
    def is_open(self) -> bool:
        """Whether it still calls back; not after ``stop``, nor in a forked child."""
        return self._open

    @property
    def is_current(self) -> bool:
        """Whether the caller is a callback of this reactor."""
        return threading.current_thread() is self._thread

    def start(self) -> None:
        """Have the thread run, as the first call does; ``OSError`` if there is no room.

        After this, no call needs a descriptor.
        """
        with self._lock:
            self._begin()

    def call_soon(self, callback: Callback) -> None:
        """Have *callback* called on the reactor's thread; ``RuntimeError`` if closed.

        Calls are made in the order in which they were asked for.
        """
        if self.is_current:  # after the end, too: it is the last to know
            self._calls.append(callback)
            return
        if not self._open:
            raise RuntimeError("the reactor of the jobs has ended")
        with self._lock:
            self._calls.append(callback)
            self._begin().wake()

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
        """Call back whenever *fd* is ready: ``selectors.EVENT_READ`` or ``_WRITE``.

        From any thread: epoll(7) and kqueue(2) see what is added while they wait.
        """
        with self._lock:
            self._begin().selector.register(fd, events, callback)

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

    def retire(self, timeout: float) -> bool:
        """Have the thread end once it has nothing to do, with its descriptors.

        Waits for that, up to *timeout* seconds, and says whether it came to pass; else
        it will. What is asked for later starts a thread as the first call did.
        """
        with self._lock:
            thread, self._retiring = self._thread, True
            if thread is None or self._poller is None:
                return True
            self._poller.wake()
        thread.join(timeout)
        return not thread.is_alive()

    def stop(self, timeout: float) -> None:
        """End the thread, within *timeout* seconds, and close what the reactor owns."""
        if not self._open:
            return
        with self._lock:
            self._open = False
            thread, poller = self._thread, self._poller
        if thread and poller:
            poller.wake()
            thread.join(timeout)
        if not thread or not thread.is_alive():
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

    @property
    def _selector(self) -> selectors.BaseSelector:
        assert self._poller, "only a callback may watch"
        return self._poller.selector

    def _begin(self) -> Poller:
        """Start the thread, unless it runs; ``_lock`` is held."""
        if self._poller is None:
            self._poller = Poller()
        if self._thread is None:
            self._retiring = False
            self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)
            try:
                self._thread.start()
            except BaseException:  # after an interrupt it may run all the same
                self._thread = None
                raise
        return self._poller

    def _run(self) -> None:
        with self._lock:
            us = threading.current_thread()
            if self._thread not in (None, us) or self._poller is None:
                return
            self._thread = us
        while self._open and not self._leave():
            # No name here may keep a callback, and with it a job, while we wait.
            self._pass(self._selector.select(self._patience()))

    def _leave(self) -> bool:
        """End if that is wanted and there is nothing to do; say so."""
        if not self._retiring:
            return False
        with self._at_work, self._lock:
            if self._is_busy():
                return False
            self._close_all()
            self._thread = None
            return True

    def _is_busy(self) -> bool:
        watches = self._poller and not self._poller.is_idle
        waits = any(timer.is_set for _, _, timer in self._timers)
        return bool(watches or waits or self._calls or self._owned)

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
        for fd in self._owned:
            os.close(fd)
        self._owned.clear()
        self._timers.clear()
        if self._poller:
            self._poller.close()
            self._poller = None


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
        """Give the reactor; the first call makes it."""
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
    """Give the reactor of this process, which the first call makes."""
    return _current.get()
