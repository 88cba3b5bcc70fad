"""``page/screen.js`` against the vectors, and against its twin in Python."""

from __future__ import annotations

import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from ipyproc._jobs.output.line import width
from tests.views.test_screen import VECTORS, Vector, picture, played, printed

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("views")]


@pytest.mark.parametrize("size", [None, 1, 7])
def test_vectors(page: Page, size: int | None) -> None:
    """The page's screen shows what the vectors say, wherever their bytes are cut."""
    for vector, got in zip(VECTORS, _played(page, VECTORS, size), strict=True):
        assert picture(vector, got["lines"]) == vector["lines"], vector["name"]
        assert got["dropped"] == vector.get("dropped", 0), vector["name"]


#: Many lines at once, of which the page does not even look at most.
flood = st.lists(
    st.sampled_from([b"a", b"", b"\x1b[31m", b"\x1b[1mb", b"\x1b[m", b"c\r", b"\td"])
    | st.sampled_from(["日本".encode(), b"x" * 600, b"\x1b[A", b"\x1b7", b"\x1b8e"]),
    max_size=30,
).map(b"\n".join)


@pytest.mark.parametrize("what", [printed, flood], ids=["noise", "flood"])
def test_twins_agree_on_anything(page: Page, what: st.SearchStrategy[bytes]) -> None:
    """On any input, the page's screen and Python's show the same."""
    vectors = _thought_up(what, 250)

    wrong = []
    for vector, got in zip(vectors, _played(page, vectors), strict=True):
        screen = played(vector)
        want = {"lines": picture(vector, screen.runs()), "dropped": screen.dropped}
        wrong += [] if got == want else [(vector, got, want)]

    assert not wrong, min(wrong, key=lambda one: len(repr(one)))


def _played(page: Page, vectors: list[Vector], size: int | None = None) -> list[Any]:
    """Return what the page shows for each vector, in one call."""
    script = "([all, size]) => all.map((vector) => played(vector, size ?? undefined))"
    played: list[Any] = page.evaluate(script, [vectors, size])
    return played


def _thought_up(what: st.SearchStrategy[bytes], count: int) -> list[Vector]:
    """Return vectors that hypothesis made up, always the same ones."""
    found: list[Vector] = []
    stream = st.sampled_from(["stdout", "stderr"])

    @settings(max_examples=count, database=None, derandomize=True)
    @given(st.lists(st.tuples(stream, what), max_size=5))
    def collect(pieces: list[tuple[str, bytes]]) -> None:
        given = [(stream, data.decode("latin-1")) for stream, data in pieces]
        found.append({"input": given, "limits": [6, 200]})

    collect()
    return found


def test_twins_agree_on_widths(page: Page) -> None:
    """A character that both know takes as many columns in the page as in Python."""
    known = "".join(chr(n) for n in range(0xA0, sys.maxunicode) if _known(n))

    got = page.evaluate("text => widths(text)", known)

    pairs = zip(known, map(int, got), strict=True)
    wrong = {hex(ord(char)) for char, columns in pairs if columns != width(char)}
    assert len(wrong) < 5, wrong  # each Unicode version changes its mind on a few


def test_twins_agree_on_what_is_no_character_yet(page: Page) -> None:
    """An unassigned character takes one column, or two in the Chinese planes."""
    none = "\u0378\u05f6\U000e0fff\u2e9a\ufaee\U0003fffd"
    assert {unicodedata.category(char) for char in none} == {"Cn"}

    assert page.evaluate("text => widths(text)", none) == "111222"
    assert [width(char) for char in none] == [1, 1, 1, 2, 2, 2]


def _known(code: int) -> bool:
    return unicodedata.category(chr(code)) not in ("Cn", "Co", "Cs", "Cc")
