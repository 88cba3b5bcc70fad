"""In which order two streams arrived, in little memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeAlias

from ipyproc._jobs.output.arrivals import Arrivals
from ipyproc._jobs.output.capture import MEMORY_LIMIT, OUTPUT_LIMIT, Capture
from ipyproc._jobs.output.encoding import UTF_8, decoder
from ipyproc._jobs.output.find import Matcher, Search, Searching
from ipyproc._jobs.output.spill import Archive
from ipyproc._jobs.output.timeline import Timeline

STREAMS: Final = ("stdout", "stderr")
_WORTH_MOVING = 1 << 10
# As much is read of each stream as a whole.
_TOGETHER: Final = 1 << 20

#: The fields of a `Chunk`, which takes three times as long to make.
Piece: TypeAlias = tuple[str, int, bytes]


@dataclass(frozen=True, slots=True)
class Chunk:
    r"""What came in one piece: *data*, bytes of *stream*, ``stdout`` or ``stderr``.

    *offset* is where it begins, counted over both streams in order of arrival.

    >>> from ipyproc import spawn
    >>> job = spawn("echo out; echo err >&2", shell=True)
    >>> state = job.wait()
    >>> sorted((chunk.stream, chunk.data) for chunk in job.read(0, 100))
    [('stderr', b'err\n'), ('stdout', b'out\n')]
    """

    stream: str
    offset: int
    data: bytes


class Interleaved:
    """Two streams, each kept in a capture, as one: in order of arrival.

    Offsets count over both. Reading may raise what the captures do.
    """

    def __init__(
        self, stdout: Capture, stderr: Capture, arrivals: Arrivals | None = None
    ) -> None:
        self.stdout, self.stderr = stdout, stderr
        self._captures = (stdout, stderr)
        #: In which order.
        self.arrivals = arrivals or Arrivals()

    @property
    def total(self) -> int:
        """How many bytes arrived on both streams."""
        return self.arrivals.total

    def moment(self, offset: int) -> tuple[float, int]:
        """When the byte at *offset*, less than the total, arrived.

        In seconds since the start, and how many bytes from there on are of the same
        stream and came at the same time.
        """
        stream, start, length = self.arrivals.locate(offset)
        elapsed, until = self._captures[stream].timeline.find(start) or (0.0, None)
        return elapsed, length if until is None else min(length, until - start)

    def read(self, offset: int, size: int) -> list[Chunk]:
        """Return what is kept from *offset* on, at most *size* bytes."""
        return [Chunk(*piece) for piece in self.pieces(offset, size)]

    def pieces(self, offset: int, size: int) -> list[Piece]:
        """Return the same, for those who read much: there may be one for each line."""
        pieces: list[Piece] = []
        offset, total = max(0, offset), self.total
        asked = min(size, total - offset)
        if asked <= _TOGETHER and (together := self._together(offset, asked)):
            return together
        while size > 0 and offset < total:
            stream, start, length = self.arrivals.locate(offset)
            at, data = self._captures[stream].read(start, min(size, length))
            # As long as none of it can be read, as when somebody cut the file short.
            skipped = min(at - start, length) if data else length
            data = data[: length - skipped]
            if data:
                pieces.append((STREAMS[stream], offset + skipped, data))
                size -= len(data)
            offset += skipped + len(data)
        return pieces

    def _together(self, offset: int, size: int) -> list[Piece]:
        """Read each stream once; return nothing if that does not get all of it.

        Two streams that take turns may do so for each line.
        """
        found: list[tuple[int, int, int, int]] = []
        starts: dict[int, int] = {}
        ends: dict[int, int] = {}
        while size > 0:
            stream, start, length = self.arrivals.locate(offset)
            length = min(length, size)
            if ends.get(stream, start) != start:  # points went meanwhile
                return []
            found.append((offset, stream, start, start + length))
            starts.setdefault(stream, start)
            ends[stream] = start + length
            offset, size = offset + length, size - length
        parts: dict[int, bytes] = {}
        for stream, start in starts.items():
            at, parts[stream] = self._captures[stream].read(start, ends[stream] - start)
            if at != start or len(parts[stream]) < ends[stream] - start:
                return []
        return [
            (
                STREAMS[stream],
                at,
                parts[stream][start - starts[stream] : end - starts[stream]],
            )
            for at, stream, start, end in found
        ]

    def joined(self, offset: int, size: int) -> tuple[int, bytes]:
        """Return what is kept from *offset* on, up to a gap, and where that begins."""
        pieces = without_gap(self.pieces(offset, size))
        start = pieces[0][1] if pieces else self.total
        return start, b"".join(data for _, _, data in pieces)

    def search(self, matcher: Matcher) -> Searching:
        """Begin to look for lines, of both streams, that match."""
        return Search(self.joined, matcher)


class Output(Interleaved):
    """What a process printed on both streams, and in which order.

    *encoding* is how its bytes become text.
    """

    def __init__(
        self,
        memory_limit: int = MEMORY_LIMIT,
        output_limit: int = OUTPUT_LIMIT,
        encoding: str = UTF_8,
    ) -> None:
        stdout = Capture(memory_limit, output_limit, encoding)
        stderr = Capture(memory_limit, output_limit, encoding)
        super().__init__(stdout, stderr)
        # Views know UTF-8 only. What is in another encoding is kept in both.
        self._recoded: _Recoded | None = None
        if encoding != UTF_8:
            self._recoded = _Recoded(Output(memory_limit, output_limit), encoding)

    def begin(self) -> None:
        """Count time from now on, the start of the process."""
        for capture in self._captures:
            capture.timeline.begin()

    def append(self, stream: int, data: bytes | bytearray | memoryview) -> None:
        """Add what arrived on *stream*, 0 for stdout or 1 for stderr."""
        # In this order: a reader that finds bytes in the arrivals finds them captured.
        self._captures[stream].append(data)
        self.arrivals.note(stream, len(data))
        if self._recoded:
            self._recoded.append(stream, data)

    def skip(self, stream: int, size: int) -> None:
        """Count what was printed on *stream* and is not here."""
        self._captures[stream].skip(size)
        self.arrivals.note(stream, size)
        if self._recoded:
            self._recoded.skip(stream)

    def keep_in(self, stream: int, fd: int, *, writes: bool = False) -> None:
        """Leave what *stream* prints in the file *fd*; see ``Capture.keep_in``."""
        self._captures[stream].keep_in(fd, writes=writes)

    def next_of(self, taken: Sequence[int]) -> tuple[int, int]:
        """Which stream comes next when so much of both was taken, and how many bytes.

        In order of arrival, as far as that is known; the thread that appends asks.
        """
        stream, start, size = self.arrivals.locate(sum(taken))
        left = [all_.total - n for all_, n in zip(self._captures, taken, strict=True)]
        if start != taken[stream] or not left[stream]:  # points went meanwhile
            stream = 0 if left[0] else 1
            size = left[stream]
        return stream, min(size, left[stream])

    def note(self, stream: int, size: int) -> bool:
        """Count *size* bytes more that are where they belong; as ``Capture.note``.

        Not those that have to be read, to be recoded.
        """
        if self._recoded or not self._captures[stream].note(size):
            return False
        self.arrivals.note(stream, size)
        return True

    def finish(self) -> None:
        """Note that nothing more arrives; from then on nothing is incomplete."""
        if self._recoded:
            self._recoded.finish()

    @property
    def as_utf8(self) -> Output:
        """The same in UTF-8, with offsets of its own: itself if it is in UTF-8."""
        return self._recoded.output if self._recoded else self

    @property
    def in_memory(self) -> int:
        """How many bytes of memory it takes."""
        return sum(part.in_memory for part in self._parts())

    def move_to(self, archive: Archive) -> None:
        """Move what is in memory to the archive, once nothing more arrives.

        Nothing is lost, also if that raises ``OSError``, as there is no room. What is
        next to nothing stays: to know where it is would take more.
        """
        for part in self._parts():
            if part.in_memory >= _WORTH_MOVING:
                part.move_to(archive)

    def _parts(self) -> list[Capture | Arrivals | Timeline]:
        timelines = [capture.timeline for capture in self._captures]
        parts: list[Capture | Arrivals | Timeline] = [*self._captures, self.arrivals]
        parts += timelines
        return parts + self.as_utf8._parts() if self._recoded else parts


class _Recoded:
    """A copy of an output, recoded to UTF-8 as it comes."""

    def __init__(self, output: Output, encoding: str) -> None:
        self.output = output
        self._decoders = (decoder(encoding), decoder(encoding))

    def append(self, stream: int, data: bytes | bytearray | memoryview) -> None:
        """Recode what arrived; without memory for that it is left out."""
        with suppress(MemoryError):
            self._add(stream, bytes(data))

    def skip(self, stream: int) -> None:
        """Begin anew behind something that is missing."""
        self._add(stream, b"", final=True)
        self._decoders[stream].reset()

    def finish(self) -> None:
        """Recode what is incomplete."""
        for stream in range(len(STREAMS)):
            self._add(stream, b"", final=True)

    def _add(self, stream: int, data: bytes, final: bool = False) -> None:
        text = self._decoders[stream].decode(data, final)
        if text:
            self.output.append(stream, text.encode(errors="replace"))


def together(chunks: list[Chunk], most: int) -> Iterator[Chunk]:
    """Yield at most so many *chunks*, up to the first gap between them."""
    end = chunks[0].offset if chunks else 0
    for chunk in chunks[:most]:
        if chunk.offset != end:
            return
        yield chunk
        end += len(chunk.data)


def without_gap(pieces: list[Piece]) -> list[Piece]:
    """Return *pieces* up to the first after which something is missing."""
    end = pieces[0][1] if pieces else 0
    for number, (_, offset, data) in enumerate(pieces):
        if offset != end:
            return pieces[:number]
        end += len(data)
    return pieces


def joined(chunks: list[Chunk]) -> bytes:
    """Return the bytes of all."""
    return b"".join(chunk.data for chunk in chunks)
