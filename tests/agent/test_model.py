# ruff: noqa: D102 - the name of a rule says what it does
"""Client and agent as state machines, over a network that loses and reorders."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ipyproc._agent.protocol.client import Answer
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

    @precondition(lambda self: len(self.world.connections) < 5)
    @rule()
    def connect(self) -> None:
        self.world.connect()

    @rule(index=INDEX, room=st.sampled_from([1, 1000, 100_000]))
    def send(self, index: int, room: int) -> None:
        self.world.send(self.connection(index), room)

    @rule(index=INDEX, size=PIECES)
    def deliver(self, index: int, size: int) -> None:
        self.world.deliver(self.connection(index), size)

    @rule()
    def settle(self) -> None:
        self.world.settle()

    @rule(index=INDEX)
    def cut(self, index: int) -> None:
        connection = self.connection(index)
        self.world.cut(connection)
        if len(self.world.connections) > 1:
            self.world.connections.remove(connection)

    @rule(index=INDEX)
    def leave(self, index: int) -> None:
        self.world.leave(self.connection(index))

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

    def connection(self, index: int) -> Connection:
        return self.world.connections[index % len(self.world.connections)]

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
