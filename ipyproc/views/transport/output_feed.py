"""What of a job's output goes to the page, cut into messages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ipyproc._jobs.job import Job
from ipyproc._jobs.output.interleaved import Chunk
from ipyproc.views.render.format import size
from ipyproc.views.terminal.line import Run
from ipyproc.views.terminal.screen import Screen
from ipyproc.views.transport.rate_limiter import OVERHEAD
from ipyproc.views.transport.viewers import Audience, Share

#: What the synced state holds of the output, for a page that gets no answer.
TAIL = 16 * 1024
#: How much of what is saved goes into one message.
SAVE = 64 * 1024

# A message cut into more pieces than this would be longer in words than in bytes.
_PIECES = 200
# Where output is entered in the middle, a line begins at most this much later.
_LONG_LINE = 4096


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to the page: a JSON object, and bytes."""

    content: dict[str, Any]
    data: bytes = b""

    @property
    def size(self) -> int:
        """About how many bytes it is on the wire."""
        streams = self.content.get("streams", ())
        return OVERHEAD + len(self.data) + 16 * len(streams)


class Feed:
    """The output of one job on its way to the pages that show it."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.audience = Audience()

    def join(self, page: str, have: int | None, seq: int | None) -> Message:
        """Take in a page that says what it has; the answer says where it goes on."""
        total = self._job.total
        start = self.audience.join(page, have, total)
        clock = time.time()
        content = {"kind": "begin", "page": page, "seq": seq, "clock": clock}
        return Message(content | {"offset": start})

    def next(self, room: int) -> Message | None:
        """Return the next piece of output for the pages that are ready for it."""
        total = self._job.total
        share = self.audience.next(total, room)
        if share is None:
            return None
        chunks = list(_together(self._read(share)))
        start = chunks[0].offset if chunks else total
        message = _message("output", start, chunks)
        message.content.update(pages=share.pages, after=share.after)
        self.audience.sent(share, start, start + len(message.data))
        return message

    def mark(self) -> Message | None:
        """Return a message that says, to pages that were sent all, how much that is.

        The server may have dropped the last message, and nothing else would tell.
        """
        total = self._job.total
        pages = self.audience.complete(total)
        if not pages:
            return None
        message = _message("output", total, [])
        message.content.update(pages=pages, after=total)
        return message

    def saved(self, page: str, offset: int) -> Message:
        """Return a piece of all that was captured, for a page that asks for it."""
        total = self._job.total
        chunks = list(_together(self._job.read(offset, SAVE)))
        message = _message("saved", chunks[0].offset if chunks else total, chunks)
        message.content.update(page=page, after=offset, total=total)
        return message

    def tail(self) -> dict[str, Any]:
        """Return the last of the output, for the synced state."""
        chunks = tail_of(self._job, TAIL)
        return {
            "offset": chunks[0].offset if chunks else 0,
            "streams": _streams(chunks),
            "data": b"".join(chunk.data for chunk in chunks),
        }

    def _read(self, share: Share) -> list[Chunk]:
        if share.offset == share.after and share.offset > 0:
            return self._job.read(share.offset, share.size)
        return at_line(self._job, share.offset, share.size)


class Pauses:
    """When something is due again: after longer and longer pauses."""

    def __init__(self, first: float, factor: float, longest: float) -> None:
        self._first = first
        self._factor = factor
        self._longest = longest
        self._pause = first
        self._next = 0.0

    @property
    def next(self) -> float:
        """When it is due, on ``time.monotonic()``."""
        return self._next

    @property
    def over(self) -> bool:
        """Whether it is due now."""
        return time.monotonic() >= self._next

    def begin(self) -> None:
        """Begin the next pause."""
        self._next = time.monotonic() + self._pause
        self._pause = min(self._pause * self._factor, self._longest)

    def restart(self) -> None:
        """Begin with the first pause again."""
        self._pause = self._first
        self.begin()


def tail_of(job: Job, most: int) -> list[Chunk]:
    """Return the last *most* bytes of the output, or less, from the start of a line."""
    chunks = at_line(job, max(0, job.total - most), most)
    return list(_together(chunks, len(chunks)))


def at_line(job: Job, offset: int, most: int) -> list[Chunk]:
    """Read output from the first line that begins soon after *offset*."""
    chunks = job.read(offset, most)
    if offset > 0 and chunks:
        first = chunks[0]
        cut = first.data.find(b"\n", 0, _LONG_LINE) + 1
        if 0 < cut < len(first.data):
            rest = Chunk(first.stream, first.offset + cut, first.data[cut:])
            return [rest, *chunks[1:]]
    return chunks


def recent(job: Job, lines: int) -> Recent:
    """Return the last lines of the output, as a terminal would show them."""
    chunks = tail_of(job, TAIL)
    screen = Screen(lines)
    for chunk in chunks:
        screen.feed(chunk.stream, chunk.data)
    screen.finish()
    before = chunks[0].offset if chunks else 0
    return Recent(screen.runs(), screen.dropped, before)


@dataclass(frozen=True, slots=True)
class Recent:
    """The last *lines* of a job's output, and how much came before them."""

    lines: list[list[Run]]
    dropped: int
    before: int

    def missing(self, cut: int = 0) -> str:
        """Say what is not shown, *cut* lines among it; nothing if all is."""
        dropped = self.dropped + cut
        parts = [f"{dropped:,} lines"] if dropped else []
        parts += [size(self.before)] if self.before else []
        return f"not shown: {' and '.join(parts)} before this" if parts else ""


def _together(chunks: list[Chunk], pieces: int = _PIECES) -> Iterator[Chunk]:
    """Yield the chunks up to the first gap between them, and not too many."""
    end = chunks[0].offset if chunks else 0
    for chunk in chunks[:pieces]:
        if chunk.offset != end:
            return
        yield chunk
        end += len(chunk.data)


def _streams(chunks: list[Chunk]) -> list[tuple[str, int]]:
    return [(chunk.stream, len(chunk.data)) for chunk in chunks]


def _message(kind: str, offset: int, chunks: list[Chunk]) -> Message:
    content = {"kind": kind, "offset": offset, "streams": _streams(chunks)}
    return Message(content, b"".join(chunk.data for chunk in chunks))
