"""When what a stream printed arrived, in little memory."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable
from typing import Final

from ipyproc._jobs.output.points import Points
from ipyproc._jobs.output.spill import Archive

#: Seconds between two points.
APART: Final = 0.01
#: How many points there are at most: half a megabyte, for each of a job's two streams.
MOST: Final = 1 << 15
_MICRO: Final = 1_000_000


class Timeline:
    """The times at which the bytes of one stream arrived; one thread notes them.

    It is a list of points: an offset, and when the byte there arrived. What follows up
    to the next point arrived within a hundredth of a second. When there are too many,
    every other one of the older half goes. *clock* is that of ``time``.
    """

    def __init__(
        self, most: int = MOST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._points = Points(most)
        self._clock = clock
        self._began: float | None = None
        # When the next point may be made.
        self._next = 0.0

    @property
    def in_memory(self) -> int:
        """How many bytes of memory the points take."""
        return self._points.in_memory

    def begin(self) -> None:
        """Count time from now on."""
        self._began = self._clock()

    @property
    def elapsed(self) -> float:
        """How many seconds have passed since the beginning."""
        return 0.0 if self._began is None else self._clock() - self._began

    def note(self, offset: int) -> None:
        """Note that the byte at *offset* has arrived, and perhaps more."""
        now = self._clock()
        if now < self._next or self._began is None:
            return
        try:
            self._points.add(offset, round((now - self._began) * _MICRO))
        except MemoryError:  # the last point covers more, then
            return
        self._next = now + APART

    def find(self, offset: int) -> tuple[float, int | None] | None:
        """Return when the byte at *offset* arrived, in seconds since the beginning.

        And up to which offset that is so; ``None`` is whatever has come since. ``None``
        alone if nothing was noted. From any thread.
        """
        offsets, times = self._points.columns
        index = bisect_right(offsets, offset)
        if not index:
            return None
        until = offsets[index] if index < len(offsets) else None
        return times[index - 1] / _MICRO, until

    def points(
        self, offset: int, most: int
    ) -> tuple[list[tuple[int, float]], int | None]:
        """Return at most so many points from the one on that ``find`` finds.

        And the offset of the next one, if there is one.
        """
        offsets, times = self._points.columns
        first = max(0, bisect_right(offsets, offset) - 1)
        last = min(len(offsets), first + most)
        found = [(offsets[i], times[i] / _MICRO) for i in range(first, last)]
        return found, offsets[last] if last < len(offsets) else None

    def move_to(self, archive: Archive) -> None:
        """Move the points there; after that, no more can be noted."""
        self._points.move_to(archive)
        self._began = None
