"""What a client has asked of an agent, until it is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from ipyproc._agent.protocol.frames import Body, Fields, ProtocolError
from ipyproc._agent.protocol.kinds import Kind

# What only looks at a job, so that it may be asked of another agent once more.
_HARMLESS: Final = {
    *(Kind.FIND, Kind.TIMES, Kind.READ, Kind.UNTIL, Kind.LISTENING, Kind.HISTORY),
    *(Kind.USAGE, Kind.PORTS, Kind.LEFT, Kind.PROMPT),
}


class Answer(NamedTuple):
    """What came of a request: its fields, and for READ the bytes from *start* on."""

    fields: Fields
    failed: bool = False
    start: int | None = None
    data: bytes = b""


Answered = Callable[[Answer], None]


def knows(welcome: Fields, kind: Kind) -> bool:
    """Whether the agent that said this *welcome* can be asked for *kind*.

    Only of what came later than the first version it says so.
    """
    known = welcome.body.get("knows")
    return isinstance(known, list) and kind in known


class Asked:
    """A request that was not answered yet.

    It is *repeated* on the next connection, unless that has no meaning there.
    """

    def __init__(
        self, kind: Kind, body: Body, answered: Answered, repeated: bool
    ) -> None:
        self.kind = kind
        self.body = body
        self.answered = answered
        self.repeated = repeated
        #: Whether the agent may have heard of it.
        self.is_sent = False
        self.start: int | None = None
        self.pieces: list[bytes] = []

    def take(self, offset: int, data: bytes) -> None:
        """Add a piece of what was asked for."""
        if self.start is None:
            self.start = offset
        if offset != self.start + sum(map(len, self.pieces)):
            raise ProtocolError("DATA: a piece is missing")
        self.pieces.append(data)

    def forget(self) -> None:
        """Forget the pieces: all of them come once more."""
        self.start, self.pieces = None, []

    @property
    def job(self) -> int | None:
        """The number of the job that it only looks at, if that is all."""
        number: int | None = self.body.get("number")
        return number if self.kind in _HARMLESS else None
