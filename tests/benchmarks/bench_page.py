"""What a reader notices: ``python -m tests.benchmarks page``.

With a real JupyterLab and a real Chromium it measures how long the first byte of a job
takes to the page, how long the page stands still while jobs print as fast as they can,
and how much all views together send. On a busy machine ``nice -n -15`` helps.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from playwright.sync_api import Page

from ipyproc.views import JobView
from tests.benchmarks.lab_page import close, lab_page, opened
from tests.benchmarks.table import Row
from tests.browser.lab import Lab

JOBS = 25
FLOOD = 5  # seconds
MANY = 20
FRAME, MESSAGES, BYTES, SIZE = 120, 200, 1_000_000, 25_000
#: What the view that is sent least has of the mean of all.
SHARE = 0.5

#: The first job prints the time when its pane is drawn, the second at once.
LATER = '%spawn sh -c "sleep 0.7; date +%s.%N"'
AT_ONCE = "%spawn date +%s.%N"
FLOODS = """
from ipyproc import jobs, spawn
from ipyproc.views.display import show
for _ in range({count}):
    show(spawn("yes"))
"""
END = "for job in jobs.running: job.kill()"

#: Records when lines appear, when frames are drawn, and what the kernel sends.
WATCH = r"""
window.times = {};
window.drawn = [];
window.heard = [];
const now = () => performance.timeOrigin + performance.now();
const look = () => {
  for (const line of document.querySelectorAll(".ipyproc-output > div")) {
    const text = line.textContent;
    if (/^\d{10}\.\d{9}$/.test(text)) window.times[text] ??= now();
  }
};
const frame = () => {
  window.drawn.push(performance.now());
  requestAnimationFrame(frame);
};
document.addEventListener("DOMContentLoaded", () => {
  window.observer = new MutationObserver(look);
  observer.observe(document, { childList: true, subtree: true });
  frame();
});
// Channel, header, header of the parent, metadata, content.
const parts = (data) => {
  const view = new DataView(data);
  const at = [0, 1, 2, 3, 4, 5].map((n) => Number(view.getBigUint64(8 + 8 * n, true)));
  const pieces = [0, 1, 2, 3, 4].map((n) => data.slice(at[n], at[n + 1]));
  return pieces.map((piece) => new TextDecoder().decode(piece));
};
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      if (!(data instanceof ArrayBuffer)) return;
      const [channel, header, , , content] = parts(data);
      if (channel !== "iopub") return;
      const { date, msg_type } = JSON.parse(header);
      const view = msg_type === "comm_msg" ? JSON.parse(content).comm_id : null;
      // When it was sent: to the page it may come late, with others.
      window.heard.push([Date.parse(date), data.byteLength, view]);
    });
  }
};
"""

#: Whether the search says how far it is; a pane leaves its end for what it found.
SEARCHES = "document.querySelector('.ipyproc-found')?.textContent"

#: Clicks a button, and waits until the status beside it is another.
CLICK = """
button => new Promise((resolve) => {
  const status = button.closest(".ipyproc-job").querySelector(".ipyproc-status");
  const clicked = performance.now();
  const answered = () => resolve(performance.now() - clicked);
  new MutationObserver(answered).observe(status, { childList: true, subtree: true });
  button.click();
})
"""


def rows() -> Iterator[Row]:
    """Measure all of it."""
    size = len(JobView._esm.encode()) + len(JobView._css.encode())
    yield Row("state of a pane: _esm + _css", size, "bytes", at_most=SIZE)
    with lab_page(WATCH) as (lab, page):
        for name, cell, budget in (
            ("pane is there", LATER, 30),
            ("with the cell", AT_ONCE, 130),
        ):
            taken = _first_bytes(page, lab, [cell] * JOBS)
            what, median = f"first byte to the page, {name}", statistics.median(taken)
            yield Row(what, median, "ms", at_most=budget)
        for count in (1, MANY):
            yield from _flood(page, lab, count)
        yield from _flood(page, lab, 1, finds=True)


def _first_bytes(page: Page, lab: Lab, cells: list[str]) -> list[float]:
    """Return how many ms each job's first line took."""
    notebook = opened(page, lab, cells)
    for number in range(len(cells)):
        notebook.start(number + 1)
        page.wait_for_function(f"Object.keys(times).length > {number}")
    times: dict[str, float] = page.evaluate("times")
    close(page, lab)
    return [seen - float(printed) * 1000 for printed, seen in times.items()]


def _flood(page: Page, lab: Lab, count: int, finds: bool = False) -> Iterator[Row]:
    """Watch the page while so many jobs flood it; one *finds* what they print."""
    notebook = opened(page, lab, [FLOODS.format(count=count), END])
    page.evaluate("observer.disconnect(); window.heard = []; window.drawn = []")
    notebook.start(1)
    _wait_for(page, ".ipyproc-job .ipyproc-output > div:first-child", count)
    if finds:
        page.get_by_role("button", name="Find", exact=True).click()
        page.get_by_role("textbox", name="Find in output").fill("no")
        page.wait_for_function(SEARCHES)
        page.evaluate("window.drawn = []")
    before = page.evaluate("heard.length")
    page.wait_for_timeout(FLOOD * 1000)
    watched = page.evaluate("heard")[before:]
    clicks = [_click(page, number) for number in range(0, count, 4)]
    notebook.start(2)
    _wait_for(page, ".ipyproc-state", count)
    drawn, heard = page.evaluate("[drawn, heard]")
    close(page, lab)
    gaps = sorted(b - a for a, b in pairwise(drawn))
    messages, size = _worst_second(heard)
    what = f"page under {count} floods" if count > 1 else "page under a flood"
    what += " with Find open" if finds else ""
    yield Row(f"{what}: longest frame gap", gaps[-1], "ms", at_most=FRAME)
    yield Row(f"{what}: 99 % of frames within", gaps[len(gaps) * 99 // 100], "ms")
    yield Row(f"{what}: iopub messages/s", messages, "", at_most=MESSAGES)
    yield Row(f"{what}: iopub bytes/s", size, "bytes", at_most=BYTES)
    yield Row(f"{what}: until a button acted", statistics.median(clicks), "ms")
    if count > 1:
        least = _least_share(watched, count)
        yield Row(f"{what}: least share of a view", least, "", at_least=SHARE)


def _click(page: Page, number: int) -> float:
    """Interrupt a job; return how many ms that took to show."""
    pane = page.locator(".ipyproc-job").nth(number)
    taken: float = pane.get_by_role("button", name="Interrupt").evaluate(CLICK)
    return taken


def _wait_for(page: Page, selector: str, count: int) -> None:
    found = "([what, count]) => document.querySelectorAll(what).length === count"
    page.wait_for_function(found, arg=[selector, count])


def _least_share(heard: list[Any], count: int) -> float:
    """Return what came for the view that got least, beside the mean of all."""
    sizes = Counter[str]()
    for _, size, view in heard:
        sizes[view] += size
    del sizes[None]  # type: ignore[arg-type]
    views = [size for _, size in sizes.most_common(count)]
    return min(views) / statistics.mean(views)


def _worst_second(heard: list[Any]) -> tuple[int, int]:
    """Return the most messages, and the most bytes, that came within one second."""
    windows = [
        [size for when, size, _ in heard if start <= when < start + 1000]
        for start, *_ in heard
    ]
    return max(map(len, windows), default=0), max(map(sum, windows), default=0)
