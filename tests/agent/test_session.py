"""What an agent answers, in which order, and how much it sends."""

from __future__ import annotations

import random

import pytest

from ipyproc._agent.protocol import session
from ipyproc._agent.protocol.flow import PATIENCE, WINDOW
from ipyproc._agent.protocol.frames import (
    MOST,
    Decoder,
    Frame,
    encode,
    encode_json,
)
from ipyproc._agent.protocol.kinds import OFFSET, PLACE, VERSION, Kind
from ipyproc._agent.protocol.server import Server
from tests.agent.fuzz import fuzz
from tests.agent.world import AGENT, Machine, World

HELLO = {"version": VERSION, "client": "c" * 32, "attempt": 1, "credit": 1 << 20}
JOB = "1" * 32


class Peer:
    """A client that says just what a test says."""

    def __init__(self, **hello: object) -> None:
        self.machine = Machine()
        self.server = Server(self.machine, AGENT, {"pid": 1})
        self.now = 0.0
        self.session = self.server.open(self.now)
        self._decoder = Decoder()
        self.say(Kind.HELLO, 0, **{**HELLO, **hello})

    def say(self, kind: int, request: int, /, **body: object) -> None:
        """Send a message."""
        self.session.received(encode_json(kind, request, body), self.now)

    def send(self, kind: int, number: int, *data: bytes) -> None:
        """Send a frame."""
        self.session.received(encode(kind, number, *data), self.now)

    def hear(self, room: int = 1 << 30) -> list[Frame]:
        """Take what the agent sends now."""
        return list(self._decoder.feed(self.session.pull(room, self.now)))

    def start(self, number: int = 1, job: str = JOB) -> None:
        """Start a job, and take what is said of that."""
        self.say(Kind.START, number, job=job, number=number, credit=WINDOW)
        self.hear()

    def print(self, stream: int, size: int, job: str = JOB) -> None:
        """Let a job print."""
        program = self.machine.programs[job]
        program.sizes[stream] += size
        self.server.news(program)


def kinds(frames: list[Frame]) -> list[int]:
    """Return the kinds of frames."""
    return [frame.kind for frame in frames]


def test_a_client_is_welcomed() -> None:
    """HELLO is answered with the agent's identity, and whether it knew the client."""
    (frame,) = Peer().hear()

    assert frame.kind == Kind.WELCOME
    assert frame.json().text("agent") == AGENT
    assert not frame.json().flag("resumed")


def test_open_files_come_from_who_is_no_client() -> None:
    """Their word is noted and answered; nothing can be asked on that connection."""
    session = Peer().server.open(0.0)
    session.received(encode_json(Kind.HAND, 0, {"word": "w"}), 0.0)
    (frame,) = Decoder().feed(session.pull(1 << 20, 0.0))
    assert (frame.kind, session.handed, session.is_over) == (Kind.REPLY, "w", False)

    session.received(encode_json(Kind.LISTED, 1, {"from": 0}), 0.0)
    assert session.is_over


def test_nothing_comes_before_hello() -> None:
    """Who begins with anything else is sent away, and nothing is started."""
    peer = Peer()
    session = peer.server.open(0.0)
    session.received(encode_json(Kind.START, 1, {"job": JOB}), 0.0)

    assert session.is_over
    assert not peer.machine.started


@pytest.mark.parametrize("version", [0, -1, "1", None])
def test_a_version_that_is_too_old_is_refused(version: object) -> None:
    """A client of no version that there ever was is refused."""
    assert Peer(version=version).session.is_over


def test_a_newer_version_is_taken() -> None:
    """A newer client is welcomed with the version that the agent speaks."""
    (frame,) = Peer(version=99, more="of the future").hear()

    assert frame.json().number("version") == VERSION


def test_unknown_kinds_are_answered() -> None:
    """A kind of the future is answered with ERROR, and the session goes on."""
    peer = Peer()
    peer.hear()
    peer.say(99, 7)
    peer.say(Kind.PING, 0)

    assert kinds(peer.hear()) == [Kind.ERROR, Kind.PONG]


def test_a_known_job_is_not_started_again() -> None:
    """START of a job that is there has the same answer, whatever its request."""
    peer = Peer()
    peer.start(1)
    peer.say(Kind.START, 2, job=JOB, number=1, credit=WINDOW)

    assert Kind.STARTED in kinds(peer.hear())
    assert peer.machine.started == [JOB]


def test_a_start_that_failed_fails_again() -> None:
    """A START that is sent again fails as before, and is not tried again."""
    peer = Peer()
    peer.hear()
    peer.machine.refuses = True
    peer.say(Kind.START, 1, job=JOB, number=1)
    peer.machine.refuses = False
    peer.say(Kind.START, 1, job=JOB, number=1)

    first, second = peer.hear()
    assert first == second
    assert first.json().number("errno") == 2
    assert peer.machine.started == [JOB]


def test_signals_are_sent_once() -> None:
    """A SIGNAL that comes twice is sent once and answered twice."""
    peer = Peer()
    peer.start()
    for _ in range(2):
        peer.say(Kind.SIGNAL, 5, number=1, sig=15)

    first, second = peer.hear()
    assert first == second
    assert peer.machine.programs[JOB].signals == [15]


def test_answers_are_forgotten_once_heard() -> None:
    """What the client says to have heard is not kept."""
    peer = Peer()
    peer.start()
    for number in range(2, 100):
        peer.say(Kind.SIGNAL, number, number=1, sig=number)
    peer.say(Kind.PING, 0, done=100)

    assert peer.session.known
    assert not peer.session.known._answers


def test_control_goes_before_output() -> None:
    """An answer overtakes the output that waits."""
    peer = Peer()
    peer.start()
    peer.print(0, WINDOW)
    peer.hear(room=1)
    peer.say(Kind.SIGNAL, 5, number=1, sig=15)

    assert kinds(peer.hear())[0] == Kind.REPLY


def test_output_takes_turns() -> None:
    """No job's output waits for all of another's."""
    peer = Peer()
    jobs = {number: f"{number:032}" for number in (1, 2, 3)}
    for number, job in jobs.items():
        peer.start(number, job)
    for job in jobs.values():
        peer.print(0, 200_000, job)

    out = [frame.number for frame in peer.hear() if frame.kind == Kind.OUT]
    assert [sorted(out[at : at + 3]) for at in (0, 3, 6)] == [[1, 2, 3]] * 3


def test_no_more_is_sent_than_is_allowed() -> None:
    """A job sends what its credit allows, and the rest when there is more."""
    peer = Peer()
    peer.start()
    peer.print(0, 3 * WINDOW)

    assert output(peer.hear()) == WINDOW
    peer.send(Kind.CREDIT, 1, OFFSET.pack(2 * WINDOW))
    assert output(peer.hear()) == WINDOW


def test_a_connection_has_a_credit_of_its_own() -> None:
    """All jobs together send what the connection allows."""
    peer = Peer(credit=100_000)
    for number in (1, 2):
        peer.start(number, f"{number:032}")
    for number in (1, 2):
        peer.print(0, 100_000, f"{number:032}")

    assert 100_000 <= output(peer.hear()) < 100_000 + MOST
    peer.send(Kind.CREDIT, 0, OFFSET.pack(1 << 20))
    assert output(peer.hear()) > 0


def output(frames: list[Frame]) -> int:
    """Count the bytes of output in *frames*."""
    out = [frame for frame in frames if frame.kind == Kind.OUT]
    return sum(len(frame.payload) - PLACE.size for frame in out)


def test_what_lags_too_long_is_skipped() -> None:
    """After half a second of lag only the end is sent, as far as a window goes."""
    peer = Peer()
    peer.start()
    peer.print(0, 20 * WINDOW)
    peer.hear()
    peer.now = PATIENCE + 0.1
    peer.send(Kind.CREDIT, 1, OFFSET.pack(2 * WINDOW))

    (gap,) = peer.hear()
    assert gap.kind == Kind.GAP
    assert gap.unpack(PLACE)[0] == [0, 19 * WINDOW]
    peer.send(Kind.CREDIT, 1, OFFSET.pack(20 * WINDOW))
    assert output(peer.hear()) == WINDOW


def test_who_takes_no_answers_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asks and never takes an answer is choked, not served for ever."""
    monkeypatch.setattr(session, "_CHOKED", 10_000)
    peer = Peer()
    peer.start()
    for number in range(10_000):
        if peer.session.is_choked:
            break
        peer.say(Kind.LEFT, number + 2, number=1)

    assert peer.session.is_choked
    assert peer.session._in_answers < 11_000
    peer.hear()
    assert not peer.session.is_choked


def test_input_is_taken_once() -> None:
    """Input that comes again is dropped, and what is missing is an error."""
    peer = Peer()
    peer.start()
    peer.send(Kind.INPUT, 1, OFFSET.pack(0), b"abcd")
    peer.send(Kind.INPUT, 1, OFFSET.pack(2), b"cdef")

    assert peer.machine.programs[JOB].input == b"abcdef"
    peer.send(Kind.INPUT, 1, OFFSET.pack(7), b"x")
    assert peer.session.is_over


def test_an_orderly_end_ends_the_jobs() -> None:
    """BYE, or the end of the stream, ends the jobs at once."""
    for bye in (lambda p: p.send(Kind.BYE, 0), lambda p: p.session.ended(True)):
        peer = Peer()
        peer.start()
        bye(peer)

        assert peer.machine.ended == [JOB]
        assert peer.server.is_idle


def test_a_broken_link_ends_nothing_until_the_lease_is_over() -> None:
    """Jobs run on without a client, until it has been away for the lease."""
    peer = Peer(lease=60)
    peer.start()
    peer.session.ended(orderly=False)

    tick(peer, 59)
    assert not peer.machine.ended
    tick(peer, 3)
    assert peer.machine.ended == [JOB]


def test_a_silent_client_has_the_same_lease() -> None:
    """A connection on which nothing comes is as good as none."""
    peer = Peer(lease=60)
    peer.start()

    tick(peer, 62)
    assert peer.machine.ended == [JOB]


def test_a_lease_may_be_endless() -> None:
    """With a lease of inf jobs run on for ever."""
    peer = Peer(lease=float("inf"))
    peer.start()
    peer.session.ended(orderly=False)

    tick(peer, 10_000)
    assert not peer.machine.ended


def test_time_in_which_the_agent_did_not_run_does_not_count() -> None:
    """A gap in the agent's own ticks, as of a sleep, restarts the count."""
    peer = Peer(lease=60)
    peer.start()
    peer.session.ended(orderly=False)

    tick(peer, 50)
    peer.now += 4
    tick(peer, 50)
    assert not peer.machine.ended
    tick(peer, 12)
    assert peer.machine.ended == [JOB]


def tick(peer: Peer, seconds: int) -> None:
    """Let the agent run for so long."""
    for _ in range(seconds):
        peer.now += 1
        peer.server.tick(peer.now)


def test_an_old_connection_takes_nothing_over() -> None:
    """A connection that arrives after a newer one is refused, and ends nothing."""
    peer = Peer(attempt=5)
    peer.start()
    old = peer.server.open(0.0)
    old.received(encode_json(Kind.HELLO, 0, {**HELLO, "attempt": 4}), 0.0)
    old.ended(orderly=True)

    assert not peer.machine.ended
    peer.say(Kind.PING, 0)
    assert kinds(peer.hear()) == [Kind.PONG]


def test_a_newer_connection_takes_over() -> None:
    """The end of a connection that a newer one replaced ends nothing."""
    peer = Peer()
    peer.start()
    newer = peer.server.open(0.0)
    newer.received(encode_json(Kind.HELLO, 0, {**HELLO, "attempt": 2}), 0.0)
    peer.session.ended(orderly=True)

    assert not peer.machine.ended
    (frame,) = Decoder().feed(newer.pull(1 << 20, 0.0))
    assert frame.json().flag("resumed")


@pytest.mark.parametrize("seed", range(4))
def test_fuzzed_frames_end_sessions_and_nothing_else(seed: int) -> None:
    """Nonsense ends the session that it came on; jobs, and other clients, go on."""
    fuzz(random.Random(seed), 100)


def test_a_client_loses_the_jobs_of_an_agent_that_ended() -> None:
    """A new agent knows none of the jobs: they are lost, and requests fail."""
    world = World()
    world.connect()
    seen = world.start(JOB)
    world.settle()
    world.server = Server(world.machine, "b" * 32, {"pid": 2})
    world.heal()

    (reason,) = seen.losses
    assert "a new one has pid 2" in reason


def test_a_start_that_nobody_was_sent_goes_to_the_new_agent() -> None:
    """A job that no agent has heard of is started by the one that comes."""
    world = World()
    world.cut(world.connect())
    world.heal()
    world.cut(world.connections[0])
    seen = world.start(JOB)
    world.server = Server(world.machine, "b" * 32, {"pid": 2})
    world.heal()

    assert not seen.losses
    assert world.machine.started == [JOB]
