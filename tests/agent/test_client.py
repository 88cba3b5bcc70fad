"""What a client makes of what arrives, and of silence."""

from __future__ import annotations

import pytest

from ipyproc._agent.protocol.asked import Answer
from ipyproc._agent.protocol.client import RefusedError
from ipyproc._agent.protocol.frames import (
    HEADER,
    PAYLOAD,
    ProtocolError,
    encode,
    encode_json,
)
from ipyproc._agent.protocol.kinds import PLACE, Kind
from tests.agent.world import Connection, Seen, World, printed

JOB = "1" * 32


def started() -> tuple[World, Connection, Seen]:
    """Connect, start a job, and let all of that arrive."""
    world = World()
    connection = world.connect()
    seen = world.start(JOB)
    world.settle()
    return world, connection, seen


def receive(world: World, connection: Connection, *frames: bytes) -> None:
    """Let frames arrive at the client, whatever the agent says."""
    world.client.received(connection.wire, b"".join(frames), world.now)


def out(stream: int, offset: int, size: int) -> bytes:
    """Make a frame of output of the first job."""
    place = PLACE.pack(stream, offset)
    return encode(Kind.OUT, 1, place, printed(stream, offset, size))


def test_output_that_comes_twice_counts_once() -> None:
    """What overlaps what is there is left out."""
    world, connection, seen = started()
    receive(world, connection, out(0, 0, 10), out(0, 0, 10), out(0, 5, 10))

    assert seen.sizes == [15, 0]


def test_output_that_is_missing_is_an_error() -> None:
    """Only GAP may leave something out."""
    world, connection, _ = started()
    with pytest.raises(ProtocolError, match="missing"):
        receive(world, connection, out(0, 5, 10))


def test_the_end_waits_for_the_output() -> None:
    """A job has ended once all that it printed before is there."""
    world, connection, seen = started()
    world.machine.programs[JOB].has_ended = True
    receive(world, connection, encode_json(Kind.END, 1, {"offsets": [10, 0]}))
    assert not seen.ends

    receive(world, connection, out(0, 0, 10))
    assert seen.ends == 1


def test_a_read_that_broke_off_is_read_again() -> None:
    """Of an answer that came in part nothing is used twice."""
    world, connection, seen = started()
    world.print(JOB, 0, 200_000)
    world.settle()
    answers: list[Answer] = []
    assert seen.following
    body = {"number": seen.following.number, "stream": 0, "offset": 7, "size": 150_000}
    world.client.request(Kind.READ, body, answers.append)
    world.send(connection)
    world.up(connection)
    world.send(connection)
    world.down(connection, PAYLOAD)
    assert not answers
    world.heal()

    (answer,) = answers
    assert (answer.start, answer.data) == (7, printed(0, 7, 150_000))


def test_nothing_is_sent_before_the_client_says_where_it_is() -> None:
    """A job that prints between HELLO and ATTACH waits for the latter."""
    world, connection, seen = started()
    world.cut(connection)
    world.print(JOB, 0, 10)
    newer = world.connect()
    newer.session.received(newer.wire.outgoing, world.now)
    world.print(JOB, 0, 10)

    welcome = newer.session.pull(1 << 20, world.now)
    size, kind, _ = HEADER.unpack_from(welcome)
    assert kind == Kind.WELCOME
    assert len(welcome) == HEADER.size + size
    world.heal()
    assert seen.sizes == [20, 0]


def test_silence_is_counted_in_our_own_time() -> None:
    """A second of silence counts only if we ran; a gap in our ticks restarts it."""
    world, _, _ = started()
    silent = [_tick(world, 1) for _ in range(4)]
    assert silent == [1, 2, 3, 4]

    assert _tick(world, 60) == 0
    assert [_tick(world, 1) for _ in range(2)] == [1, 2]


def test_any_byte_proves_life() -> None:
    """After any byte the silence begins anew."""
    world, connection, _ = started()
    _tick(world, 1)
    receive(world, connection, encode(Kind.PONG, 0))

    assert _tick(world, 1) == 1


def _tick(world: World, seconds: float) -> int:
    world.now += seconds
    return round(world.client.tick(world.now))


def test_an_agent_that_refuses_says_why() -> None:
    """ERROR in place of WELCOME is raised with its text."""
    world = World()
    connection = world.connect()
    with pytest.raises(RefusedError, match=r"^too old$"):
        receive(world, connection, encode_json(Kind.ERROR, 0, {"text": "too old"}))


def test_a_slow_link_has_little_under_way() -> None:
    """The credit follows what arrives: some 0.2 s of it, at least 64 KiB."""
    world, connection, _ = started()
    credit = connection.wire.credit
    for _ in range(100):
        world.now += 0.01
        credit.took(10_000, world.now)
    assert credit.granted - credit.received <= 250_000

    for _ in range(100):
        world.now += 0.01
        credit.took(1_000_000, world.now)
    assert credit.granted - credit.received > 2_000_000
