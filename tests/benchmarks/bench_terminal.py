"""What a terminal takes in a page: ``python -m tests.benchmarks terminal``.

How long after a program entered the alternate screen its terminal is drawn, in a page
that has none yet and has to get the library, and in one that has. And after a flood,
how long it takes until what was printed last is there.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from playwright.sync_api import Page

from ipyproc.views.transport import library
from tests.benchmarks.lab_page import close, lab_page, opened
from tests.benchmarks.table import Row
from tests.browser.lab import Lab

ROUNDS = 7
#: ms, and bytes.
DRAWN, RIGHT, LIBRARY = 400, 500, 100_000
FLOOD = 5_000_000

#: When its pane is there a program prints the time: at once, or behind much else.
SCREEN = "sleep 0.7; printf '\\033[?1049h'; date +%s.%N; sleep 99"
MUCH = f"yes 'a line of a flood of lines' | head -c {FLOOD}"
LAST = f"sleep 0.7; printf '\\033[?1049h'; {MUCH}; date +%s.%N; sleep 99"
START = "ipyproc.spawn({!r}, shell=True, pty=True)"

#: Records when a terminal shows which time.
WATCH = r"""
window.times = {};
const look = () => {
  for (const row of document.querySelectorAll(".xterm-rows > div")) {
    const [text] = /\d{10}\.\d{9}/.exec(row.textContent) ?? [];
    if (text) times[text] ??= performance.timeOrigin + performance.now();
  }
};
document.addEventListener("DOMContentLoaded", () => {
  new MutationObserver(look).observe(document, {
    childList: true,
    subtree: true,
    characterData: true,
  });
});
"""


def rows() -> Iterator[Row]:
    """Measure all of it."""
    size = len(library.packed())
    yield Row("terminal: the library", size, "bytes", at_most=LIBRARY)
    with lab_page(WATCH) as (lab, page):
        first, others, right = [], [], []
        for _ in range(ROUNDS):
            once, again, last = _taken(page, lab)
            first.append(once)
            others.append(again)
            right.append(last)
    for what, taken, most in (
        ("drawn, the first of a page", first, DRAWN),
        ("drawn, another one", others, DRAWN),
        ("last screen right after 5 MB", right, RIGHT),
    ):
        yield Row(f"terminal: {what}", statistics.median(taken), "ms", at_most=most)


def _taken(page: Page, lab: Lab) -> list[float]:
    """Return how many ms each took, in a page of its own."""
    cells = ["import ipyproc", *map(START.format, (SCREEN, SCREEN, LAST))]
    notebook = opened(page, lab, cells)
    notebook.start(1)
    for number in range(2, len(cells) + 1):
        notebook.start(number)
        page.wait_for_function(f"Object.keys(times).length > {number - 2}")
    times: dict[str, float] = page.evaluate("times")
    close(page, lab)
    return [seen - float(printed) * 1000 for printed, seen in times.items()]
