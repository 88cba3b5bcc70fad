"""Calls that are due later, and waiting for something that happens once."""

from __future__ import annotations

import heapq
import math
import threading
from collections import deque
from collections.abc import Callable
from itertools import count

from ipyproc._process.threads import acquire_within

Callback = Callable[[], None]


class Timer:
    """A call that is due some time from now, unless it is cancelled."""

    def __init__(self, callback: Callback, cancelled: deque[None]) -> None:
        self._callback: Callback | None = callback
        self._cancelled = cancelled

    @property
    def is_set(self) -> bool:
        """Whether the call is still to be made."""
        return self._callback is not None

    def cancel(self) -> None:
        """Drop the call; harmless once it was made. From any thread."""
        if self._callback is not None:
            self._callback = None
            self._cancelled.append(None)

    def fire(self) -> None:
        """Make the call, once."""
        callback, self._callback = self._callback, None
        if callback:
            callback()


class Timers:
    """The timers of one thread, which alone adds and fires them."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        # One entry for each that was cancelled since the heap was last cleared of them.
        self._cancelled: deque[None] = deque()

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def any_set(self) -> bool:
        """Whether a call is still to be made."""
        return any(timer.is_set for _, _, timer in self._heap)

    def timer(self, callback: Callback) -> Timer:
        """Make a timer, which ``add`` starts. From any thread."""
        return Timer(callback, self._cancelled)

    def add(self, due: float, timer: Timer) -> None:
        """Fire *timer* once ``time.monotonic()`` has reached *due*."""
        heapq.heappush(self._heap, (due, next(self._order), timer))

    def next_due(self) -> float:
        """Return when the next one is due; ``inf`` if there is none."""
        self._tidy()
        return self._heap[0][0] if self._heap else math.inf

    def due(self, now: float) -> Timer | None:
        """Remove and return the next timer that was due by *now*, if there is one."""
        if self._heap and self._heap[0][0] <= now:
            return heapq.heappop(self._heap)[2]
        return None

    def clear(self) -> None:
        """Forget all of them."""
        self._heap.clear()

    def _tidy(self) -> None:
        """Drop the cancelled ones when they are more than half.

        A job's time-out may be days away when the job ends: without this it would stay
        here for days.
        """
        if 2 * len(self._cancelled) > len(self._heap):
            self._cancelled.clear()
            self._heap = [entry for entry in self._heap if entry[2].is_set]
            heapq.heapify(self._heap)


class Once:
    """Something that happens once, and that any thread can wait for.

    A ``threading.Event`` holds a lock for an instant whenever it is used; a signal
    handler that uses the same event in that instant would wait for itself.
    """

    def __init__(self) -> None:
        self.happened = False
        self._waiting: deque[threading.Lock] = deque()

    def set(self) -> None:
        """Wake all that wait, now and later."""
        self.happened = True
        while self._waiting:
            try:
                self._waiting.pop().release()
            except (IndexError, RuntimeError):  # another thread was faster
                return

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has happened, at most *timeout* seconds; whether it has."""
        waiter = threading.Lock()
        waiter.acquire()
        self._waiting.append(waiter)
        try:
            if not self.happened:  # who sets it wakes those that had joined by then
                acquire_within(waiter, timeout)
        finally:
            self._forget(waiter)
        return self.happened

    def _forget(self, waiter: threading.Lock) -> None:
        try:
            self._waiting.remove(waiter)
        except (ValueError, IndexError):  # woken, or it changed meanwhile
            return
