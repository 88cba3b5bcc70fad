"""``page/screen.js`` against the vectors, and against its twin in Python."""

from __future__ import annotations

import random
import sys
import unicodedata
from typing import Any

import pytest
from playwright.sync_api import Page

from ipyproc.views.line import width
from tests.views.test_screen import VECTORS, played

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("views")]

PIECES = [
    *(b"\x1b[", b"\x1b]8;;https://a.b", b"\x07", b"\x1b\\", b"\x1b", b"\n", b"\r"),
    *(b"\b", b"\t", b"\x00", b"\x9b", b"m", b"A", b"B", b"C", b"D", b"E", b"F", b"G"),
    *(b"K", b"J", b"0", b"1", b"2", b"3", b"38;5;", b"48;2;1;2;", b"4:3", b";", b"?"),
    *("日本".encode(), "e\u0301".encode(), "😀".encode(), b"\xe2", b"\x82", b"\xff"),
    *(b"abc", b"x" * 30, b" ", b"\x1bP", b"\x18", "\u202e".encode(), b"7", b"31"),
]


def test_vectors(page: Page) -> None:
    """
    The screen in the page shows what the vectors say.
    """
    for vector in VECTORS:
        got = page.evaluate("vector => played(vector)", vector)

        assert got == {
            "lines": vector["lines"],
            "dropped": vector.get("dropped", 0),
        }, vector["name"]


def test_twins_agree_on_anything(page: Page) -> None:
    """
    What the vectors leave open, the two models still do in the same way.
    """
    random_ = random.Random(2026)
    for _ in range(400):
        vector = _noise(random_)
        screen = played(vector)

        got = page.evaluate("vector => played(vector)", vector)

        lines = [[list(run) for run in line] for line in screen.runs()]
        assert got == {"lines": lines, "dropped": screen.dropped}, vector


def _noise(random_: random.Random) -> dict[str, Any]:
    data = b"".join(random_.choices(PIECES, k=random_.randrange(60)))
    cuts = sorted(random_.choices(range(len(data) + 1), k=4))
    edges = zip([0, *cuts], [*cuts, len(data)], strict=True)
    streams = random_.choices(["stdout", "stderr"], k=5)
    chunks = [data[a:b].decode("latin-1") for a, b in edges]
    return {"input": list(zip(streams, chunks, strict=True)), "limits": [6, 200]}


def test_twins_agree_on_widths(page: Page) -> None:
    """
    Every character that both know takes as many columns in the page as in Python.
    """
    codes = [n for n in range(0xA0, sys.maxunicode) if _known(n)]

    got = page.evaluate("codes => widths(codes)", codes)

    want = {n: width(chr(n)) for n in codes}
    wrong = {hex(n) for n, w in zip(codes, got, strict=True) if w != want[n]}
    assert len(wrong) < 5, wrong  # each Unicode version changes its mind on a few


def _known(code: int) -> bool:
    return unicodedata.category(chr(code)) not in ("Cn", "Co", "Cs", "Cc")
