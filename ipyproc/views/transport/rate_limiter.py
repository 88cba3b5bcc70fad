"""One thread that sends for all views, within the budget of the kernel.

jupyter_server drops messages of every kind once a kernel publishes too many, so all
views together stay below 1 MB and 200 messages in any second, whatever is printed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

_log = logging.getLogger(__name__)

#: The name of the publisher's thread.
NAME: Final = "ipyproc-views"

# Together with the burst, and one message that was begun within the budget, they make
# 1 MB and 200 messages in the worst second.
BYTES_PER_SECOND = 830_000
MESSAGES_PER_SECOND = 180
_BURST_SECONDS = 0.08
_LARGEST = 64 * 1024
_SMALLEST = 4 * 1024

#: What a message has besides its contents: headers, identities.
OVERHEAD: Final = 600
#: For each message of a page ipykernel says that it is busy, and that it is idle.
STATUSES: Final = 2
#: A widget that is opened opens its layout, too.
OPENING: Final = 2

# The first byte goes out at once, then a view speaks 40 times a second at most.
_INTERVAL = 0.025

Callback = Callable[[], None]


class Source(Protocol):
    """A view, as the publisher knows it; both are called on the publisher's thread."""

    def publish(self, room: int) -> int:
        """Send one message of about *room* bytes at most; return its size, or 0."""

    def due(self) -> float | None:
        """Say when, on ``time.monotonic()``, there will be something; None: unknown."""


class Budget:
    """How much may be sent now: it fills up with time, to a little more than empty."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._full = self._left = per_second * _BURST_SECONDS
        self._at = time.monotonic()

    def delay(self) -> float:
        """Return for how many seconds nothing may be sent."""
        self._fill()
        return max(0.0, -self._left / self._per_second)

    def spend(self, amount: float) -> None:
        """Take *amount* off; what goes over is waited for, but for a second at most."""
        self._fill()
        self._left = max(self._left - amount, -self._per_second)

    def _fill(self) -> None:
        now = time.monotonic()
        self._left += (now - self._at) * self._per_second
        self._left = min(self._left, self._full)
        self._at = now


class Publisher:
    """Lets views send in turn, on a thread that ends when none has anything to send.

    It waits *linger* seconds for more before it does. All methods may be called from
    any thread and return at once.
    """

    def __init__(self, linger: float = 1.0) -> None:
        self._linger = linger
        self._ready = threading.Condition()
        self._turns: dict[Source, float] = {}
        self._spoke: dict[Source, float] = {}
        self._calls: deque[Callback] = deque()
        self._speaking: Source | None = None
        self._thread: threading.Thread | None = None
        self._retiring = False
        self._bytes = Budget(BYTES_PER_SECOND)
        self._messages = Budget(MESSAGES_PER_SECOND)

    def wake(self, source: Source) -> None:
        """Have *source* publish as soon as it is its turn."""
        with self._ready:
            turn = self._spoke.get(source, 0.0) + _INTERVAL
            self._turns[source] = min(turn, self._turns.get(source, turn))
            self._notify()

    def call(self, callback: Callback) -> None:
        """Have *callback* called on the thread, before anything else is sent."""
        with self._ready:
            self._calls.append(callback)
            self._notify()

    def account(self, size: int, messages: int = 1) -> None:
        """Reckon in so many messages, and bytes in them, that somebody else sent."""
        with self._ready:
            self._spend(size + messages * OVERHEAD, messages)

    def forget(self, source: Source) -> None:
        """Let *source* publish no more."""
        with self._ready:
            self._turns.pop(source, None)
            self._spoke.pop(source, None)
            if self._speaking is source:
                self._speaking = None  # it was forgotten in the midst of its turn

    def retire(self, timeout: float) -> bool:
        """Have the thread end without lingering; the next view starts another.

        Waits for that, up to *timeout* seconds, and says whether it came to pass.
        """
        with self._ready:
            thread, self._retiring = self._thread, True
            self._ready.notify()
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def _notify(self) -> None:
        if self._thread is None:
            self._retiring = False
            self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)
            self._thread.start()
        self._ready.notify()

    def _run(self) -> None:
        while step := self._next():
            try:
                step()
            except Exception:  # noqa: BLE001 - one view's trouble is not the others'
                _log.exception("a view could not be sent")

    def _next(self) -> Callback | None:
        """Wait for the next thing to do; None if nothing came for a while."""
        with self._ready:
            while not self._calls:
                if not self._turns:
                    linger = 0 if self._retiring else self._linger
                    if not self._ready.wait(linger) and self._rest():
                        return None
                    continue
                source, turn = min(self._turns.items(), key=lambda item: item[1])
                pause = max(turn - time.monotonic(), self._pause())
                if pause <= 0:
                    del self._turns[source]
                    self._speaking = source
                    return partial(self._let_speak, source)
                self._ready.wait(pause)
            return self._calls.popleft()

    def _rest(self) -> bool:
        """End the thread, unless something came at the last moment."""
        if self._calls or self._turns:
            return False
        self._thread = None
        self._spoke.clear()
        return True

    def _spend(self, size: int, messages: int) -> None:
        self._bytes.spend(size)
        self._messages.spend(messages)

    def _pause(self) -> float:
        return max(self._bytes.delay(), self._messages.delay())

    def _let_speak(self, source: Source) -> None:
        waiting = len(self._turns) + 1
        room = max(_SMALLEST, _LARGEST // waiting)
        size = source.publish(room)
        now = time.monotonic()
        due = now if size else source.due()
        with self._ready:
            if size:
                self._spend(size, 1)
            if self._speaking is not source:
                return
            self._spoke[source] = now
            if due is not None:
                turn = max(due, now + _INTERVAL)
                self._turns[source] = min(turn, self._turns.get(source, turn))
