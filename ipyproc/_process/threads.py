"""Threads, and an event that signal handlers and forked children can use.

``threading.Event`` has a lock. A handler that interrupts its ``wait`` or ``set`` in the
main thread and calls one of them would wait for that lock for ever, and so would a
forked child if another thread held it at the fork.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

#: A signal that arrives after Python last looked for one, and before a wait calls the
#: system, does not end the wait; nor does one that another thread took. So the main
#: thread, which handles signals, looks again that often, in seconds.
LONGEST_DEAF = 1.0


def within_reach_of_signals(seconds: float | None = None) -> float | None:
    """Return how long to wait in one go, of *seconds* in all; ``None``: for ever."""
    if threading.current_thread() is not threading.main_thread():
        return seconds
    return LONGEST_DEAF if seconds is None else min(seconds, LONGEST_DEAF)


def acquire_within(lock: threading.Lock, timeout: float | None) -> bool:
    """Acquire *lock* in at most *timeout* seconds, any number up to ``inf``.

    Returns whether it was acquired. In the main thread signals are handled meanwhile.
    """
    # A lock can be waited for at most some 292 years.
    if timeout is None or timeout > threading.TIMEOUT_MAX:
        timeout = threading.TIMEOUT_MAX
    end = time.monotonic() + timeout
    while (left := end - time.monotonic()) > 0:
        if lock.acquire(timeout=within_reach_of_signals(left) or 0):
            return True
    return False


class Event:
    """Something that happens once; any thread, handler or fork may wait for it."""

    def __init__(self) -> None:
        self._is_set = False
        # Each waiting thread sleeps on a lock of its own.
        self._waiters: set[threading.Lock] = set()

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._is_set

    def set(self) -> None:
        """Make it happen, and wake all that wait."""
        self._is_set = True
        for waiter in tuple(self._waiters):
            with suppress(RuntimeError):  # a handler that calls this has woken it
                waiter.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most *timeout* seconds, and return whether it has happened.

        *timeout* is any number up to ``inf``.
        """
        if self._is_set or (timeout is not None and timeout <= 0):
            return self._is_set
        waiter = threading.Lock()
        waiter.acquire()
        try:
            self._waiters.add(waiter)
            # Who sets it wakes those that had joined by then.
            if not self._is_set:
                acquire_within(waiter, timeout)
        finally:
            self._waiters.discard(waiter)
        return self._is_set


class ShutdownError(RuntimeError):
    """The interpreter is ending and starts no more threads."""


def start_thread(function: Callable[[], object], name: str) -> threading.Thread:
    """Start a thread that does not keep the interpreter alive.

    Raises ``ShutdownError`` at the end of the interpreter, and ``RuntimeError`` if
    there are too many threads.
    """
    if sys.is_finalizing():
        # Python 3.11 would start it, and wait for ever until it runs.
        raise ShutdownError("can't start new thread at interpreter shutdown")
    try:
        thread = threading.Thread(target=function, name=name, daemon=True)
    except RuntimeError:  # some subinterpreters have no daemon threads
        thread = threading.Thread(target=function, name=name)
    try:
        begin(thread)
    except RuntimeError as error:
        if "shutdown" in str(error):
            raise ShutdownError(str(error)) from None
        raise
    return thread


def begin(thread: threading.Thread) -> None:
    """Start *thread*; what the handler of a signal raises meanwhile is raised."""
    try:
        thread.start()
    except KeyError as error:
        # If a handler raises once the thread runs, Python takes that for a failure to
        # start, and does not find the thread among those that are being started.
        raise error.__context__ or error from None
