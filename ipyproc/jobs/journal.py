"""In which order two streams arrived, in little memory."""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from ipyproc.jobs.capture import MEMORY_LIMIT, OUTPUT_LIMIT, Capture

STREAMS: Final = ("stdout", "stderr")
_POINTS = 1 << 16


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of one stream; *offset* counts both streams, in order of arrival."""

    stream: str
    offset: int
    data: bytes


class Journal:
    """Which bytes of the two streams of a job arrived when.

    It is a list of points at which it is known how many bytes had arrived in all, and
    how many of them on the first stream. Between two points only one stream printed,
    as long as there are few points. When there are too many, every other one of the
    older half goes: then the order between the remaining ones is no longer known, and
    all that the first stream printed there counts as printed first.
    """

    def __init__(self, points: int = _POINTS) -> None:
        self._lock = threading.Lock()
        self._limit = points
        self._totals = array("Q", [0])
        self._firsts = array("Q", [0])
        self._last_stream = -1

    @property
    def total(self) -> int:
        """How many bytes arrived."""
        return self._totals[-1]

    def note(self, stream: int, size: int) -> None:
        """Take down that *size* bytes arrived on *stream*, 0 or 1."""
        with self._lock:
            if stream != self._last_stream:
                self._last_stream = stream
                self._totals.append(self._totals[-1])
                self._firsts.append(self._firsts[-1])
                self._thin_out()
            self._totals[-1] += size
            self._firsts[-1] += 0 if stream else size

    def locate(self, offset: int) -> tuple[int, int, int]:
        """Say where the byte with the offset *offset*, less than the total, lies.

        Its stream, its offset there, and how many bytes from there on are its
        neighbours in both.
        """
        with self._lock:
            index = bisect_right(self._totals, offset)
            start, end = self._totals[index - 1], self._totals[index]
            first, first_end = self._firsts[index - 1], self._firsts[index]
        turn = start + first_end - first
        if offset < turn:
            return 0, first + offset - start, turn - offset
        return 1, start - first + offset - turn, end - offset

    def _thin_out(self) -> None:
        if len(self._totals) > self._limit:
            older = slice(1, self._limit // 2, 2)
            del self._totals[older], self._firsts[older]


class Output:
    """What a process printed on both streams, and in which order."""

    def __init__(
        self, memory_limit: int = MEMORY_LIMIT, output_limit: int = OUTPUT_LIMIT
    ) -> None:
        self.stdout = Capture(memory_limit, output_limit)
        self.stderr = Capture(memory_limit, output_limit)
        self._captures = (self.stdout, self.stderr)
        self._journal = Journal()

    @property
    def total(self) -> int:
        """How many bytes arrived on both streams."""
        return self._journal.total

    def append(self, stream: int, data: bytes | bytearray | memoryview) -> None:
        """Add what arrived on *stream*, 0 for stdout or 1 for stderr."""
        # In this order: a reader that finds bytes in the journal finds them captured.
        self._captures[stream].append(data)
        self._journal.note(stream, len(data))

    def read(self, offset: int, size: int) -> list[Chunk]:
        """Give what is kept of what arrived from *offset* on, at most *size* bytes."""
        chunks: list[Chunk] = []
        offset, total = max(0, offset), self.total
        while size > 0 and offset < total:
            stream, start, length = self._journal.locate(offset)
            at, data = self._captures[stream].read(start, min(size, length))
            skipped = min(at - start, length)
            data = data[: length - skipped]
            if data:
                chunks.append(Chunk(STREAMS[stream], offset + skipped, data))
                size -= len(data)
            offset += skipped + len(data)
        return chunks
