"""One job as a client follows it: how far it has come, and what it is to get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from ipyproc._agent.protocol.flow import WINDOW, Position
from ipyproc._agent.protocol.frames import Body, Fields, ProtocolError, encode
from ipyproc._agent.protocol.kinds import OFFSET, STREAMS, Kind

# Bytes of input in one frame, and those that may be under way.
_PIECE: Final = 32 << 10
_INPUT_WINDOW: Final = 256 << 10


class Follower(Protocol):
    """What hears of one job; each call returns at once."""

    def out(self, stream: int, data: memoryview) -> None:
        """Something was printed."""

    def gap(self, stream: int, size: int) -> None:
        """So many bytes were printed that do not come."""

    def told(self, kind: Kind, fields: Fields) -> None:
        """STATUS or COURSE."""

    def ended(self, fields: Fields) -> None:
        """END, once all that was printed before it has arrived."""

    def complete(self) -> None:
        """All that was ever printed has arrived."""

    def lost(self, reason: str) -> None:
        """Nothing will ever be learnt of it."""

    def contact(self) -> None:
        """There is no contact, still none, or there is contact again."""


class Following:
    """What a client knows of a job."""

    def __init__(
        self, identity: str, number: int, follower: Follower, folder: str | None = None
    ) -> None:
        self.identity = identity
        self.number = number
        #: By which any agent finds it, if it outlives those who started it.
        self.folder = folder
        # None once it is over, so that the follower can be freed.
        self._follower: Follower | None = follower
        self.is_started = False
        self.position = Position()
        self.granted = WINDOW
        self.input = Input()
        self._end: Fields | None = None
        self._has_ended = False
        self._ends: list[int | None] = [None] * STREAMS
        #: Whether nothing more is to be heard of it.
        self.is_over = False

    @property
    def place(self) -> Body:
        """The job, and the number that the client calls it by."""
        found = {} if self.folder is None else {"folder": self.folder}
        return {"job": self.identity, "number": self.number, **found}

    def arrived(self, kind: Kind, stream: int, offset: int, data: memoryview) -> None:
        """Take OUT, GAP or EOF; what came before is left out."""
        here, follower = self.position.offsets[stream], self._follower
        if follower is None:
            return
        if kind == Kind.EOF:
            self._ends[stream] = offset
        elif kind == Kind.GAP and offset > here:
            self.position.offsets[stream] = offset
            follower.gap(stream, offset - here)
        elif kind == Kind.OUT:
            if offset > here:
                raise ProtocolError("OUT: what comes before it is missing")
            fresh = data[here - offset :]
            if fresh:
                self.position.offsets[stream] = here + len(fresh)
                follower.out(stream, fresh)
        self._settle()

    def told(self, kind: Kind, fields: Fields) -> None:
        """Take STATUS, COURSE or END."""
        if kind == Kind.END:
            fields.numbers("offsets", STREAMS)
            self._end = fields
            self._settle()
        elif self._follower:
            self._follower.told(kind, fields)

    def grant(self) -> int | None:
        """Return how far it may come, if that is to be said anew."""
        wanted = self.position.total + WINDOW
        if wanted - self.granted < WINDOW // 2:
            return None
        self.granted = wanted
        return wanted

    def lose(self, reason: str) -> None:
        """End it, if it is not over."""
        follower, self._follower = self._follower, None
        self.is_over = True
        if follower:
            follower.lost(reason)

    def contact(self) -> None:
        """Tell that there is no contact, or contact again."""
        if self._follower:
            self._follower.contact()

    def _settle(self) -> None:
        end, follower = self._end, self._follower
        if end is None or follower is None:
            return
        if not self._has_ended:
            if not self.position.reached(end.numbers("offsets", STREAMS)):
                return
            self._has_ended = True
            follower.ended(end)
        ends = [each for each in self._ends if each is not None]
        if len(ends) == STREAMS and self.position.reached(ends):
            self._follower = None
            self.is_over = True
            follower.complete()


class Input:
    """What goes to the standard input; it is kept until the agent has taken it."""

    def __init__(self) -> None:
        self._data = bytearray()
        # The offset of the first byte that is kept, and of the first not sent yet.
        self._start = self._sent = 0
        self._is_closed = self._close_sent = False

    @property
    def waiting(self) -> int:
        """How many bytes the agent has not taken; any thread may ask."""
        return len(self._data)

    def add(self, data: bytes) -> None:
        """Add *data*."""
        self._data += data

    def close(self) -> None:
        """Note that nothing follows."""
        self._is_closed = True

    def renew(self) -> None:
        """Count anew: the agent does not know any more what it has taken."""
        self._start = self._sent = 0

    def taken(self, offset: int) -> None:
        """Forget what the agent has taken."""
        size = offset - self._start
        if size > len(self._data):
            raise ProtocolError("TAKEN: more than there was")
        if size > 0:
            del self._data[:size]
            self._start = offset
            self._sent = max(self._sent, offset)

    def rewind(self) -> None:
        """Send once more what was not taken: this is a new connection."""
        self._sent, self._close_sent = self._start, False

    def frames(self, number: int) -> Iterator[bytes]:
        """Yield what may be sent now, for the job *number*."""
        end = self._start + len(self._data)
        while self._sent < min(end, self._start + _INPUT_WINDOW):
            at = self._sent - self._start
            piece = bytes(self._data[at : at + _PIECE])
            offset, self._sent = self._sent, self._sent + len(piece)
            yield encode(Kind.INPUT, number, OFFSET.pack(offset), piece)
        if self._is_closed and not self._close_sent and self._sent == end:
            self._close_sent = True
            yield encode(Kind.CLOSE, number, OFFSET.pack(end))
