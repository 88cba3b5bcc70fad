"""The alarm of this process, which pytest-timeout has set, lent to a test."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def alarms(
    handler: Callable[..., object], first: float, interval: float = 0.0
) -> Iterator[None]:
    """Call *handler* after *first* seconds, and again after each *interval*."""
    before = signal.signal(signal.SIGALRM, handler)
    left, _ = signal.setitimer(signal.ITIMER_REAL, first, interval)
    due = time.monotonic() + left if left else None

    def late(number: int, frame: FrameType | None) -> None:
        # Another thread may have taken an alarm of ours, and pass it on only now.
        if due is not None and time.monotonic() >= due and callable(before):
            before(number, frame)

    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, late)
        if due is not None:
            rest = max(due - time.monotonic(), 0.001)
            signal.setitimer(signal.ITIMER_REAL, rest)
