"""A job's output, cut into messages for the page."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ipyproc._jobs.job import Job
from ipyproc._jobs.output.interleaved import Chunk, joined, together
from ipyproc.views.terminal.modes import Reader
from ipyproc.views.terminal.picture import Redrawn
from ipyproc.views.transport.output_protocol import (
    Begin,
    Output,
    Ready,
    Streams,
    Tail,
)
from ipyproc.views.transport.protocol import FromKernel
from ipyproc.views.transport.viewers import Share, Viewers, start_of

#: What the synced state holds of the output, for a page that gets no answer.
TAIL = 16 * 1024

# With more pieces the lengths in a message would outweigh its bytes.
_PIECES = 200
# How far to look for the start of a line where reading begins in the middle.
_LONG_LINE = 4096


@dataclass(frozen=True, slots=True)
class Message:
    """A message for the page: a JSON object, and bytes."""

    content: FromKernel
    data: bytes = b""


class OutputFeed:
    """The output of one job on its way to the pages that show it.

    It belongs to the thread that sends. *modes* are those of a terminal, if it has one.
    """

    def __init__(self, job: Job, viewers: Viewers, modes: Reader | None = None) -> None:
        self._job = job
        self._viewers = viewers
        self._modes = modes

    def lacks(self, asked: Ready) -> bool:
        """Whether a page lacks so much that only a picture shows what is there."""
        start = start_of(asked["have"], self._job.as_utf8.total)
        return start > 0 and start != asked["have"]

    def join_terminal(self, asked: Ready) -> Begin:
        """Add a page with a terminal; the answer says where that goes on, and how."""
        start = start_of(asked["have"], self._job.as_utf8.total)
        if start and start != asked["have"]:
            # No escape or character is cut there.
            chunks = at_line(self._job, start, _LONG_LINE)
            start = chunks[0].offset if chunks else start
        self._viewers.join(asked["page"], start, is_terminal=True)
        begin = self._begin(asked, start)
        if self._modes:
            begin["modes"] = self._modes.at(start).escapes()
        return begin

    def join(self, asked: Ready, drawn: Redrawn | None = None) -> Message:
        """Add a page that says what it has; the answer says where it goes on.

        If it lacks too much, that is behind what was *drawn*.
        """
        start = start_of(asked["have"], self._job.as_utf8.total)
        begin = self._begin(asked, drawn.offset if drawn else start)
        self._viewers.join(asked["page"], begin["offset"])
        if not drawn:
            return Message(begin)
        begin["streams"] = drawn.streams
        begin["above"], begin["before"] = drawn.above, drawn.before
        return Message(begin, drawn.data)

    def _begin(self, asked: Ready, offset: int) -> Begin:
        return Begin(
            kind="begin",
            page=asked["page"],
            seq=asked["seq"],
            clock=time.time(),
            offset=offset,
        )

    def next(self, room: int) -> Message | None:
        """Return the next piece of output for the pages that are ready for it."""
        total = self._job.as_utf8.total
        share = self._viewers.next(total, room)
        if share is None:
            return None
        chunks = list(together(self._read(share), _PIECES))
        start = chunks[0].offset if chunks else total
        data = joined(chunks)
        self._viewers.sent(share, start, start + len(data))
        content = _output(share.pages, share.after, start, chunks)
        if self._modes and start > share.after:
            content["modes"] = self._modes.at(start).escapes()
        return Message(content, data)

    def mark(self) -> Message | None:
        """Return a message of the total, for pages that were sent everything.

        The server may have dropped the last message; the page then sees the gap.
        """
        total = self._job.as_utf8.total
        pages = self._viewers.complete(total)
        return Message(_output(pages, total, total, [])) if pages else None

    def _read(self, share: Share) -> list[Chunk]:
        if share.offset == share.after and share.offset > 0:
            return self._job.as_utf8.read(share.offset, share.size)
        return at_line(self._job, share.offset, share.size)


def tail(job: Job) -> Tail:
    """Return the last of the output, for the synced state."""
    chunks = tail_of(job, TAIL)
    return {
        "offset": chunks[0].offset if chunks else 0,
        "streams": streams_of(chunks),
        "data": joined(chunks),
    }


def tail_of(job: Job, most: int) -> list[Chunk]:
    """Return the last *most* bytes of the output, or less, from the start of a line."""
    chunks = at_line(job, max(0, job.as_utf8.total - most), most)
    return list(together(chunks, len(chunks)))


def at_line(job: Job, offset: int, most: int) -> list[Chunk]:
    """Read output from the first line that begins soon after *offset*.

    Or from an escape, where there are no lines: no other is cut then.
    """
    chunks = job.as_utf8.read(offset, most)
    if offset > 0 and chunks:
        first = chunks[0]
        cut = first.data.find(b"\n", 0, _LONG_LINE) + 1
        cut = cut or first.data.find(b"\x1b", 0, _LONG_LINE)
        if 0 < cut < len(first.data):
            rest = Chunk(first.stream, first.offset + cut, first.data[cut:])
            return [rest, *chunks[1:]]
    return chunks


def streams_of(chunks: list[Chunk]) -> Streams:
    """Return which stream printed how many of the bytes."""
    return [(chunk.stream, len(chunk.data)) for chunk in chunks]


def _output(pages: list[str], after: int, offset: int, chunks: list[Chunk]) -> Output:
    streams = streams_of(chunks)
    return Output(
        kind="output", pages=pages, after=after, offset=offset, streams=streams
    )
