from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyproc._jobs.output.grid import COLUMNS
from ipyproc._jobs.output.line import width
from ipyproc._jobs.output.plain import Plain
from ipyproc.views.terminal.screen import CELLS, LINES, Screen
from tests.views import record

Vector = dict[str, Any]
HERE = Path(__file__).parent
#: What is longer is not cut at every byte.
LARGE = 100_000


def _recorded(path: Path) -> Vector:
    """Read a recording: see ``record.py``."""
    recording = json.loads(path.read_text("utf-8"))
    output = recording["output"].encode().decode("latin-1")
    lines = recording["lines"]
    return {"name": f"{path.stem}, recorded", "input": [["stdout", output]]} | {
        "lines": lines,
        "blanks": False,
    }


RECORDINGS = [_recorded(path) for path in sorted(HERE.glob("recordings/*.json"))]
VECTORS: list[Vector] = [
    *json.loads((HERE / "vectors.json").read_text("utf-8")),
    *RECORDINGS,
]
each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])

#: What output is made of, and what may stand beside it anywhere.
PIECES = [
    *(b"\x1b[", b"\x1b]8;;https://a.b", b"\x07", b"\x1b\\", b"\x1b", b"\n", b"\r"),
    *(b"\b", b"\t", b"\x00", b"\x9b", b"m", b"A", b"B", b"C", b"D", b"E", b"F", b"G"),
    *(b"K", b"J", b"0", b"1", b"2", b"3", b"38;5;", b"48;2;1;2;", b"4:3", b";", b"?"),
    *("日本".encode(), "e\u0301".encode(), "😀".encode(), b"\xe2", b"\x82", b"\xff"),
    *(b"abc", b"x" * 30, b" ", b"\x1bP", b"\x18", "\u202e".encode(), b"7", b"31", b"H"),
    *(
        b"\v",
        b"\f",
        b"\x1b[2J",
        b"\x1b[H",
        b"\x1b7",
        b"\x1b8",
        b"\x1b[s",
        b"\x1b[u",
        b"\x1bc",
        b"s",
    ),
    *(b"\x1b[A", b"\x1b[2A", b"\x1b[J", b"\x1b[1K", b"\x1b[31m", b"\x1b[m", b"\x1b[5G"),
]
printed = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3)).map(b"".join)


def chunks(vector: Vector, size: int | None = None) -> Iterator[tuple[str, bytes]]:
    """Yield what a vector feeds; each character of its input is a byte."""
    for stream, text, *times in vector["input"]:
        data = text.encode("latin-1") * (times[0] if times else 1)
        step = size or max(1, len(data))
        yield from ((stream, data[at : at + step]) for at in range(0, len(data), step))


def played(vector: Vector, size: int | None = None) -> Screen:
    """Feed a screen what a vector says, in pieces of a *size* if one is given."""
    screen = Screen(*vector.get("limits", [LINES, CELLS]))
    for stream, data in chunks(vector, size):
        screen.feed(stream, data)
    screen.finish()
    return screen


def picture(
    vector: Vector, lines: Iterable[Iterable[Sequence[str]]]
) -> list[list[list[str]]]:
    """Return lines as vectors have them; a recording does not know blanks at an end."""
    rows = [[list(run) for run in line] for line in lines]
    if not vector.get("blanks", True):
        for row in rows:
            if row and not row[-1][1]:
                row[-1][0] = row[-1][0].rstrip(" ")
                row[-1:] = [run for run in row[-1:] if run[0]]
        while rows and not rows[-1]:
            rows.pop()
    return rows


@each_vector
def test_vector(vector: Vector) -> None:
    """The screen shows what the vectors say, as its twin in the page does."""
    screen = played(vector)

    assert picture(vector, screen.runs()) == vector["lines"]
    assert screen.dropped == vector.get("dropped", 0)


@each_vector
def test_bytes_may_come_one_by_one(vector: Vector) -> None:
    """Whatever a vector says is shown so, too, when its bytes come in small pieces."""
    size = sum(len(data) for _, data in chunks(vector))
    small = 1 if size < LARGE else 999
    screen = played(vector, small)

    assert picture(vector, screen.runs()) == vector["lines"]
    assert screen.dropped == vector.get("dropped", 0)


@given(printed, st.lists(st.integers(0, 500)))
def test_pieces_do_not_matter(data: bytes, cuts: list[int]) -> None:
    """Whatever the bytes are, it does not matter where they are cut."""
    whole, cut = Screen(), Screen()
    whole.feed("stdout", data)
    edges = sorted({0, len(data), *(at for at in cuts if at < len(data))})
    for start, end in pairwise(edges):
        cut.feed("stdout", data[start:end])
    whole.finish()
    cut.finish()

    assert cut.runs() == whole.runs()


@given(printed, st.lists(st.integers(0, 500)))
def test_plain_text_is_what_the_screen_shows(data: bytes, cuts: list[int]) -> None:
    """`Capture.plain` and the screen agree on anything, however it was cut."""
    screen, plain, text = Screen(10_000, 1 << 30), Plain(), ""
    screen.feed("stdout", data)
    screen.finish()
    edges = sorted({0, len(data), *(at for at in cuts if at < len(data))})
    for start, end in pairwise(edges):
        plain.feed(data[start:end])
        text += plain.take()
    plain.feed(b"", final=True)
    text += plain.take() + plain.rest()

    shown = ["".join(run for run, _ in line) for line in screen.runs()]
    assert _bare("\n".join(shown)) == _bare(text)


def _bare(text: str) -> list[str]:
    """Split a text into lines without tabs, accents, and blanks at an end."""
    lines = []
    for line in text.rstrip().split("\n"):
        cells = ""
        for char in line:
            blanks = 8 - sum(map(width, cells)) % 8
            cells += " " * blanks if char == "\t" else char * bool(width(char))
        lines.append(cells.rstrip())
    return "\n".join(lines).rstrip().split("\n")


@given(st.text("ab\n\r\b\t\v\f日\u0301\x1b[;0123456789ABCDGHJKmsu78c", max_size=200))
def test_what_is_kept_is_bounded(text: str) -> None:
    """No output makes a screen keep more than it may, or count wrong."""
    screen = Screen(5, 40)
    for stream in ("stdout", "stderr", "stdout"):
        screen.feed(stream, text.encode())

    lines, cells = screen.grid.lines, screen.grid.cells
    assert len(lines) <= 5
    assert cells == sum(len(line.chars) for line in lines)
    assert cells <= 40 or len(lines) == 1
    assert all(len(line.chars) == len(line.styles) <= COLUMNS for line in lines)
    assert all(line.chars[:1] != [""] for line in lines)


AS_ON_A_TERMINAL = [
    "streams continue each other's lines",
    "a prompt on one stream, the answer on the other",
    "pieces stand in the order in which they came",
    "a progress bar beside a log is as on a terminal",
    "up and down lead to the lines of the other stream",
    "vertical tab and form feed go down in the same column",
    "vertical tab goes to a line that is there",
]


@pytest.mark.skipif(not shutil.which("tmux"), reason="there is no tmux")
@pytest.mark.parametrize("name", AS_ON_A_TERMINAL)
def test_streams_share_the_screen_as_on_a_terminal(name: str) -> None:
    """What the vectors say of several streams and of vertical tabs, tmux shows, too."""
    vector = next(vector for vector in VECTORS if vector["name"] == name)

    data = b"".join(data for _, data in chunks(vector)).replace(b"\n", b"\r\n")

    got = ["".join(text for text, _ in line) for line in record.picture(data)]
    assert got == ["".join(text for text, _ in line) for line in vector["lines"]]


def test_a_note_stands_alone_and_what_follows_begins_afresh() -> None:
    """The view's own line is between lines, and no colour or half escape crosses it."""
    screen = Screen()
    screen.feed("stdout", b"a\n\x1b[31mb\x1b[A\xe2")
    screen.note("1 kB is not shown")
    screen.feed("stdout", b"c")

    assert screen.runs() == [
        [("a", ""), ("\ufffd", "fg=1")],
        [("b", "fg=1")],
        [("1 kB is not shown", "note")],
        [("c", "")],
    ]


def test_width() -> None:
    """Characters have the width that the Unicode standard gives them."""
    got = {char: width(char) for char in "a\u0301日😀\u200dé"}

    assert got == {"a": 1, "\u0301": 0, "日": 2, "😀": 2, "\u200d": 0, "é": 1}
    assert {width(chr(n)) for n in range(0x20, 0x7F)} == {1}
    assert unicodedata.unidata_version >= "14"
