"""Who writes to a job that several clients have: one of them, and line by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyproc._agent.protocol.flow import WINDOW
from ipyproc._agent.protocol.frames import Decoder, Frame, encode, encode_json
from ipyproc._agent.protocol.keyboard import Keyboard
from ipyproc._agent.protocol.kinds import OFFSET, VERSION, Kind
from ipyproc._agent.protocol.server import Server
from tests.agent.world import AGENT, Machine, Program

JOB = "1" * 32
A, B, C = "a", "b", "c"


def written(program: Program) -> bytes:
    """What the program was given."""
    return bytes(program.input)


def terminal(reads_keys: bool = False) -> Program:
    """A program with a terminal."""
    program = Program(JOB)
    program.is_typed = True
    program.line_ends = None if reads_keys else b"\r\n"
    return program


def test_nobodys_keyboard_is_that_of_the_first_who_writes() -> None:
    """Until then all may write."""
    keyboard = Program(JOB).keyboard
    assert keyboard.may_write(A)
    assert keyboard.may_write(B)
    keyboard.write(A, b"x")

    assert keyboard.holder == A
    assert not keyboard.may_write(B)


def test_lines_of_two_are_whole() -> None:
    """What comes in the middle of another's line goes behind it, and is not lost."""
    program = Program(JOB)
    program.keyboard.write(A, b"aa")
    program.keyboard.write(B, b"bb\n")
    assert written(program) == b"aa"
    assert program.keyboard.holder == A
    program.keyboard.write(A, b"AA\n")

    assert written(program) == b"aaAA\nbb\n"
    assert program.keyboard.holder == B


def test_many_lines_at_once_let_the_other_in_after_the_first() -> None:
    """Who waits has waited long enough when a line is over."""
    program = Program(JOB)
    program.keyboard.write(A, b"1")
    program.keyboard.write(B, b"x\ny")
    program.keyboard.write(A, b"2\n3\n4\n")
    assert written(program) == b"12\nx\ny"
    program.keyboard.write(B, b"z\n")

    assert written(program) == b"12\nx\nyz\n3\n4\n"


@given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.sampled_from([1, 2, 5]))))
def test_no_line_is_ever_mixed(writes: list[tuple[str, int]]) -> None:
    """However three clients write pieces of their lines, each line is of one."""
    program = Program(JOB)
    texts = {client: f"{client * 3}\n".encode() * 40 for client in (A, B, C)}
    sent = dict.fromkeys(texts, 0)
    for client, size in writes:
        at = sent[client]
        sent[client] = at + size
        program.keyboard.write(client, texts[client][at : at + size])
    for client, at in sent.items():  # all of them end their lines
        program.keyboard.write(client, texts[client][at : at - at % 4 + 4])

    lines = written(program).split(b"\n")
    assert set(lines) <= {b"aaa", b"bbb", b"ccc", b""}
    for client, at in sent.items():
        assert lines.count(client.encode() * 3) == at // 4 + 1
        assert program.keyboard.taken(client) == at - at % 4 + 4


def test_who_has_it_leaves() -> None:
    """Who waits has it then; without anybody it is nobody's."""
    program = Program(JOB)
    program.keyboard.write(A, b"half")
    program.keyboard.write(B, b"line\n")
    program.keyboard.leave(A)
    assert written(program) == b"halfline\n"
    program.keyboard.leave(B)

    assert program.keyboard.holder is None


def test_who_waits_leaves() -> None:
    """What it wrote is not written any more."""
    program = Program(JOB)
    program.keyboard.write(A, b"half")
    program.keyboard.write(B, b"never\n")
    program.keyboard.leave(B)
    program.keyboard.write(A, b"\n")

    assert written(program) == b"half\n"


def test_what_waits_is_not_written_twice() -> None:
    """A client that comes back sends again what was not taken."""
    program = Program(JOB)
    program.keyboard.write(A, b"half")
    program.keyboard.write(B, b"b\n")
    program.keyboard.rejoin(B)
    assert program.keyboard.arrived(B) == 0
    program.keyboard.write(B, b"b\n")
    program.keyboard.write(A, b"\n")

    assert written(program) == b"half\nb\n"


def test_a_terminal_is_taken_at_once() -> None:
    """Keys that its former holder has under way are dropped; they would be late."""
    program = terminal()
    program.keyboard.write(A, b"ls")
    assert not program.keyboard.take(B)
    assert program.keyboard.take(B, at_once=True)
    program.keyboard.write(A, b" -l")
    program.keyboard.write(B, b"\r")

    assert written(program) == b"ls\r"
    assert program.keyboard.taken(A) == 5


def test_a_pipe_is_not() -> None:
    """Nobody would see that a part of a line is there."""
    program = Program(JOB)
    program.keyboard.write(A, b"ha")

    assert not program.keyboard.take(B, at_once=True)
    program.keyboard.write(A, b"lf\n")
    assert program.keyboard.holder == B


def test_keys_are_no_lines() -> None:
    """A program that reads keys has no line that could be mixed."""
    program = terminal(reads_keys=True)
    program.keyboard.write(A, b"j")

    assert program.keyboard.take(B)


def test_the_end_of_the_input_waits_as_a_line_does() -> None:
    """Another's half line is not cut off."""
    program = Program(JOB)
    program.keyboard.write(A, b"half")
    program.keyboard.take(B)
    program.keyboard.do(B, program.close_input)
    assert not program.input_closed
    program.keyboard.write(A, b"\n")

    assert program.input_closed


class Clients:
    """Two clients of one job, whose agent has a terminal for it or a pipe."""

    def __init__(self, *turns: bool) -> None:
        self.machine = Machine(keeps=True)
        self.server = Server(self.machine, AGENT, {"pid": 1})
        self.sessions = [self.server.open(0.0) for _ in turns]
        self.decoders = [Decoder() for _ in turns]
        for n, knows in enumerate(turns):
            self.ask(n, Kind.HELLO, 0, credit=1 << 20, turns=knows)
        self.ask(0, Kind.START, 1, job=JOB, number=1, credit=WINDOW)
        self.program = self.machine.programs[JOB]

    def attach(self, client: int) -> Frame:
        """Let one more attach; return the answer."""
        body = {"job": JOB, "number": 1, "offsets": [0, 0], "credit": WINDOW}
        self.ask(client, Kind.ATTACH, 1, **body)
        return next(frame for frame in self.hear(client) if frame.number == 1)

    def ask(self, client: int, kind: Kind, request: int, /, **body: object) -> None:
        """Send a request."""
        who = {"version": VERSION, "client": str(client) * 32, "attempt": 1}
        frame = encode_json(kind, request, {**who, **body})
        self.sessions[client].received(frame, 0.0)

    def write(self, client: int, offset: int, data: bytes) -> None:
        """Send input."""
        frame = encode(Kind.INPUT, 1, OFFSET.pack(offset), data)
        self.sessions[client].received(frame, 0.0)

    def hear(self, client: int) -> list[Frame]:
        """Take what the agent sends now."""
        data = self.sessions[client].pull(1 << 20, 0.0)
        return list(self.decoders[client].feed(data))

    def told(self, client: int) -> bool:
        """Whether the client was told last that the keyboard is its own."""
        frames = [f for f in self.hear(client) if f.kind == Kind.STATUS]
        return frames[-1].json().flag("keyboard")


def test_who_started_has_it() -> None:
    """Who attaches is told, and also when the one who has it has left."""
    clients = Clients(True, True)
    assert clients.told(0)
    assert not clients.attach(1).json().flag("keyboard", True)
    clients.sessions[0].ended(orderly=True)

    assert clients.told(1)


def test_who_takes_it_has_it() -> None:
    """Both are told; what both have written is taken as it is written."""
    clients = Clients(True, True)
    clients.attach(1)
    clients.write(0, 0, b"half")
    clients.ask(1, Kind.TAKE, 2, number=1)
    clients.write(1, 0, b"mine\n")
    kinds = {frame.kind for frame in clients.hear(1)}
    assert Kind.TAKEN not in kinds
    clients.write(0, 4, b"\n")

    assert written(clients.program) == b"half\nmine\n"
    assert clients.told(1)
    assert not clients.told(0)


def test_only_one_changes_the_size() -> None:
    """Who has not taken the keyboard is told so, and changes nothing."""
    clients = Clients(True, True)
    clients.attach(1)
    clients.ask(1, Kind.RESIZE, 2, number=1, rows=20, columns=50)
    (answer,) = (frame for frame in clients.hear(1) if frame.number == 2)
    assert answer.kind == Kind.ERROR
    assert answer.json().text("text") == "another session has the keyboard"
    assert clients.program.resized == []
    clients.ask(1, Kind.TAKE, 3, number=1)
    clients.ask(1, Kind.RESIZE, 4, number=1, rows=20, columns=50)

    assert clients.program.resized == [(20, 50)]


def test_a_size_waits_for_a_line_too() -> None:
    """It is changed when the keyboard is the other's."""
    clients = Clients(True, True)
    clients.attach(1)
    clients.write(0, 0, b"half")
    clients.ask(1, Kind.TAKE, 2, number=1)
    clients.ask(1, Kind.RESIZE, 3, number=1, rows=20, columns=50)
    assert clients.program.resized == []
    clients.write(0, 4, b"\n")

    assert clients.program.resized == [(20, 50)]


def test_signals_are_for_everybody() -> None:
    """They need no keyboard."""
    clients = Clients(True, True)
    clients.attach(1)
    clients.write(0, 0, b"half")
    clients.ask(1, Kind.SIGNAL, 2, number=1, sig=15)

    assert clients.program.signals == [15]


@pytest.mark.parametrize("is_typed", [False, True])
def test_an_older_client_writes_as_before(is_typed: bool) -> None:
    """It does not know that it could ask, so it need not; its lines are whole, too."""
    clients = Clients(True, False)
    clients.program.is_typed = is_typed
    clients.attach(1)
    clients.write(0, 0, b"ha")
    clients.write(1, 0, b"old\n")
    clients.ask(1, Kind.RESIZE, 2, number=1, rows=20, columns=50)
    clients.write(0, 2, b"lf\n")

    assert written(clients.program) == b"half\nold\n"
    assert clients.program.resized == [(20, 50)]


def test_forgetting_the_job_gives_it_back() -> None:
    """Who does not follow the job any more does not keep others from writing."""
    clients = Clients(True, True)
    clients.attach(1)
    clients.ask(0, Kind.FORGET, 2, number=1)

    assert clients.told(1)
    assert Keyboard(clients.program).may_write("1" * 32)
