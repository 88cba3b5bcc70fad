"""Addresses in text are links, on the page and in what is saved, and no more."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from ipyproc.views.render import html
from ipyproc.views.render.links import linked
from tests.views.fakes import FakeJob

VECTORS = {
    "http://a.b": ["http://a.b"],
    "see https://a.b/c?d=e&f#g, and so on": ["https://a.b/c?d=e&f#g"],
    "(http://a.b/c_(d)) [http://e.f]": ["http://a.b/c_(d)", "http://e.f"],
    "http://a.b. https://c.d! HTTP://E.F?": ["http://a.b", "https://c.d", "HTTP://E.F"],
    "'http://a.b' \"http://c.d\" <http://e.f>": [
        "http://a.b",
        "http://c.d",
        "http://e.f",
    ],
    "http://127.0.0.1:8888/lab?token=abc": ["http://127.0.0.1:8888/lab?token=abc"],
    "http:// https://. xhttp://a.b ftp://a.b": [],
    "javascript:alert(1)//http://a.b": ["http://a.b"],
    "http://a.b\u3002\u4e2d": ["http://a.b"],
    "http://[::1]:80/": ["http://[::1]:80/"],
    "nothing": [],
}


@pytest.mark.parametrize("text", VECTORS)
def test_links_leave_punctuation_out(text: str) -> None:
    """And no character of the text is lost."""
    pieces = list(linked(text))

    assert "".join(piece for piece, _ in pieces) == text
    assert [address for _, address in pieces if address] == VECTORS[text]


@pytest.mark.browser
@pytest.mark.xdist_group("views")
def test_the_page_finds_the_same(page: Page) -> None:
    """It is a twin."""
    found = page.evaluate(
        "async texts => {"
        "  const { linked } = await import('./modules/links.js');"
        "  return texts.map((text) => [...linked(text)]);"
        "}",
        list(VECTORS),
    )

    assert found == [[list(pair) for pair in linked(text)] for text in VECTORS]


def test_what_is_saved_has_links() -> None:
    """Also in colour, and escaped."""
    job = FakeJob()
    job.prints(b"at \x1b[32mhttp://a.b/?c&d\x1b[m.\n")
    job.ends()

    drawn = html.job(job)  # type: ignore[arg-type]

    link = '<a href="http://a.b/?c&amp;d" rel="noopener">http://a.b/?c&amp;d</a>'
    assert link in drawn
