"""A thread that exists only while there is something to do; one does what pages ask."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final
from weakref import WeakSet

from ipyproc._process.threads import begin

#: The name of the thread that does what pages ask for.
NAME: Final = "ipyproc-actions"

_log = logging.getLogger(__name__)
_MOST = 64

Step = Callable[[], object]


class OnDemandThread:
    """Runs what *take* returns, on a thread that ends *linger* seconds after the last.

    *take* returns the next step; or the seconds until there may be one; or None if
    there is nothing to do. It is called with `changed` held, and so is whatever changes
    what it will return.
    """

    def __init__(
        self, name: str, take: Callable[[], Step | float | None], linger: float = 0.0
    ) -> None:
        self._name = name
        self._take = take
        self._linger = linger
        self._thread: threading.Thread | None = None
        # One that does nothing more, but lives for an instant still.
        self._leaving: threading.Thread | None = None
        self._retiring = False
        #: Its lock is re-entrant, for a signal handler may meet it held.
        self.changed = threading.Condition()
        _all.add(self)

    def wake(self, sooner: bool = True) -> bool:
        """Wake the thread, or start one; False if none can start.

        Then the next call tries again. A thread that waits is not woken if nothing is
        to be done *sooner* than it knows.
        """
        with self.changed:
            if sooner:
                self.changed.notify_all()
            return self._is_there() or self._start()

    def retire(self, timeout: float) -> bool:
        """End the thread as soon as nothing is left to do, and wait for that.

        Returns False if it has not ended after *timeout* seconds. The next step starts
        another one.
        """
        with self.changed:
            threads = [t for t in (self._leaving, self._thread) if t is not None]
            self._retiring = True
            self.changed.notify_all()
        end = time.monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def forked(self) -> None:
        """Begin anew in a forked child: its parent's thread may have held the lock."""
        self.changed = threading.Condition()
        self._thread = self._leaving = None

    def _is_there(self) -> bool:
        """Whether a thread runs, or is being started."""
        thread = self._thread
        return thread is not None and (thread.ident is None or thread.is_alive())

    def _start(self) -> bool:
        self._retiring = False
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            begin(self._thread)
        except (RuntimeError, MemoryError):  # no thread is left, or Python is ending
            self._thread = None
            return False
        return True

    def _run(self) -> None:
        while step := self._next():
            try:
                step()
            except Exception:  # noqa: BLE001 - one step's trouble is not the others'
                _log.exception("%s: a step failed", self._name)

    def _next(self) -> Step | None:
        """Wait for the next step; None if nothing came for a while."""
        with self.changed:
            has_lingered = False
            while True:
                found = self._take()
                if callable(found):
                    return found
                if found is not None:
                    self.changed.wait(found)
                elif has_lingered:
                    self._leaving, self._thread = self._thread, None
                    return None
                else:
                    linger = 0 if self._retiring else self._linger
                    has_lingered = not self.changed.wait(linger)


_all: Final[WeakSet[OnDemandThread]] = WeakSet()


def _after_fork() -> None:
    for thread in list(_all):
        thread.forked()


os.register_at_fork(after_in_child=_after_fork)


class Worker:
    """Does what pages ask for, one after the other, on a thread that ends when idle.

    Finding all processes that a job started may take a while. It must not delay the
    thread that hears the page, which runs cells, nor the publisher's, which sends.
    """

    def __init__(self, name: str = NAME, linger: float = 0.0) -> None:
        self._waiting: deque[Step] = deque()
        self._thread = OnDemandThread(name, self._take, linger)

    def do(self, act: Step, goes_on: bool = False) -> bool:
        """Do *act* soon; False if no thread can start.

        Or if too many wait already, and it is not what *goes on* with another one.
        """
        with self._thread.changed:
            if len(self._waiting) >= _MOST and not goes_on:
                return False
            self._waiting.append(act)
            if not self._thread.wake():
                self._waiting.pop()
                return False
        return True

    def retire(self, timeout: float) -> bool:
        """Wait up to *timeout* seconds until all is done; return whether it is."""
        return self._thread.retire(timeout)

    def _take(self) -> Step | None:
        return self._waiting.popleft() if self._waiting else None


#: The one worker of this kernel.
shared: Final = Worker()
