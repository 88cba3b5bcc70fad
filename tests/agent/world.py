# ruff: noqa: D102 - what a double does is said where it is declared
"""A client, an agent and a network between them, without any real input or output."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from ipyproc._agent.protocol.asked import Answer
from ipyproc._agent.protocol.attachment import Cancel, Course, Found, Hosted
from ipyproc._agent.protocol.client import Client, RefusedError, Wire
from ipyproc._agent.protocol.following import Following
from ipyproc._agent.protocol.frames import Body, Fields
from ipyproc._agent.protocol.keyboard import Keyboard
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._agent.protocol.server import Server
from ipyproc._agent.protocol.session import Session
from ipyproc.errors import ProcessDoneError

AGENT = "a" * 32
CLIENT = "c" * 32


def printed(stream: int, start: int, size: int) -> bytes:
    """What every job prints: each byte says where it is."""
    at = start % 251
    return (_pattern(stream) * (size // 251 + 2))[at : at + size]


@cache
def _pattern(stream: int) -> bytes:
    return bytes((b + 7 * stream) % 256 for b in range(251))


class Program:
    """A job as the agent has it, of which the test says what it does."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.is_kept = self.is_typed = False
        self.line_ends: bytes | None = b"\n"
        self.keyboard = Keyboard(self)
        self.resized: list[tuple[int, int]] = []
        self.sizes = [0, 0]
        self.input = bytearray()
        self.input_closed = 0
        self.signals: list[int] = []
        self.has_ended = False
        self.end_offsets = [0, 0]
        self.is_finished = False
        self.was_ended = 0
        self.watching: list[Found] = []

    @property
    def totals(self) -> tuple[int, int]:
        return self.sizes[0], self.sizes[1]

    def read(self, stream: int, offset: int, size: int) -> tuple[int, bytes]:
        return offset, printed(stream, offset, min(size, self.sizes[stream] - offset))

    def next_of(self, sent: list[int]) -> tuple[int, int]:
        stream = int(sent[0] >= self.sizes[0])
        return stream, self.sizes[stream] - sent[stream]

    def write(self, data: bytes) -> None:
        self.input += data

    def close_input(self) -> None:
        self.input_closed += 1

    def status(self) -> Body:
        return {"status": "exited" if self.has_ended else "running"}

    def course(self) -> Course:
        return _COURSE

    def end(self) -> Body | None:
        return {"offsets": self.end_offsets} if self.has_ended else None

    def ends(self) -> tuple[int, int] | None:
        return self.totals if self.is_finished else None

    def ask(self, kind: Kind, fields: Fields) -> Body:
        if kind == Kind.SIGNAL:
            if self.has_ended:
                raise ProcessDoneError
            self.signals.append(fields.number("sig"))
            return {"count": 1}
        if kind == Kind.RESIZE:
            self.resized.append((fields.number("rows"), fields.number("columns")))
        return {"pid": 7}

    def watch(self, kind: Kind, fields: Fields, found: Found) -> Cancel:
        self.watching.append(found)
        return lambda: self.watching.remove(found)

    def forget(self) -> None:
        pass


_COURSE = Course({}, ())


@dataclass
class Machine:
    """What starts jobs, and counts how often it was asked to."""

    started: list[str] = field(default_factory=list)
    programs: dict[str, Program] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    refuses: bool = False
    #: Whether what is started outlives its client.
    keeps: bool = False

    def start(self, identity: str, fields: Fields, side: Fields) -> Hosted:
        self.started.append(identity)
        if self.refuses:
            raise FileNotFoundError(2, "no such file")
        program = self.programs[identity] = Program(identity)
        program.is_kept = self.keeps
        return program

    def adopt(self, folder: str) -> Hosted | None:
        return self.programs.get(folder)

    def check(self, fields: Fields, side: Fields) -> None:
        pass

    def holder(self, port: int) -> str:
        return "nobody does"

    def end(self, jobs: Iterable[Hosted]) -> None:
        self.ended += [job.identity for job in jobs]

    def forget(self, hosted: Hosted) -> None:
        pass


class Seen:
    """A follower that checks whatever it hears."""

    def __init__(self, machine: Machine, identity: str) -> None:
        self._machine = machine
        self.identity = identity
        self.sizes = [0, 0]
        self.skipped = 0
        self.answers: list[Answer] = []
        self.ends = self.finishes = 0
        self.losses: list[str] = []
        self.following: Following | None = None

    def out(self, stream: int, data: memoryview) -> None:
        assert bytes(data) == printed(stream, self.sizes[stream], len(data))
        self.sizes[stream] += len(data)

    def gap(self, stream: int, size: int) -> None:
        assert size > 0
        self.sizes[stream] += size
        self.skipped += size

    def told(self, kind: Kind, fields: Fields) -> None:
        assert kind in (Kind.STATUS, Kind.COURSE)

    def ended(self, fields: Fields) -> None:
        program = self._machine.programs[self.identity]
        assert program.has_ended
        assert all(map(int.__ge__, self.sizes, program.end_offsets))
        self.ends += 1

    def complete(self) -> None:
        assert self.ends == 1
        assert self.sizes == self._machine.programs[self.identity].sizes
        self.finishes += 1

    def contact(self) -> None:
        """Note nothing: here no time passes."""

    def lost(self, reason: str) -> None:
        self.losses.append(reason)


class Connection:
    """A connection, with what is under way on it."""

    def __init__(self, wire: Wire, session: Session) -> None:
        self.wire = wire
        self.session = session
        self.to_agent = bytearray()
        self.to_client = bytearray()
        self.client_left = False
        self.is_cut = False


class World:
    """A client and an agent, and the connections between them."""

    def __init__(self, **options: object) -> None:
        self.now = 1000.0
        self.machine = Machine()
        self.server = Server(self.machine, AGENT, {"pid": 1})
        self.welcomes: list[Fields] = []
        self.client = Client(CLIENT, options, self)
        self.connections: list[Connection] = []

    def welcomed(self, fields: Fields) -> None:
        self.welcomes.append(fields)

    def connect(self) -> Connection:
        wire = self.client.open(self.now)
        connection = Connection(wire, self.server.open(self.now))
        self.connections.append(connection)
        return connection

    def send(self, connection: Connection, room: int = 1 << 20) -> None:
        """Put on the way what both sides have to say."""
        if connection.is_cut:
            return
        wire = connection.wire
        if not connection.client_left:
            connection.to_agent += wire.outgoing
            wire.outgoing.clear()
        connection.to_client += connection.session.pull(room, self.now)

    def up(self, connection: Connection, size: int = 1 << 30) -> None:
        """Let some bytes arrive at the agent."""
        data = bytes(connection.to_agent[:size])
        del connection.to_agent[:size]
        if data and not connection.is_cut:
            connection.session.received(data, self.now)

    def down(self, connection: Connection, size: int = 1 << 30) -> None:
        """Let some bytes arrive at the client."""
        data = bytes(connection.to_client[:size])
        del connection.to_client[:size]
        if data and not connection.client_left:
            try:
                self.client.received(connection.wire, data, self.now)
            except RefusedError:
                self.leave(connection)

    def leave(self, connection: Connection) -> None:
        """Let the client give a connection up; what it sent may still arrive."""
        connection.client_left = True
        self.client.closed(connection.wire)

    def cut(self, connection: Connection, orderly: bool = False) -> None:
        """Break a connection, with all that is under way on it."""
        if not connection.is_cut:
            self.leave(connection)
            connection.is_cut = True
            connection.session.ended(orderly)

    def start(self, identity: str) -> Seen:
        seen = Seen(self.machine, identity)
        seen.following = self.client.start(identity, {}, seen, seen.answers.append)
        return seen

    def print(self, identity: str, stream: int, size: int) -> None:
        program = self.machine.programs[identity]
        program.sizes[stream] += size
        self.server.news(program)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, as it does for those who run."""
        while seconds > 0:
            step = min(1.0, seconds)
            self.now += step
            self.server.tick(self.now)
            self.client.tick(self.now)
            seconds -= step

    def heal(self) -> Connection:
        """Make a connection that works, until nobody has anything to say."""
        for connection in self.connections:
            self.cut(connection)
        self.connections = [self.connect()]
        self.settle()
        return self.connections[0]

    def settle(self) -> None:
        """Let everything arrive."""
        for _ in range(10_000):
            for connection in self.connections:
                self.send(connection)
            if not any(c.to_agent or c.to_client for c in self.connections):
                return
            for connection in self.connections:
                self.up(connection)
                self.down(connection)
            self.now += 0.001
        raise AssertionError("they never come to an end")
