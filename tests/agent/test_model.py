# ruff: noqa: D102 - the name of a rule says what it does
"""Client and agent as state machines, over a network that loses and reorders."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ipyproc._agent.protocol.asked import Answer
from ipyproc._agent.protocol.kinds import Kind
from tests.agent.world import Connection, Seen, World, printed

#: Sizes of what is printed; some are beyond what a client keeps, or lets come.
SIZES = st.sampled_from([1, 2, 100, 5000, 70_000, 600_000])
PIECES = st.sampled_from([1, 3, 9, 10, 100, 4000, 1 << 30])
INDEX = st.integers(0, 1 << 30)


class Network(RuleBasedStateMachine):
    """Jobs start, print, are signalled and end, while connections come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.seen: list[Seen] = []
        self.sent: dict[int, Answer | None] = {}
        self.written: dict[str, bytearray] = {}
        self.reads: list[tuple[str, int, int, list[Answer]]] = []

    @initialize()
    def first(self) -> None:
        self.world.connect()
        self.seen.append(self.world.start(f"{0:032x}"))
        self.world.settle()

    @rule(up=PIECES, down=PIECES)
    def exchange(self, up: int, down: int) -> None:
        self.pass_on(self.newest(), up, down)

    @rule(up=PIECES, down=PIECES)
    def exchange_and_break(self, up: int, down: int) -> None:
        newest = self.newest()
        self.pass_on(newest, up, down)
        self.world.cut(newest)

    @rule()
    def lose_the_answers(self) -> None:
        newest = self.newest()
        self.world.send(newest)
        self.world.up(newest)
        self.world.cut(newest)

    @rule(leaves=st.booleans())
    def replace(self, leaves: bool) -> None:
        old = self.newest()
        self.world.send(old)
        if leaves:
            self.world.leave(old)
        self.world.connect()

    @rule(index=INDEX, up=PIECES, down=PIECES)
    def arrive_late(self, index: int, up: int, down: int) -> None:
        late = self.world.connections[index % len(self.world.connections)]
        self.world.up(late, up)
        self.world.down(late, down)

    @rule(index=INDEX, orderly=st.booleans())
    def end_late(self, index: int, orderly: bool) -> None:
        late = self.world.connections[index % len(self.world.connections)]
        if late.wire.is_over or late.client_left:
            self.world.cut(late, orderly and not self.is_current(late))

    @rule()
    def settle(self) -> None:
        self.newest()
        self.world.settle()

    @rule(seconds=st.sampled_from([0.2, 0.7, 5.0]))
    def wait(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @precondition(lambda self: len(self.seen) < 4)
    @rule(refused=st.booleans())
    def start(self, refused: bool) -> None:
        self.world.machine.refuses = refused
        self.seen.append(self.world.start(f"{len(self.seen):032x}"))

    @precondition(lambda self: self.seen)
    @rule(index=INDEX, stream=st.integers(0, 1), size=SIZES)
    def print(self, index: int, stream: int, size: int) -> None:
        identity = self.job(index).identity
        program = self.world.machine.programs.get(identity)
        if program and not program.is_finished:
            self.world.print(identity, stream, size)

    @precondition(lambda self: self.seen)
    @rule(index=INDEX)
    def end(self, index: int) -> None:
        program = self.world.machine.programs.get(self.job(index).identity)
        if program and not program.has_ended:
            program.has_ended, program.end_offsets = True, [*program.sizes]
            self.world.server.news(program)
        elif program:
            program.is_finished = True
            self.world.server.news(program)

    @precondition(lambda self: self.seen)
    @rule(index=INDEX)
    def signal(self, index: int) -> None:
        token = len(self.sent)
        seen = self.job(index)
        assert seen.following
        self.sent[token] = None
        body = {"number": seen.following.number, "sig": token}
        self.world.client.request(
            Kind.SIGNAL, body, lambda answer: self.answered(token, answer)
        )

    @precondition(lambda self: self.seen)
    @rule(index=INDEX, size=st.sampled_from([1, 50, 40_000, 300_000]))
    def write(self, index: int, size: int) -> None:
        seen = self.job(index)
        written = self.written.setdefault(seen.identity, bytearray())
        data = printed(0, len(written), size)
        written += data
        assert seen.following
        self.world.client.write(seen.following, data)

    @precondition(lambda self: self.seen)
    @rule(index=INDEX, offset=st.sampled_from([0, 1, 70_000]))
    def read(self, index: int, offset: int) -> None:
        seen = self.job(index)
        answers: list[Answer] = []
        assert seen.following
        body: dict[str, Any] = {"number": seen.following.number}
        body |= {"stream": 0, "offset": offset, "size": 100_000}
        self.world.client.request(Kind.READ, body, answers.append)
        self.reads.append((seen.identity, offset, 100_000, answers))

    def newest(self) -> Connection:
        """Return the newest connection that is there, or make one."""
        there = [c for c in self.world.connections if not c.is_cut]
        if not there or there[-1].client_left or there[-1].wire.is_over:
            return self.world.connect()
        return there[-1]

    def pass_on(self, connection: Connection, up: int, down: int) -> None:
        """Let both sides speak, and some bytes of that arrive."""
        self.world.send(connection)
        self.world.up(connection, up)
        self.world.send(connection)
        self.world.down(connection, down)

    def is_current(self, connection: Connection) -> bool:
        """Whether the agent takes this one for the client's connection."""
        return connection.session.known is not None

    def job(self, index: int) -> Seen:
        return self.seen[index % len(self.seen)]

    def answered(self, token: int, answer: Answer) -> None:
        assert self.sent[token] is None
        self.sent[token] = answer

    def teardown(self) -> None:
        world = self.world
        connection = world.heal()
        assert not connection.session.is_over
        assert sorted(world.machine.started) == sorted(s.identity for s in self.seen)
        assert not world.machine.ended
        for seen in self.seen:
            self.check(seen)
        signals = [s for p in world.machine.programs.values() for s in p.signals]
        done = [n for n, answer in self.sent.items() if answer and not answer.failed]
        assert sorted(signals) == sorted(done)
        assert None not in self.sent.values()
        for identity, offset, size, answers in self.reads:
            self.check_read(identity, offset, size, answers)
        assert world.client.is_idle or any(not s.finishes for s in self.seen)

    def check(self, seen: Seen) -> None:
        assert len(seen.answers) == 1
        assert not seen.losses
        program = self.world.machine.programs.get(seen.identity)
        if program is None:
            assert seen.answers[0].failed
            return
        assert seen.sizes == program.sizes
        assert seen.ends == program.has_ended
        assert seen.finishes == (program.has_ended and program.is_finished)
        # Who has ended reads no more: what is under way then need not arrive.
        written = self.written.get(seen.identity, b"")
        assert program.input == written[: len(program.input)]
        assert len(program.input) == len(written) or seen.finishes

    def check_read(
        self, identity: str, offset: int, size: int, answers: list[Answer]
    ) -> None:
        (answer,) = answers
        if identity not in self.world.machine.programs:
            assert answer.failed
            return
        assert not answer.failed
        assert answer.data == printed(0, offset, len(answer.data))
        assert len(answer.data) <= size


TestNetwork = Network.TestCase
TestNetwork.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
