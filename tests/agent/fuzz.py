"""Frames that make no sense, or nearly make sense, for a session."""

from __future__ import annotations

import json
import random

from ipyproc._agent.protocol.frames import HEADER, PAYLOAD, encode, encode_json
from ipyproc._agent.protocol.kinds import VERSION, Kind
from ipyproc._agent.protocol.server import Server
from tests.agent.world import AGENT, Machine, printed

_HELLO = {"version": VERSION, "client": "f" * 32, "credit": 1 << 20}
_GOOD = {"version": VERSION, "client": "g" * 32, "attempt": 1, "credit": 1 << 20}
_WORDS = ("job", "number", "offsets", "credit", "sig", "tree", "stream", "offset")
_MORE = ("size", "done", "grace", "port", "pattern", "client", "attempt", "lease")
_VALUES = (0, 1, -1, 2**63, 1e308, None, True, "", "x", [], [0, 0], {}, "f" * 32)


def fuzz(dice: random.Random, frames: int) -> None:
    """Send *frames* frames; check that a good client beside it is served all along."""
    machine = Machine()
    server = Server(machine, AGENT, {"pid": 1})
    good = server.open(0.0)
    good.received(encode_json(Kind.HELLO, 0, _GOOD), 0.0)
    body = {"job": "good", "number": 1, "credit": 1 << 20}
    good.received(encode_json(Kind.START, 1, body), 0.0)
    good.pull(1 << 30, 0.0)
    session, attempt = server.open(0.0), 0
    for count in range(frames):
        if session.is_over:
            session.pull(1 << 30, 0.0)
            session.ended(orderly=False)
            session, attempt = server.open(0.0), attempt + 1
            hello = {**_HELLO, "attempt": attempt}
            session.received(encode_json(Kind.HELLO, 0, hello), 0.0)
        session.received(_frame(dice), 0.0)
        session.pull(dice.choice([1, 1 << 30]), 0.0)
        if count % 100 == 99:
            server.tick(float(count))
    assert "good" not in machine.ended
    program = machine.programs["good"]
    program.sizes[0] += 5
    server.news(program)
    assert not good.is_over
    assert printed(0, 0, 5) in good.pull(1 << 30, 0.0)


def _frame(dice: random.Random) -> bytes:
    kind, number = dice.randrange(256), dice.choice([0, 1, 2, dice.randrange(2**32)])
    if dice.random() < 0.7:
        kind = dice.choice(list(Kind))
    match dice.randrange(5):
        case 0:
            return dice.randbytes(dice.randrange(40))
        case 1:
            return HEADER.pack(dice.randrange(2**32), kind, number)
        case 2:
            return encode(kind, number, dice.randbytes(dice.randrange(30)))
        case 3:
            return encode(kind, number, bytes(dice.randrange(PAYLOAD)))
    names = dice.sample(_WORDS + _MORE, dice.randrange(8))
    body = {name: dice.choice(_VALUES) for name in names}
    return encode(kind, number, json.dumps(body).encode())
