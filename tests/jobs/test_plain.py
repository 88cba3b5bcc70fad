from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from ipyproc import spawn
from ipyproc._jobs.output.capture import Capture
from ipyproc._jobs.output.plain import LINES, Plain
from tests.jobs.helpers import python

RECORDINGS = Path(__file__).parents[1] / "views" / "recordings"


def plain(*pieces: bytes, lines: int = LINES) -> str:
    """Return what is left of *pieces* that came one after the other."""
    text = Plain(lines=lines)
    for piece in pieces:
        text.feed(piece)
    text.feed(b"", final=True)
    return text.take() + text.rest()


@pytest.mark.parametrize(
    ("printed", "left"),
    [
        (b"", ""),
        (b"one\ntwo\n", "one\ntwo\n"),
        (b"no end", "no end"),
        (b"\n\n", "\n\n"),
        (b"dos\r\nlines\r\n", "dos\nlines\n"),
        (b"10 %\r20 %\r100 %\n", "100 %\n"),
        (b"12345\rab\n", "ab345\n"),
        (b"at the end\r", "at the end"),
        (b"abc\b\bX\n", "aXc\n"),
        (b"\x1b[1;31mred\x1b[0m and \x1b]8;;https://a.b\x1b\\link\x1b]8;;\x07\n", None),
        (b"\x1b[?25l\x1b(Bhidden\x1b[?25h\x1b]0;title\x07\n", "hidden\n"),
        (b"longer line\r\x1b[Kshort\n", "short\n"),
        (b"a: 1\nb: 1\n\x1b[2Aa: 2\n\x1b[Bc\n", "a: 2\nb: 1\nc\n"),
        (b"gone\n\x1b[H\x1b[2Jnew\n", "new\n"),
        (b"name\tage\tcity\n", "name\tage\tcity\n"),
        (b"name\tage\rN\n", "Name\tage\n"),
        (b"name\tage\r\x1b[5CX\n", "name X  age\n"),
        (b"0123456789\r\tX\n", "01234567X9\n"),
        (b"x\vY\fz\n", "x\n Y\n  z\n"),
        (b"  kept  \n", "  kept  \n"),
        ("日本\r世\n".encode(), "世本\n"),
        (b"\xe2\x82", "\ufffd"),
        (b"a\x00\x07b\x7f\n", "ab\n"),
    ],
)
def test_plain_is_what_a_terminal_shows(printed: bytes, left: str | None) -> None:
    """Escapes are gone; carriage returns, backspaces and moves are applied."""
    want = "red and link\n" if left is None else left

    assert plain(printed) == want
    assert plain(*(printed[at : at + 1] for at in range(len(printed)))) == want


def test_no_line_is_broken() -> None:
    """A line of any length stays one, and the beginning of a very long one stays."""
    assert plain(b"x" * 10_000 + b"\ry\n") == "y" + "x" * 9_999 + "\n"
    long = plain(b"x" * (3 << 20), b"\r", b"y" * (3 << 20), b"\n")
    assert long.count("\n") == 1
    assert set(long) == set("xy\n")


def test_the_cursor_goes_back_so_many_lines() -> None:
    """What is further up is left as it is."""
    text = plain(b"1\n2\n3\n4\n\x1b[9AX", lines=3)

    assert text == "1\nX\n3\n4\n"


def test_few_bytes_make_few_blanks() -> None:
    """A move far to the right goes to where screens end."""
    assert len(plain(b"\x1b[999999Gx\n" * 100)) < 200_000


def test_a_line_is_told_before_it_is_written_over() -> None:
    """Each state of a line is told once, when that is over."""
    told: list[str] = []
    text = Plain(rewritten=told.append)
    text.feed(b"10 %\r20 %\r30 %\nnext\x1b[2Klast\x1b[H\x1b[2Jnew")

    assert told[:3] == ["10 %", "20 %", "next"]
    assert "30 %\n    last" in told


def test_plain_of_a_capture() -> None:
    """It is worked out from all that is kept, wherever that lies."""
    line = b"\x1b[32m%06d\x1b[m\n"
    capture = Capture(memory_limit=1000, output_limit=1 << 20)
    for number in range(20_000):
        capture.append(line % number)

    head, tail = capture.plain[:7000], capture.plain[-7000:]
    assert head == "".join(f"{n:06d}\n" for n in range(1000))
    assert tail == "".join(f"{n:06d}\n" for n in range(19_000, 20_000))


def test_a_gap_ends_the_line_and_what_was_cut_off() -> None:
    """No escape and no character is made of bytes that were not printed so."""
    capture = Capture(output_limit=8)
    capture.append(b"ab\x1b[" + b"?" * 100 + b"31md")

    assert capture.plain == "ab\n31md"


def test_plain_of_a_job_that_runs() -> None:
    """It can be asked for at any time."""
    job = spawn(python("print('a\\rb', flush=True); input()"), stdin=b"\n")
    job.wait()

    assert job.stdout.plain == "b\n"
    assert job.stderr.plain == ""


@pytest.mark.slow
def test_other_threads_run_meanwhile() -> None:
    """Working out the text of much output does not keep the interpreter to itself."""
    capture = Capture(memory_limit=64 << 20, output_limit=64 << 20)
    capture.append(b"\x1b[32mline\x1b[m\n" * 200_000)
    ran = 0
    started, over = threading.Event(), threading.Event()

    def count() -> None:
        nonlocal ran
        started.set()
        while not over.is_set():
            ran += 1

    thread = threading.Thread(target=count)
    thread.start()
    started.wait()
    before = ran
    text = capture.plain
    after = ran
    over.set()
    thread.join()

    assert text == "line\n" * 200_000
    assert after - before > 100


@pytest.mark.parametrize("name", ["tqdm", "rich", "pip", "git-clone", "npm"])
def test_real_programs(name: str) -> None:
    """Of the bars of a program the last state is left, as the screen shows it."""
    recording = json.loads((RECORDINGS / f"{name}-terminal.json").read_text("utf-8"))
    shown = ["".join(text for text, _ in line) for line in recording["lines"]]

    text = plain(recording["output"].encode())

    left = "\n".join(line.rstrip() for line in text.splitlines()).rstrip()
    assert left.split("\n") == [line.rstrip() for line in shown]
