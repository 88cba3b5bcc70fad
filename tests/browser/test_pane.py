"""The pane where people meet it: in JupyterLab and Notebook 7, with real kernels."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator, Page, expect

from tests.browser.fixtures import OpenNotebook, Picture
from tests.browser.lab import Lab

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

WriteNotebook = Callable[..., Path]

#: It prints what it reads, and has children.
ECHO = "%spawn --name echo sh -c 'echo ready; sleep 99 & cat'"
#: Bars of which one was drawn long ago, and what a terminal shows of them: more than a
#: page gets that comes late, and less than one lags behind that has come.
BARS = """%%spawn --name bars --script python3
print("start\\n" * 4, end="")
print("\\x1b[4A\\rfirst\\r\\x1b[4B", end="")
for n in range(9_000):
    row = n % 2 + 1
    print(f"\\x1b[{row}A\\x1b[2K\\rlayer {row}: {n}\\r\\x1b[{row}B", end="")
print("end", end="", flush=True)
input()
"""
SHOWN = ("first", "start", "layer 2: 8999", "layer 1: 8998", "end")


@pytest.fixture
def write(tmp_path: Path) -> WriteNotebook:
    """Write a notebook whose first cell loads the extension."""

    def write(*sources: str, kernel: str = "python3") -> Path:
        first = f"%load_ext ipyproc\n{sources[0]}"
        cells = [new_code_cell(source) for source in (first, *sources[1:])]
        metadata = {"kernelspec": {"name": kernel, "display_name": kernel}}
        path = tmp_path / "pane.ipynb"
        nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
        return path

    return write


def pane_of(where: Page | Locator, name: str) -> Locator:
    """Return the pane of a job."""
    return where.locator(f"section.ipyproc-job[data-name='{name}']")


def press(pane: Locator, name: str) -> None:
    """Press a button."""
    pane.get_by_role("button", name=name).click()


def say(pane: Locator, text: str) -> None:
    """Type a line into the field for standard input."""
    pane.get_by_label("Standard input").fill(text)
    pane.get_by_label("Standard input").press("Enter")


def status(pane: Locator, text: str) -> None:
    """Wait until the badge says *text*."""
    expect(pane.locator(".ipyproc-status")).to_have_text(text)


def lines(pane: Locator, *texts: str) -> None:
    """Wait until the output is these lines, and no others."""
    expect(pane.locator(".ipyproc-output > *")).to_have_text(texts)


def test_run_again_and_an_elder(
    open_notebook: OpenNotebook, write: WriteNotebook, picture: Picture
) -> None:
    """A new run takes the place of an ended one; an elder that runs can be ended."""
    echo = "%spawn --name echo --quiet sleep 99\n%spawn --name echo cat"
    notebook = open_notebook(write(echo))
    cell = notebook.start(0)
    pane = pane_of(cell, "echo")
    status(pane, "running")
    expect(pane).to_contain_text("echo#1")
    expect(pane).to_contain_text("still runs")
    picture(pane, "elder")
    press(pane, "End echo#1")
    expect(pane.get_by_role("button", name="End echo#1")).to_have_count(0)

    say(pane, "one")
    lines(pane, "one")
    press(pane, "Close stdin")
    status(pane, "exit status 0")
    picture(pane, "ended")
    press(pane, "Run again")

    again = cell.locator("section[data-number='3']")
    status(again, "running")
    expect(cell.locator("section.ipyproc-job")).to_have_count(1)
    say(again, "two")
    lines(again, "two")


def test_the_end_is_a_notification_that_leads_to_the_pane(
    open_notebook: OpenNotebook, write: WriteNotebook, page: Page, picture: Picture
) -> None:
    """JupyterLab's own, from a pane that asks for it."""
    told = "%spawn --notify --name told sh -c 'read line; exit 3'"
    cell = open_notebook(write(told)).start(0)
    pane = pane_of(cell, "told")
    bell = pane.get_by_role("button", name="Notify", pressed=True)
    expect(bell).to_be_visible(timeout=60_000)
    say(pane, "go")
    notice = page.locator(".Toastify__toast", has_text="told: exit status 3 after")
    expect(notice).to_be_visible(timeout=60_000)
    picture(notice, "notification")
    notice.get_by_role("button", name="Show").click()
    expect(pane).to_be_in_viewport()


def test_the_life_of_a_pane(
    open_notebook: OpenNotebook, write: WriteNotebook, picture: Picture
) -> None:
    """A pane seen twice, reloaded or reopened is complete; a lost kernel is named."""
    notebook = open_notebook(write(ECHO, BARS))
    page = notebook.page
    notebook.start(0)
    pane, bars = pane_of(page, "echo"), pane_of(page, "bars")
    lines(pane, "ready")
    notebook.start(1)
    lines(bars, *SHOWN)
    expect(pane.locator("summary")).to_contain_text("3 processes")
    pane.locator("summary").click()
    expect(pane.get_by_role("list", name="Processes")).to_contain_text("sleep")
    picture(pane, "pane-processes")

    notebook.command("notebook:create-output-view")
    expect(pane).to_have_count(2)
    say(pane.first, "one")
    for view in pane.all():
        lines(view, "ready", "one")

    notebook.command("docmanager:save")
    notebook.load()
    say(pane, "two")
    lines(pane, "ready", "one", "two")
    lines(bars, *SHOWN)

    notebook.close()
    expect(pane).to_have_count(0)
    notebook.open()
    lines(pane, "ready", "one", "two")
    pane.locator("summary").click()
    press(pane, "Stop")
    status(pane, "stopped")
    press(pane, "Continue")
    status(pane, "running")

    notebook.restart()
    expect(pane.locator(".ipyproc-tag")).to_have_text("kernel gone")
    expect(pane).to_contain_text("this is how it was")
    lines(pane, "ready", "one", "two")
    expect(pane.get_by_role("button", name="Kill")).to_be_disabled()
    for theme in notebook.themes():
        picture(pane, f"pane-gone-{theme}")


MANY = """
for n in range(50):
    get_ipython().run_line_magic("spawn", f"--name n{n} echo number {n}")
"""
COUNT = """
import gc, time
from ipyproc import jobs
from ipyproc.views import JobView
jobs.clear()
while [o for o in gc.get_objects() if isinstance(o, JobView) and o.comm]:
    time.sleep(0.1)
print("none", "left")
"""


def test_many_panes_and_none(
    open_notebook: OpenNotebook, write: WriteNotebook, picture: Picture
) -> None:
    """Fifty jobs that ended before they were drawn are shown, and leave no trace."""
    notebook = open_notebook(write(MANY, COUNT))
    page = notebook.page
    notebook.start(0)
    for n in (0, 49):
        pane = pane_of(page, f"n{n}")
        status(pane, "exit status 0")
        lines(pane, f"number {n}")
    expect(page.locator("section[data-lm-suppress-shortcuts]")).to_have_count(50)
    picture(page, "pane-fifty")

    notebook.command("notebook:clear-all-cell-outputs")
    expect(page.locator("section.ipyproc-job")).to_have_count(0)
    expect(notebook.start(1)).to_contain_text("none left")


FLOOD = """
%spawn --name flood sh -c 'yes 0123456789abcdef | head -n 5000000; echo the end'
for n in range(4000):
    display(n)
"""


def test_a_flood_beside_a_cell_that_prints_too_much(
    open_notebook: OpenNotebook, write: WriteNotebook
) -> None:
    """If the server drops messages, the pane ends right and says what is missing."""
    notebook = open_notebook(write(FLOOD))

    notebook.start(0)

    pane = pane_of(notebook.page, "flood")
    status(pane, "exit status 0")
    output = pane.locator(".ipyproc-output > *")
    expect(output.last).to_have_text("the end")
    expect(output.nth(-2)).to_have_text("0123456789abcdef")
    expect(pane).to_contain_text(re.compile(r"[\d.]+ MB .*not shown"))
    assert output.count() <= 1000


#: The module loads later than the two seconds after which anywidget gives up.
SLOW = """() => (AbortSignal.timeout = () => {
  const controller = new AbortController();
  queueMicrotask(() => controller.abort());
  return controller.signal;
})"""


def test_notebook_7(
    lab: Lab, page: Page, write: WriteNotebook, picture: Picture
) -> None:
    """In Notebook 7 the pane works, also on a page that is too slow for anywidget."""
    shutil.copy(write(ECHO), lab.root)
    page.goto(f"{lab.url}/notebooks/pane.ipynb?token={lab.token}")
    page.locator(".jp-Notebook .jp-Cell").first.click()
    expect(
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    ).to_be_visible()
    page.evaluate(SLOW)
    page.keyboard.press("Shift+Enter")

    pane = pane_of(page, "echo")
    lines(pane, "ready")
    say(pane, "hello")
    lines(pane, "ready", "hello")
    expect(pane.locator("summary")).to_contain_text("3 processes")
    expect(page.locator(".ipyproc-running")).to_have_text("1 job runs")
    picture(page, "pane-notebook-7")
    press(pane, "Kill")
    status(pane, "signal: killed")
    expect(pane.locator(".ipyproc-state")).to_be_visible()
    page.goto("about:blank")
    lab.end_kernels()
