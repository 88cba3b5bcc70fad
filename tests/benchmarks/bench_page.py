"""What a reader notices: ``python -m tests.benchmarks page``.

With a real JupyterLab and a real Chromium it measures how long the first byte of a job
takes to the page, how long the page stands still while jobs print as fast as they can,
and how much all views together send. On a busy machine ``nice -n -15`` helps.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Page, sync_playwright

from ipyproc.views import JobView
from tests.benchmarks.table import Row
from tests.browser import chromium
from tests.browser.fixtures import FLAGS
from tests.browser.lab import Lab, Notebook, serving
from tests.sandbox import sandbox

JOBS = 25
FLOOD = 5  # seconds
MANY = 20
FRAME, MESSAGES, BYTES, SIZE = 120, 200, 1_000_000, 25_000

#: The first job prints the time when its pane is drawn, the second at once.
LATER = '%spawn sh -c "sleep 0.7; date +%s.%N"'
AT_ONCE = "%spawn date +%s.%N"
FLOODS = f"""
from ipyproc import spawn
from ipyproc.views.display import show
for _ in range({{count}}):
    show(spawn(["timeout", "{FLOOD}", "yes"]))
"""

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
const parts = (data) => {
  const view = new DataView(data);
  const [a, b, c] = [8, 16, 24].map((at) => Number(view.getBigUint64(at, true)));
  const decoder = new TextDecoder();
  return [data.slice(a, b), data.slice(b, c)].map((part) => decoder.decode(part));
};
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      const [channel, header] = data instanceof ArrayBuffer ? parts(data) : [];
      // When it was sent: to the page it may come late, with others.
      if (channel !== "iopub") return;
      window.heard.push([Date.parse(JSON.parse(header).date), data.byteLength]);
    });
  }
};
"""


def rows() -> Iterator[Row]:
    """Measure all of it."""
    size = len(JobView._esm.encode()) + len(JobView._css.encode())
    yield Row("state of a pane: _esm + _css", size, "bytes", at_most=SIZE)
    with _lab() as (lab, page):
        for name, cell, budget in (
            ("pane is there", LATER, 30),
            ("with the cell", AT_ONCE, 130),
        ):
            taken = _first_bytes(page, lab, [cell] * JOBS)
            what, median = f"first byte to the page, {name}", statistics.median(taken)
            yield Row(what, median, "ms", at_most=budget)
        for count in (1, MANY):
            yield from _flood(page, lab, count)


@contextmanager
def _lab() -> Iterator[tuple[Lab, Page]]:
    """Open a page without a network, and a JupyterLab beside it."""
    path = chromium.find()
    assert path, chromium.HELP
    with TemporaryDirectory() as home, sandbox(Path(home)) as environment:
        folder = Path(home, "lab")
        folder.mkdir()
        with serving(folder) as lab, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=path, args=list(FLAGS), env=dict(environment)
            )
            page = browser.new_page(viewport={"width": 1100, "height": 900})
            page.set_default_timeout(120_000)
            page.add_init_script(WATCH)
            yield lab, page
            browser.close()


def _open(page: Page, lab: Lab, cells: list[str]) -> Notebook:
    """Open a notebook with these cells, below one that loads the extension."""
    sources = ["%load_ext ipyproc", *cells]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    made = new_notebook(cells=list(map(new_code_cell, sources)), metadata=metadata)
    nbformat.write(made, lab.root / "page.ipynb")
    notebook = Notebook(page, lab, "page.ipynb")
    notebook.start(0)
    page.wait_for_function("document.querySelector('.jp-InputPrompt').innerText > '['")
    return notebook


def _first_bytes(page: Page, lab: Lab, cells: list[str]) -> list[float]:
    """Return how many ms each job's first line took."""
    notebook = _open(page, lab, cells)
    for number in range(len(cells)):
        notebook.start(number + 1)
        page.wait_for_function(f"Object.keys(times).length > {number}")
    times: dict[str, float] = page.evaluate("times")
    _close(page, lab)
    return [seen - float(printed) * 1000 for printed, seen in times.items()]


def _flood(page: Page, lab: Lab, count: int) -> Iterator[Row]:
    """Watch the page while so many jobs flood it."""
    notebook = _open(page, lab, [FLOODS.format(count=count)])
    page.evaluate("observer.disconnect(); window.heard = []; window.drawn = []")
    notebook.start(1)
    page.wait_for_timeout(FLOOD * 1000)
    page.wait_for_function(
        "count => document.querySelectorAll('.ipyproc-state').length === count",
        arg=count,
    )
    drawn, heard = page.evaluate("[drawn, heard]")
    _close(page, lab)
    gaps = sorted(b - a for a, b in pairwise(drawn))
    messages, size = _worst_second(heard)
    what = f"page under {count} floods" if count > 1 else "page under a flood"
    yield Row(f"{what}: longest frame gap", gaps[-1], "ms", at_most=FRAME)
    yield Row(f"{what}: 99 % of frames within", gaps[len(gaps) * 99 // 100], "ms")
    yield Row(f"{what}: iopub messages/s", messages, "", at_most=MESSAGES)
    yield Row(f"{what}: iopub bytes/s", size, "bytes", at_most=BYTES)


def _close(page: Page, lab: Lab) -> None:
    page.goto("about:blank")
    lab.end_kernels()


def _worst_second(heard: list[Any]) -> tuple[int, int]:
    """Return the most messages, and the most bytes, that came within one second."""
    windows = [
        [size for when, size in heard if start <= when < start + 1000]
        for start, _ in heard
    ]
    return max(map(len, windows), default=0), max(map(sum, windows), default=0)
