"""What a stream printed: all of it in memory, then in a file, then head and tail."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from errno import ENOMEM
from typing import Final, TypeAlias

from ipyproc._jobs.output.encoding import MARK_SIZE, UTF_8, decoder, decoder_inside
from ipyproc._jobs.output.find import Expression, Found, found
from ipyproc._jobs.output.in_place import GrowingFile, InPlace
from ipyproc._jobs.output.plain import Plain
from ipyproc._jobs.output.spill import Archive
from ipyproc._jobs.output.storage import Layout, Memory, Sink, Spliced, TemporaryFile
from ipyproc._jobs.output.timeline import Timeline

#: Bytes that a capture keeps in memory before it goes on in a file.
MEMORY_LIMIT: Final = 8 << 20
#: Bytes that a capture keeps in all before it gives up those in the middle.
OUTPUT_LIMIT: Final = 1 << 30
# The most that is copied in one go.
_PIECE = 1 << 20
# The most that is drawn in one go, while no other thread of Python runs.
_DRAWN = 1 << 17
# What is kept of the end, in memory, when there is no room for a file.
_SPARE_TAIL = 1 << 20
# Reads that were overtaken by the stream before one keeps a distance from it.
_ATTEMPTS = 4
# Within the class `bytes` is the property.
_Bytes: TypeAlias = bytes


class Capture:
    r"""The output of one stream of a job, to be read from any thread while it grows.

    Everything is kept: in memory up to *memory_limit* bytes, then in a temporary file
    without a name. Beyond *output_limit* bytes the first half of that many stays, and
    with it the newest bytes; ``dropped`` counts those between. Where no file can be
    written (``error`` says why) all that is there stays, with the newest megabyte.

    Text is decoded by *encoding*; what is wrong in it becomes U+FFFD.

    Offsets are absolute: the first byte ever printed has offset 0, whatever was dropped
    since. Only what is asked for is copied.

    >>> from ipyproc import spawn
    >>> job = spawn(["seq", "1", "1000"])
    >>> state = job.wait()
    >>> job.stdout.total, job.stdout.tail(5), job.stdout.lines()[:3]
    (3893, b'1000\n', ['1', '2', '3'])
    """

    def __init__(
        self,
        memory_limit: int = MEMORY_LIMIT,
        output_limit: int = OUTPUT_LIMIT,
        encoding: str = UTF_8,
    ) -> None:
        #: How bytes become text.
        self.encoding = encoding
        #: Why something is not kept where it belongs; ``None`` if everything is.
        self.error: OSError | None = None
        #: The file that a detached job prints into.
        self.path: str | None = None
        store = Spliced(Memory(), memory_limit, TemporaryFile())
        head, ring = output_limit - output_limit // 2, output_limit // 2
        self._layout = Layout(head, ring, head, store)
        self._total = 0
        # What the total will be when the bytes that are being written are there. What
        # they are written over counts as dropped from now on.
        self._reserved = 0
        #: When it was printed.
        self.timeline = Timeline()

    def __repr__(self) -> str:
        why = f" for want of a file: {self.error}" if self.error else ""
        return f"<Capture of {self.total} bytes, {self.dropped} dropped{why}>"

    @property
    def total(self) -> int:
        """How many bytes the stream printed so far."""
        return self._total

    @property
    def kept_head(self) -> int:
        """Up to which offset nothing is ever dropped."""
        return self._layout.head

    @property
    def dropped(self) -> int:
        """How many of them are no longer kept."""
        layout, total = self._layout, self._total
        return max(0, min(total, layout.tail_start(total)) - layout.head)

    @property
    def in_memory(self) -> int:
        """How many of the bytes that are kept are in memory, and not in a file."""
        return self._layout.store.in_memory

    @property
    def bytes(self) -> _Bytes:
        """All that is kept, as it was printed."""
        return self[:]

    @property
    def text(self) -> str:
        """All that is kept, as text."""
        return "".join(self._parts())

    @property
    def plain(self) -> str:
        r"""All that is kept, as the text that a terminal would show.

        Escapes are left out. Carriage returns, backspaces and moves of the cursor are
        applied as on a terminal of 1000 lines, so that of a progress bar its last state
        is left. No line is broken, and a tab stays a tab. It is worked out anew each
        time, piece by piece, from what is there at the first.

        >>> from ipyproc import spawn
        >>> job = spawn(["printf", r"10 %%\r\033[32m100 %%\033[m\nab\bc\n"])
        >>> state = job.wait()
        >>> job.stdout.plain
        '100 %\nac\n'
        """
        text = io.StringIO()
        plain = Plain(decoder(self.encoding))
        at, end = 0, self.total
        while at < end:
            start, data = self.read(at, min(_DRAWN, end - at))
            if start > at:
                inside, skipped = decoder_inside(self.encoding, self._begin, start)
                plain.gap(inside)
                at = start + skipped
                continue
            plain.feed(data)
            text.write(plain.take())
            at += len(data)
        plain.feed(b"", final=True)
        text.write(plain.take() + plain.rest())
        return text.getvalue()

    def lines(self) -> list[str]:
        """Return the lines of what is kept, without their ends.

        Lines end with a newline, or a carriage return and a newline; the last one need
        not end. Where something was dropped, a line stops and another starts.
        """
        lines: list[str] = []
        for text in self._parts():
            lines += (line.removesuffix("\r") for line in text.split("\n"))
            if text.endswith("\n") or not text:
                lines.pop()
        return lines

    def find(self, pattern: str | re.Pattern[str], start: int = 0) -> Iterator[Found]:
        r"""Yield the lines that match, as their offset and text, from *start* on.

        Each line is compared as a terminal would show it by itself: without escapes,
        carriage returns and backspaces applied. It reads as it goes, up to what is kept
        by then; the last line need not have ended. Where something was dropped, a line
        stops and another starts.

        *pattern* is a regular expression (``re.MULTILINE``). Raises ``TypeError`` or
        ``ValueError`` if it is none, and ``ValueError`` if *start* is below 0.

        >>> from ipyproc import spawn
        >>> job = spawn(["seq", "1", "1000"])
        >>> state = job.wait()
        >>> list(job.stdout.find("^99.$"))[:2]
        [(3848, '990'), (3852, '991')]
        """
        if start < 0:
            raise ValueError(f"start: expected 0 or more, got {start}")
        return found(self, Expression(pattern), start)

    def tail(self, size: int) -> _Bytes:
        """Return the last *size* bytes, less what was dropped of them.

        Raises ``ValueError`` if *size* is below 0.
        """
        if size < 0:
            raise ValueError(f"size: expected 0 or more, got {size}")
        total = self.total
        return self[max(0, total - size) : total]

    def time_at(self, offset: int) -> float | None:
        """Return how many seconds after the start the byte at *offset* was printed.

        To a hundredth of a second; less exactly for the older half of a stream that
        printed for very long, of which half a megabyte of times is kept. ``None`` if it
        was not printed yet. Of a job elsewhere its agent is asked. Raises
        ``ValueError`` if *offset* is below 0.
        """
        if offset < 0:
            raise ValueError(f"offset: expected 0 or more, got {offset}")
        found = self.timeline.find(offset) if offset < self.total else None
        return None if found is None else found[0]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all that is kept to a new file at *path*, or over the one there is."""
        with open(path, "wb") as file:
            self._copy(0, self.total, file)

    def __getitem__(self, offsets: slice) -> _Bytes:
        """Return the bytes from one offset to another that are kept."""
        if not isinstance(offsets, slice):
            kind = type(offsets).__name__
            raise TypeError(f"a capture is indexed by a slice of offsets, not {kind}")
        start, stop, step = offsets.indices(self.total)
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
        attempt = 0
        while True:
            # Each is read once: the thread that appends may change them meanwhile.
            layout, total = self._layout, self._total
            slack = 0 if attempt < _ATTEMPTS else layout.ring // 2
            start, end = layout.bounds(offset, total, self._reserved + slack)
            data = layout.get(start, min(max(size >> attempt, size > 0), end - start))
            # Was it written over meanwhile? Then what is kept begins later.
            begin = layout.tail_start(self._reserved)
            dropped = (
                start + len(data) > layout.head and max(start, layout.head) < begin
            )
            if self._layout is layout and not dropped:
                return start, data
            attempt += 1

    def append(self, data: _Bytes | bytearray | memoryview) -> None:
        """Add *data*, what was printed next; one thread, which reads the stream, does.

        Never raises: what cannot be kept counts in ``dropped``, and ``error`` says why.
        """
        self.timeline.note(self._total)
        with memoryview(data) as view:
            self._reserved = self._total + len(view)
            for degrade in (self._use_file, self._use_spare_tail, self._use_nothing):
                try:
                    self._layout.put(self._total, view)
                    break
                except (OSError, MemoryError) as error:
                    degrade(error, len(view))
            self._total += len(view)

    def skip(self, size: int) -> None:
        """Count *size* bytes that were printed and are not here; as ``append`` does."""
        self.timeline.note(self._total)
        layout, head = self._layout, min(self._layout.head, self._total)
        store = layout.store
        if head < layout.head:
            store = Spliced(store, head, Memory())
        self._reserved = self._total + size
        self._layout = Layout(head, layout.ring, self._reserved, store)
        self._total += size

    def note(self, size: int) -> bool:
        """Count *size* bytes more if they are where they belong; else append them."""
        if not self._layout.note(self._total, size):
            return False
        self.timeline.note(self._total)
        self._total += size
        self._reserved = self._total
        return True

    def keep_in(self, fd: int, *, writes: bool) -> None:
        """Keep nothing here: all that comes is in the file *fd*, where it belongs.

        What is appended is put there if this *writes*; if others do, it is only
        counted, as what is moved in. Before anything is.
        """
        file = GrowingFile(fd, writes)
        self._layout = InPlace(self._layout.head, self._layout.ring, file)

    def move_to(self, archive: Archive) -> None:
        """Move to *archive* what is in memory; ``OSError`` if there is no room for it.

        Nothing is lost, and reading is as before; also if that raises. The thread that
        appends does it.
        """
        layout = self._layout
        if not layout.store.in_memory:
            return
        moved = layout.store.moved_to(archive)
        self._layout = Layout(layout.head, layout.ring, layout.floor, moved)

    def _use_file(self, error: OSError | MemoryError, size: int) -> None:
        """Go on in the file, though memory was meant to hold more."""
        if not isinstance(error, MemoryError):
            self._use_spare_tail(error, size)
            return
        self._note(error)
        layout = self._layout
        if self._total < layout.head:
            store = Spliced(layout.store, self._total, TemporaryFile())
            self._layout = Layout(layout.head, layout.ring, layout.floor, store)

    def _use_spare_tail(self, error: OSError | MemoryError, size: int) -> None:
        """Keep what is there as the head, and from now on a short tail in memory."""
        self._cut(error, size, _SPARE_TAIL)

    def _use_nothing(self, error: OSError | MemoryError, size: int) -> None:
        """Keep what is there, and nothing of what comes."""
        self._cut(error, size, 0)

    def _cut(self, error: OSError | MemoryError, size: int, ring: int) -> None:
        """Start a new tail of at most *ring* bytes.

        The tail that was there is lost if the *size* bytes, of which some may have been
        written, were to go over its beginning.
        """
        self._note(error)
        layout, head = self._layout, self._layout.head
        if self._total + size <= head + layout.ring:
            head = self._total
        store = Spliced(layout.store, head, Memory())
        self._layout = Layout(head, min(layout.ring, ring), self._total, store)

    def _note(self, error: OSError | MemoryError) -> None:
        if isinstance(error, MemoryError):
            self.error = OSError(ENOMEM, os.strerror(ENOMEM))
        else:
            self.error = error.with_traceback(None)

    @property
    def _begin(self) -> _Bytes:
        """The first bytes, which may say in which order all others are."""
        return self.read(0, MARK_SIZE)[1]

    def _parts(self) -> list[str]:
        """Return what is kept as text, in two if something between is missing.

        No character must be made of bytes that were not printed side by side.
        """
        head = self.kept_head if self.dropped else self.total
        parts = [decoder(self.encoding).decode(self[:head], final=True)]
        if self.dropped:
            total = self.total
            data = self[head:total]
            start = total - len(data)
            inside, skipped = decoder_inside(self.encoding, self._begin, start)
            parts.append(inside.decode(data[skipped:], final=True))
        return parts

    def _copy(self, start: int, stop: int, out: Sink) -> None:
        """Write what is kept from *start* to *stop* to *out*.

        The stream goes on meanwhile, and the tail may slide away from under a copy:
        then what was copied of it is taken back, and the copy goes on where the tail
        starts now.
        """
        tail_place = out.tell()
        while start < stop:
            head = self.kept_head
            size = min(_PIECE, stop - start)
            if start < head:
                size = min(size, head - start)
            if start <= head:
                tail_place = out.tell()
            at, data = self.read(start, size)
            if at > start:
                out.seek(tail_place)
                out.truncate()
            out.write(data[: max(0, stop - at)])
            start = at + len(data)
