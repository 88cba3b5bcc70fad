"""Which bytes of two streams arrived when, in little memory."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress

from ipyproc._jobs.output.points import Points
from ipyproc._jobs.output.spill import Archive

_POINTS = 1 << 16


class Arrivals:
    """Which bytes of the two streams of a job arrived when.

    It is a list of points at which it is known how many bytes had arrived in all, and
    how many of them on the first stream. Between two points only one stream printed,
    as long as there are few points. When there are too many, every other one of the
    older half goes: then the order between the remaining ones is no longer known, and
    all that the first stream printed there counts as printed first.
    """

    def __init__(self, points: int = _POINTS) -> None:
        self._points = Points(points)
        self._points.add(0, 0)
        self._total = 0
        self._last_stream = -1

    @property
    def total(self) -> int:
        """How many bytes arrived."""
        return self._total

    @property
    def in_memory(self) -> int:
        """How many bytes of memory the points take."""
        return self._points.in_memory

    def note(self, stream: int, size: int) -> None:
        """Note that *size* bytes arrived on *stream*, 0 or 1; one thread does."""
        if stream != self._last_stream:
            # Without memory for another point the last one covers more: the order of
            # the bytes in between is not known then, as after thinning out.
            with suppress(MemoryError):
                self._points.repeat()
                self._last_stream = stream
        self._points.increase(size, 0 if stream else size)
        # Last of all: a reader asks for no byte beyond it, so it does not matter to him
        # that the two above change one after the other.
        self._total += size

    def locate(self, offset: int) -> tuple[int, int, int]:
        """Where the byte with the offset *offset*, less than the total, lies.

        Its stream, its offset there, and how many bytes from there on are its
        neighbours in both.
        """
        totals, firsts = self._points.columns
        index = bisect_right(totals, offset)
        start, end = totals[index - 1], totals[index]
        first, first_end = firsts[index - 1], firsts[index]
        turn = start + first_end - first
        if offset < turn:
            return 0, first + offset - start, turn - offset
        return 1, start - first + offset - turn, end - offset

    def place(self, stream: int, offset: int) -> int:
        """Where the byte with the offset *offset* of *stream* lies among all of them.

        What has not arrived yet lies behind all that has.
        """
        totals, firsts = self._points.columns

        def seen(index: int) -> int:
            return totals[index] - firsts[index] if stream else firsts[index]

        index = bisect_right(range(len(firsts)), offset, key=seen)
        if index == len(firsts):
            return totals[index - 1]
        before = firsts[index] - firsts[index - 1] if stream else 0
        return totals[index - 1] + before + offset - seen(index - 1)

    def move_to(self, archive: Archive) -> None:
        """Move the points there; after that, no more arrivals can be noted."""
        self._points.move_to(archive)
