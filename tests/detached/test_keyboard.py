"""A detached job that several sessions have: one of them has the keyboard."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ipyproc import PIPE, Job, spawn
from tests.jobs.helpers import PATIENCE, eventually, until, until_printed

# It evaluates what it reads, line by line.
SESSION = """
import sys
from ipyproc import jobs
for line in sys.stdin:
    try:
        print(repr(eval(line)), flush=True)
    except Exception as error:
        print(f"{type(error).__name__}: {error}", flush=True)
"""
ECHO = "while read x; do echo got $x; done"


@pytest.fixture(autouse=True)
def folder(alone: Path) -> Path:
    """Keep all of it in a folder of the test's own."""
    return alone


class Session:
    """Another session, which does what it is told."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SESSION],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, expression: str) -> str:
        """Return the representation of a value, or the error."""
        self.tell(expression)
        assert self.process.stdout
        return self.process.stdout.readline().rstrip("\n")

    def tell(self, expression: str) -> None:
        """Let it evaluate an expression, and do not wait."""
        assert self.process.stdin
        self.process.stdin.write(f"{expression}\n")
        self.process.stdin.flush()

    def attach(self, job: Job) -> None:
        """Let it have *job*."""
        assert self.ask(f"jobs.attach({job.id!r}).id") == repr(job.id)

    def close(self) -> None:
        """End it."""
        self.process.communicate(timeout=PATIENCE)


@pytest.fixture
def other() -> Iterator[Session]:
    """One other session."""
    with ExitStack() as stack:
        session = Session()
        stack.callback(session.close)
        yield session


def begin(job: Job, half: str) -> None:
    """Send the beginning of a line, and wait until the agent has it."""
    job.send(half)
    job.left()  # which is answered later


def test_lines_of_two_sessions_are_whole(other: Session) -> None:
    """What one sends in the middle of the other's line comes behind it."""
    job = spawn(ECHO, shell=True, name="train", stdin=PIPE, detach=True)
    other.attach(job)
    begin(job, "aa")
    assert other.ask("jobs['train'].send('bb\\n')") == "None"
    # It is answered after what was sent before it.
    assert other.ask("jobs['train'].take_keyboard()") == (
        "BlockingIOError: another session is in the middle of a line: "
        "the keyboard is yours after that"
    )
    job.send("AA\n")
    until_printed(job, "got bb")

    assert job.stdout.text == "got aaAA\ngot bb\n"


def test_many_lines_of_two_sessions_at_a_time(other: Session) -> None:
    """However fast both send pieces of lines, each line is of one of them."""
    job = spawn("cat", name="train", stdin=PIPE, detach=True)
    other.attach(job)
    pieces = r"for _ in range(300) for piece in ('b' * 50, 'b\n')"
    other.tell(f"[jobs['train'].send(piece) {pieces}]")
    for _ in range(300):
        job.send("a" * 50)
        job.send("a\n")
    until(job, lambda job: job.stdout.total == 2 * 300 * 52)

    assert set(job.stdout.lines()) == {"a" * 51, "b" * 51}


def test_who_started_it_has_the_keyboard(other: Session) -> None:
    """Another has it once it sends something, and nobody when it has ended."""
    job = spawn(ECHO, shell=True, name="train", stdin=PIPE, detach=True)
    other.attach(job)
    assert job.has_keyboard
    assert other.ask("jobs['train'].has_keyboard") == "False"
    other.ask("jobs['train'].send('x\\n')")
    until(job, lambda job: not job.has_keyboard)
    eventually(lambda: other.ask("jobs['train'].has_keyboard") == "True")
    other.close()
    until(job, lambda job: job.has_keyboard)
    job.send("mine\n")
    until_printed(job, "got mine")

    assert job.stdout.text == "got x\ngot mine\n"


def test_the_end_of_the_input_does_not_cut_a_line(other: Session) -> None:
    """Who closes it takes the keyboard, which is when the line is over."""
    job = spawn("cat", name="train", stdin=PIPE, detach=True)
    other.attach(job)
    begin(job, "half ")
    other.ask("jobs['train'].close_stdin()")
    other.ask("jobs['train'].left()")  # which is answered later
    job.send("line\n")

    assert job.wait(PATIENCE).success
    assert job.stdout.text == "half line\n"


def test_signals_are_for_everybody(other: Session) -> None:
    """Also in the middle of a line."""
    job = spawn("cat", name="train", stdin=PIPE, detach=True)
    other.attach(job)
    begin(job, "half ")

    assert other.ask("jobs['train'].kill()") == "1"
    assert str(job.wait(PATIENCE)) == "signal: killed"


def test_a_terminal(other: Session) -> None:
    """It has the size that the session with the keyboard says, and its lines, too."""
    script = "stty -echo; while read x; do echo $x $(stty size); done"
    job = spawn(script, shell=True, name="t", detach=True, pty=(30, 100))
    other.attach(job)
    begin(job, "aa")
    other.ask("jobs['t'].send('bb\\r')")
    other.ask("jobs['t'].resize(20, 50)")
    other.ask("jobs['t'].left()")  # which is answered later
    assert job.has_keyboard
    job.send("AA\r")
    until(job, lambda job: not job.has_keyboard)
    other.ask("jobs['t'].send('cc\\r')")
    until_printed(job, "cc 20 50")

    lines = [line.split()[0] for line in job.stdout.lines()]
    assert lines == ["aaAA", "bb", "cc"]


def test_a_terminal_is_taken_at_once(other: Session) -> None:
    """Who takes it sees what is on its line, and goes on there."""
    script = "stty -echo; while read x; do echo got $x; done"
    job = spawn(script, shell=True, name="t", detach=True, pty=True)
    other.attach(job)
    begin(job, "aa")
    assert other.ask("jobs['t'].take_keyboard()") == "None"
    until(job, lambda job: not job.has_keyboard)
    other.ask("jobs['t'].send('bb\\r')")
    until_printed(job, "got aabb")

    assert job.signal(signal.SIGKILL) == 1
