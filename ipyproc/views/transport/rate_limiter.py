"""One thread that sends for all views, within the budget of the kernel.

jupyter_server drops messages of every kind when a kernel publishes too many, so all
views together stay below 1 MB and 200 messages in any second, whatever is printed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from ipyproc.views.transport.worker import OnDemandThread

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

# The first message goes out at once; then a view sends 40 a second at most.
_INTERVAL = 0.025


class Source(Protocol):
    """A view as the publisher sees it: the publisher's thread calls both methods."""

    def publish(self, room: int) -> int:
        """Send one message of about *room* bytes at most; return its size, or 0."""

    def due(self) -> float | None:
        """Return when to publish next, on ``time.monotonic()``; None: when woken."""


class Budget:
    """How much may be sent now; it refills with time, up to a small burst."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._full = self._left = per_second * _BURST_SECONDS
        self._at = time.monotonic()

    def delay(self) -> float:
        """Return for how many seconds nothing may be sent."""
        self._fill()
        return max(0.0, -self._left / self._per_second)

    def spend(self, amount: float) -> None:
        """Subtract *amount*; an overdraft delays what follows by a second at most."""
        self._fill()
        self._left = max(self._left - amount, -self._per_second)

    def _fill(self) -> None:
        now = time.monotonic()
        self._left += (now - self._at) * self._per_second
        self._left = min(self._left, self._full)
        self._at = now


class Publisher:
    """Calls views in turn, on a thread that ends when none has anything to send.

    It sends and does nothing else. The thread waits *linger* seconds for more before it
    ends. All methods may be called from any thread and return at once.
    """

    def __init__(self, linger: float = 1.0) -> None:
        self._thread = OnDemandThread(NAME, self._take, linger)
        self._turns: dict[Source, float] = {}
        self._spoke: WeakKeyDictionary[Source, float] = WeakKeyDictionary()
        self._speaking: Source | None = None
        self._bytes = Budget(BYTES_PER_SECOND)
        self._messages = Budget(MESSAGES_PER_SECOND)

    def wake(self, source: Source) -> None:
        """Call *source* as soon as it is its turn."""
        with self._thread.changed:
            turn = self._spoke.get(source, 0.0) + _INTERVAL
            known = self._turns.get(source)
            if known is None or turn < known:
                self._turns[source] = turn
            # A flood wakes its view with each piece, but changes nothing by that.
            self._thread.wake(sooner=self._turns[source] != known)

    def account(self, size: int, messages: int = 1) -> None:
        """Count messages, and the bytes in them, that were sent by others."""
        with self._thread.changed:
            self._spend(size + messages * OVERHEAD, messages)

    def forget(self, source: Source) -> None:
        """Never call *source* again, unless it is woken."""
        with self._thread.changed:
            if self._turns.pop(source, None) is not None:
                self._thread.changed.notify_all()  # it may wait for nothing else
            self._spoke.pop(source, None)
            if self._speaking is source:
                self._speaking = None  # it was forgotten in the middle of its turn

    def retire(self, timeout: float) -> bool:
        """Send what is due and end the thread without lingering.

        Waits up to *timeout* seconds; returns whether the thread has ended. The next
        message starts another one.
        """
        return self._thread.retire(timeout)

    def _take(self) -> Callable[[], None] | float | None:
        """Return the next turn, or the seconds until it comes."""
        if not self._turns:
            return None
        source, turn = min(self._turns.items(), key=lambda item: item[1])
        pause = max(
            turn - time.monotonic(), self._bytes.delay(), self._messages.delay()
        )
        if pause > 0:
            return pause
        del self._turns[source]
        self._speaking = source
        return partial(self._let_speak, source)

    def _spend(self, size: int, messages: int) -> None:
        self._bytes.spend(size)
        self._messages.spend(messages)

    def _let_speak(self, source: Source) -> None:
        waiting = len(self._turns) + 1
        size = source.publish(max(_SMALLEST, _LARGEST // waiting))
        now = time.monotonic()
        due = now if size else source.due()
        with self._thread.changed:
            if size:
                self._spend(size, 1)
            if self._speaking is not source:
                return
            self._spoke[source] = now
            if due is not None:
                turn = max(due, now + _INTERVAL)
                self._turns[source] = min(turn, self._turns.get(source, turn))


#: The one publisher of this kernel.
shared: Final = Publisher()
