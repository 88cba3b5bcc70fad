"""What a stream printed: all of it in memory, then in a file, then head and tail."""

from __future__ import annotations

import io
import os
import threading
from typing import Final, Protocol, TypeAlias

from ipyproc._jobs.output.spill import Archive
from ipyproc._jobs.output.storage import Memory, Spliced, Store, TemporaryFile

#: Bytes that a capture keeps in memory before it goes on in a file.
MEMORY_LIMIT: Final = 8 << 20
#: Bytes that a capture keeps in all before it gives up those in the middle.
OUTPUT_LIMIT: Final = 1 << 30
# The most that is copied in one go, with the lock held.
_PIECE = 1 << 20
# What is kept of the end, in memory, when there is no room for a file.
_SPARE_TAIL = 1 << 20
# Within the class `bytes` is the property.
_Bytes: TypeAlias = bytes


class _Sink(Protocol):
    """The part of a binary file that a copy of a capture is written to."""

    def write(self, data: bytes, /) -> int:
        """Write *data*."""

    def tell(self) -> int:
        """Return the place of the next write."""

    def seek(self, offset: int, /) -> int:
        """Go to *offset*."""

    def truncate(self) -> int:
        """Forget what lies behind the place of the next write."""


class Capture:
    r"""The output of one stream of a job, to be read from any thread while it grows.

    Everything is kept: in memory up to *memory_limit* bytes, then in a temporary file
    without a name. Beyond *output_limit* bytes the first half of that many stays, and
    with it the newest bytes; ``dropped`` counts those between. Where no file can be
    written (``error`` says why) all that is there stays, with the newest megabyte.

    Offsets are absolute: the first byte ever printed has offset 0, whatever was dropped
    since. Only what is asked for is copied.

    >>> from ipyproc import spawn
    >>> job = spawn(["seq", "1", "1000"])
    >>> state = job.wait()
    >>> job.stdout.total, job.stdout.tail(5), job.stdout.lines()[:3]
    (3893, b'1000\n', ['1', '2', '3'])
    """

    def __init__(
        self, memory_limit: int = MEMORY_LIMIT, output_limit: int = OUTPUT_LIMIT
    ) -> None:
        self._lock = threading.Lock()
        self._total = 0
        #: Why the file could not be written; ``None`` if it could, or was not needed.
        self.error: OSError | None = None
        #: The file that a detached job prints into, of which this is a copy.
        self.path: str | None = None
        # The layout. Offsets below `head` are their own addresses in the store. Those
        # above take turns at the `ring` addresses that follow, so that as long as
        # nothing is dropped every offset is its own address. None of them is below
        # `floor`.
        self._head = output_limit - output_limit // 2
        self._ring = output_limit // 2
        self._floor = self._head
        self._store: Store = Spliced(Memory(), memory_limit, TemporaryFile())

    def __repr__(self) -> str:
        why = f" for want of a file: {self.error}" if self.error else ""
        return f"<Capture of {self.total} bytes, {self.dropped} dropped{why}>"

    @property
    def total(self) -> int:
        """How many bytes the stream printed so far."""
        return self._total

    @property
    def dropped(self) -> int:
        """How many of them are no longer kept."""
        with self._lock:
            return max(0, min(self._total, self._tail_start()) - self._head)

    @property
    def in_memory(self) -> int:
        """How many of the bytes that are kept are in memory, and not in a file."""
        with self._lock:
            return self._store.in_memory

    @property
    def bytes(self) -> _Bytes:
        """All that is kept, as it was printed."""
        return self[:]

    @property
    def text(self) -> str:
        """All that is kept, as UTF-8 text; invalid bytes become U+FFFD."""
        return "".join(part.decode(errors="replace") for part in self._parts())

    def lines(self) -> list[str]:
        """Return the lines of what is kept, without their ends.

        Lines end with a newline, or a carriage return and a newline; the last one need
        not end. Where something was dropped, a line stops and another starts.
        """
        lines: list[str] = []
        for part in self._parts():
            text = part.decode(errors="replace")
            lines += (line.removesuffix("\r") for line in text.split("\n"))
            if text.endswith("\n") or not text:
                lines.pop()
        return lines

    def tail(self, size: int) -> _Bytes:
        """Return the last *size* bytes, less what was dropped of them.

        Raises ``ValueError`` if *size* is below 0.
        """
        if size < 0:
            raise ValueError(f"size: expected 0 or more, got {size}")
        total = self._total
        return self[max(0, total - size) : total]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all that is kept to a new file at *path*, or over the one there is."""
        with open(path, "wb") as file:
            self._copy(0, self._total, file)

    def __getitem__(self, offsets: slice) -> _Bytes:
        """Return the bytes from one offset to another that are kept."""
        if not isinstance(offsets, slice):
            kind = type(offsets).__name__
            raise TypeError(f"a capture is indexed by a slice of offsets, not {kind}")
        start, stop, step = offsets.indices(self._total)
        if step != 1:
            raise ValueError("a slice of a capture has no step")
        copy = io.BytesIO()
        self._copy(start, stop, copy)
        return copy.getvalue()

    def read(self, offset: int, size: int) -> tuple[int, _Bytes]:
        """Return the offset of the first byte kept at or after *offset*, and the bytes.

        Those are at most *size*, one behind the other; none at the end. Where bytes
        were dropped, the offset is greater than that asked for.
        """
        with self._lock:
            start = max(0, offset)
            if start >= self._head:
                start = max(start, self._tail_start())
            end = self._head if start < self._head else self._total
            if self._tail_start() == self._head:
                end = self._total
            size = min(size, min(end, self._total) - start)
            return start, self._get(start, size) if size > 0 else b""

    def append(self, data: _Bytes | bytearray | memoryview) -> None:
        """Add *data*, what was printed next; whoever reads the stream calls this."""
        with self._lock, memoryview(data) as view:
            try:
                self._put(view)
            except OSError as error:
                self._do_without_file(error, len(view))
                self._put(view)
            self._total += len(view)

    def move_to(self, archive: Archive) -> None:
        """Move to *archive* what is in memory; ``OSError`` if there is no room for it.

        Nothing is lost, and reading is as before; also if that raises.
        """
        with self._lock:
            self._store = self._store.moved_to(archive)

    def _tail_start(self) -> int:
        return max(self._floor, self._total - self._ring)

    def _put(self, data: memoryview) -> None:
        offset = self._total
        if offset < self._head:
            room = self._head - offset
            self._store.write(offset, data[:room])
            offset, data = offset + len(data[:room]), data[room:]
        passing = max(0, len(data) - self._ring)
        offset, data = offset + passing, data[passing:]
        while data:
            address, room = self._place(offset)
            self._store.write(address, data[:room])
            offset, data = offset + room, data[room:]

    def _get(self, start: int, size: int) -> _Bytes:
        address, room = self._place(start)
        first = self._store.read(address, min(size, room))
        rest = size - len(first)
        return first + self._get(start + len(first), rest) if rest else first

    def _place(self, offset: int) -> tuple[int, int]:
        """Return the address of an offset, and how many addresses follow in a row."""
        if offset < self._head:
            return offset, self._head - offset
        turn = (offset - self._head) % self._ring
        return self._head + turn, self._ring - turn

    def _do_without_file(self, error: OSError, size: int) -> None:
        """Keep what is there as the head, and from now on a short tail in memory.

        The tail that was in the file is lost if the *size* bytes, of which some may
        have been written, were to go over its beginning.
        """
        self.error = error.with_traceback(None)
        if self._total + size <= self._head + self._ring:
            self._head = self._total
        self._floor = self._total
        self._ring = min(self._ring, _SPARE_TAIL)
        self._store = Spliced(self._store, self._head, Memory())

    def _parts(self) -> list[_Bytes]:
        """Return what is kept, in two if something between is missing.

        No character must be made of bytes that were not printed side by side.
        """
        if not self.dropped:
            return [self[:]]
        return [self[: self._head], self[self._head :]]

    def _copy(self, start: int, stop: int, out: _Sink) -> None:
        """Write what is kept from *start* to *stop* to *out*.

        The lock is held for one piece at a time, because the stream cannot go on
        meanwhile. So the tail may slide away from under a copy: then what was copied
        of it is taken back, and the copy goes on where the tail starts now.
        """
        tail_place = out.tell()
        while start < stop:
            size = min(_PIECE, stop - start)
            if start < self._head:
                size = min(size, self._head - start)
            if start <= self._head:
                tail_place = out.tell()
            at, data = self.read(start, size)
            if at > start:
                out.seek(tail_place)
                out.truncate()
            out.write(data[: max(0, stop - at)])
            start = at + len(data)
