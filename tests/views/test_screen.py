from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyproc.views.line import COLUMNS, width
from ipyproc.views.screen import CELLS, LINES, Screen

Vector = dict[str, Any]
VECTORS: list[Vector] = json.loads(
    Path(__file__).with_name("vectors.json").read_text("utf-8")
)


def played(vector: Vector) -> Screen:
    """Feed a screen what a vector says; each character of its input is a byte."""
    screen = Screen(*vector.get("limits", [LINES, CELLS]))
    for stream, data in vector["input"]:
        screen.feed(stream, data.encode("latin-1"))
    screen.finish()
    return screen


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector: Vector) -> None:
    """
    The screen shows what the vectors say that it and its twin in the page must show.
    """
    screen = played(vector)

    got = [[list(run) for run in line] for line in screen.runs()]

    assert got == vector["lines"]
    assert screen.dropped == vector.get("dropped", 0)


@given(st.lists(st.binary(max_size=8)), st.integers(1, 5))
def test_pieces_do_not_matter(pieces: list[bytes], size: int) -> None:
    """
    Whatever the bytes are, it does not matter where they are cut.
    """
    data = b"".join(pieces)
    whole, cut = Screen(), Screen()
    whole.feed("stdout", data)
    for at in range(0, len(data), size):
        cut.feed("stdout", data[at : at + size])
    whole.finish()
    cut.finish()

    assert cut.runs() == whole.runs()


@given(st.text("ab\n\r\b\t日\u0301\x1b[;0123456789ABCDGJKm", max_size=200))
def test_what_is_kept_is_bounded(text: str) -> None:
    """
    No output makes a screen keep more lines and cells than it may, nor lose count.
    """
    screen = Screen(5, 40)
    for stream in ("stdout", "stderr", "stdout"):
        screen.feed(stream, text.encode())

    lines = screen._lines
    assert len(lines) <= 5
    assert screen._cells == sum(len(line.chars) for line in lines)
    assert screen._cells <= 40 or len(lines) == 1
    assert all(len(line.chars) == len(line.looks) <= COLUMNS for line in lines)
    assert all(line.chars[:1] != [""] for line in lines)
    assert set(screen._owners) == set(lines)


def test_a_note_stands_alone_and_what_follows_begins_afresh() -> None:
    """
    The view's own line is between lines, and no colour or half escape crosses it.
    """
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
    """
    Characters have the width that the Unicode standard gives them.
    """
    got = {char: width(char) for char in "a\u0301日😀\u200dé"}

    assert got == {"a": 1, "\u0301": 0, "日": 2, "😀": 2, "\u200d": 0, "é": 1}
    assert {width(chr(n)) for n in range(0x20, 0x7F)} == {1}
    assert unicodedata.unidata_version >= "14"
