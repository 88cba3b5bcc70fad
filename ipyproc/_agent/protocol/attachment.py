"""One job as an agent shows it to one client: what was said, and what is to be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from ipyproc._agent.protocol.flow import Backlog, Position
from ipyproc._agent.protocol.frames import (
    Body,
    Fields,
    ProtocolError,
    encode,
    encode_json,
)
from ipyproc._agent.protocol.keyboard import Keyboard
from ipyproc._agent.protocol.kinds import OFFSET, PLACE, STREAMS, Kind

#: What one client at a time may do.
OF_ONE: Final = {Kind.TAKE, Kind.RESIZE, Kind.TYPE_END}
#: Bytes of output in one frame.
PIECE: Final = 60 << 10


class Course(NamedTuple):
    """What a job used so far; the points are those of ``UsagePoint``."""

    facts: Body
    points: tuple[tuple[float, ...], ...]


_NOTHING: Final = Course({}, ())


class Hosted(Protocol):
    """A job of the agent, as the protocol knows it. No call blocks."""

    identity: str
    #: Whether it runs on when those have left who started it.
    is_kept: bool
    #: Who may write to it.
    keyboard: Keyboard

    @property
    def totals(self) -> tuple[int, int]:
        """How many bytes each stream has printed."""

    def read(self, stream: int, offset: int, size: int) -> tuple[int, bytes]:
        """Return the first offset kept from *offset* on, and at most *size* bytes."""

    def next_of(self, sent: list[int]) -> tuple[int, int]:
        """Which stream comes next when so much was sent of both, and how much."""

    def write(self, data: bytes) -> None:
        """Write to the standard input."""

    def close_input(self) -> None:
        """Close it."""

    def status(self) -> Body:
        """What it does now."""

    def course(self) -> Course:
        """What it used so far; the same object as long as that is the same."""

    def end(self) -> Body | None:
        """How it ended: the fields of END."""

    def ends(self) -> tuple[int, int] | None:
        """Where the streams end, once the last writer is gone."""

    def ask(self, kind: Kind, fields: Fields) -> Body:
        """Do what a request asks for; ``OSError`` if that fails."""

    def watch(self, kind: Kind, fields: Fields, found: Found) -> Cancel:
        """Call *found* once, later, with what was waited for."""

    def forget(self) -> None:
        """Drop what it printed, once it has ended."""


class Found(Protocol):
    """What hears of the end of a watch."""

    def __call__(self, body: Body, /) -> None: ...


class Cancel(Protocol):
    """What ends a watch."""

    def __call__(self) -> None: ...


class Attachment:
    """What one client has been told of a job, on its present connection."""

    def __init__(
        self, hosted: Hosted, number: int, position: Position, credit: int
    ) -> None:
        self.hosted = hosted
        self.number = number
        #: The client, and whether it asks for a keyboard before it writes.
        self.client = ""
        self.takes_turns = False
        #: Whether the client follows it on its present connection.
        self.is_live = True
        self._backlog = Backlog(position, credit)
        self._taken = 0
        self._status: Body | None = None
        self._course = _NOTHING
        self._said_end = False
        self._said_ends = False

    def hurry(self) -> None:
        """Skip at once what the window will not show."""
        self._backlog.hurry()

    def allow(self, credit: int) -> None:
        """Let the output come up to this total; a smaller one was said before."""
        self._backlog.credit = max(credit, self._backlog.credit)

    @property
    def has_keyboard(self) -> bool:
        """Whether the client may write to the job."""
        return self.hosted.keyboard.may_write(self.client)

    def input(self, kind: Kind, offset: int, data: memoryview) -> None:
        """Take INPUT or CLOSE, from where the client says that it is."""
        keyboard, client = self.hosted.keyboard, self.client
        if not self.takes_turns or kind == Kind.CLOSE:
            keyboard.take(client)
        arrived = keyboard.arrived(client)
        if offset > arrived:
            raise ProtocolError("INPUT: what comes before it is missing")
        if kind == Kind.CLOSE:
            keyboard.do(client, self.hosted.close_input)
        elif fresh := data[arrived - offset :]:
            keyboard.write(client, bytes(fresh))

    def use(self, kind: Kind, fields: Fields) -> Body:
        """Do what one client at a time may."""
        keyboard, client = self.hosted.keyboard, self.client
        if kind == Kind.TAKE:
            return {"taken": keyboard.take(client, at_once=fields.flag("now"))}
        if not self.takes_turns:
            keyboard.take(client)
        keyboard.do(client, lambda: self.hosted.ask(kind, fields))
        return {}

    @property
    def course_is_old(self) -> bool:
        """Whether the client has not heard what the job used since."""
        return self.hosted.course() is not self._course

    def events(self) -> Iterator[bytes]:
        """Yield the frames of what has changed."""
        hosted, number = self.hosted, self.number
        taken = hosted.keyboard.taken(self.client)
        if taken > self._taken:
            self._taken = taken
            yield encode(Kind.TAKEN, number, OFFSET.pack(taken))
        status = {**hosted.status(), "keyboard": self.has_keyboard}
        if status != self._status:
            self._status = status
            yield encode_json(Kind.STATUS, number, status)
        # In this order: what is said of its use is the last of it then.
        end, ends = hosted.end(), hosted.ends()
        if self._said_end < (end is not None) or self._said_ends < (ends is not None):
            yield from self.used()
        if end is not None and not self._said_end:
            self._said_end = True
            yield encode_json(Kind.END, number, end)
        if ends is not None and not self._said_ends:
            self._said_ends = True
            for stream in range(STREAMS):
                yield encode(Kind.EOF, number, PLACE.pack(stream, ends[stream]))

    def used(self) -> Iterator[bytes]:
        """Yield what the client does not know of what the job used."""
        course, known = self.hosted.course(), self._course
        if course is known:
            return
        pairs = zip(course.points, known.points, strict=False)
        same = next(
            (i for i, (new, old) in enumerate(pairs) if new != old),
            min(len(course.points), len(known.points)),
        )
        self._course = course
        points = course.points[same:]
        body = {**course.facts, "from": same, "points": points}
        yield encode_json(Kind.COURSE, self.number, body)

    def output(self, now: float) -> tuple[bytes, int]:
        """Return the next frame of output and how much of a connection's credit it is.

        It is empty if there is nothing to send, or no credit to send it.
        """
        totals, backlog = self.hosted.totals, self._backlog
        sent = backlog.sent
        if backlog.lag(totals, now) <= 0 or sent.total >= backlog.credit:
            return b"", 0
        if skipped := backlog.skips(totals, now):
            return b"".join(map(self._gap, skipped)), 0
        stream, size = self.hosted.next_of(sent.offsets)
        offset = sent.offsets[stream]
        size = min(size, PIECE, backlog.credit - sent.total)
        at, data = self.hosted.read(stream, offset, size)
        if at > offset or not data:
            sent.offsets[stream] = max(at, offset)
            return self._gap(stream), 0
        sent.offsets[stream] = offset + len(data)
        place = PLACE.pack(stream, offset)
        return encode(Kind.OUT, self.number, place, data), len(data)

    def _gap(self, stream: int) -> bytes:
        offset = self._backlog.sent.offsets[stream]
        return encode(Kind.GAP, self.number, PLACE.pack(stream, offset))


class Reading:
    """A READ that is being answered, piece by piece."""

    def __init__(
        self, request: int, hosted: Hosted, stream: int, offset: int, size: int
    ) -> None:
        self.request = request
        self._hosted = hosted
        self._stream = stream
        self._offset = offset
        self._end = offset + size
        self._begun = False
        #: Whether the last frame was sent.
        self.is_over = False

    def output(self) -> tuple[bytes, int]:
        """Return the next frame, and how much of the credit it is."""
        size = min(PIECE, self._end - self._offset)
        at, data = self._hosted.read(self._stream, self._offset, size)
        gap = at > self._offset
        if not data or (gap and self._begun):
            self.is_over = True
            return encode_json(Kind.REPLY, self.request, {"at": at}), 0
        if gap:  # the first piece is where something is kept
            self._end = max(self._end, at + len(data))
        self._begun, self._offset = True, at + len(data)
        return encode(Kind.DATA, self.request, OFFSET.pack(at), data), len(data)
