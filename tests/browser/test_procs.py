"""The table of jobs and the pane of a process, in JupyterLab with real kernels."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator, Page, expect

from tests.browser.fixtures import OpenNotebook, Picture
from tests.browser.lab import NOTEBOOK
from tests.kernel.fixtures import BUSY

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

OTHER = """%load_ext ipyproc
from ipyproc import spawn
for n in range(200):
    spawn("sleep 99", name=f"job-{n}")
%procs
import subprocess
other = subprocess.Popen(["sleep", "98"])
%procfind {other.pid}
"""


def notebook(folder: Path, *cells: str, kernel: str = "python3") -> Path:
    """Write a notebook."""
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel}}
    path = folder / "procs.ipynb"
    made = new_notebook(cells=[new_code_cell(c) for c in cells], metadata=metadata)
    nbformat.write(made, path)
    return path


def row(page: Page, name: str) -> Locator:
    """Return the row of a job."""
    return page.locator(f".ipyproc-jobs tbody tr[data-name='{name}']")


def kill(page: Page, name: str) -> None:
    """Press the button of a row."""
    row(page, name).locator("button").click()


def test_a_kernel_that_hears_nothing_while_a_cell_runs(
    open_notebook: OpenNotebook, tmp_path: Path, page: Page
) -> None:
    """The click is said to be queued, and done when the cell has ended."""
    start = "%load_ext ipyproc\nimport ipyproc\nipyproc.spawn('sleep 99', name='one');"
    cells = (start, "%procs", BUSY)
    lab = open_notebook(notebook(tmp_path, *cells, kernel="ipykernel-6.31.0"))
    lab.start(0)
    lab.start(1)
    expect(row(page, "one")).to_contain_text("MB")

    expect(lab.start(2)).to_contain_text("it sleeps")
    kill(page, "one")

    expect(page.get_by_text("Kill one is queued: the kernel is busy")).to_be_visible()
    expect(row(page, "one")).to_have_attribute("data-status", "running")
    lab.command("notebook:interrupt-kernel")
    expect(row(page, "one")).to_have_attribute("data-status", "signaled")
    expect(page.get_by_text("queued")).to_have_count(0)


def test_a_process_that_is_no_job_and_many_that_are(
    open_notebook: OpenNotebook, tmp_path: Path, page: Page, picture: Picture
) -> None:
    """The pane of a process signals it and says its end; a job of 200 is killed."""
    lab = open_notebook(notebook(tmp_path, OTHER, "other.wait()", BUSY))
    cell = lab.start(0)
    pane = cell.locator("section.ipyproc-found")
    expect(pane).to_contain_text("% CPU")
    expect(pane).to_have_attribute("data-status", "running")
    pane.locator("summary").click()

    pane.get_by_role("button", name="Stop").click()
    expect(pane).to_have_attribute("data-status", "stopped")
    picture(pane, "found-stopped")
    pane.get_by_role("button", name="Continue").click()
    expect(pane).to_have_attribute("data-status", "running")
    pane.get_by_role("button", name="Kill").click()
    expect(pane.locator(".ipyproc-status")).to_have_text("zombie")
    lab.start(1)

    expect(pane.locator(".ipyproc-status")).to_have_text("gone")
    expect(pane).to_contain_text("how it ended only its parent was told")
    outputs = lab.saved()["cells"][0]["outputs"]
    assert "text/html" in outputs[0]["data"]
    assert all("widget" not in kind for o in outputs for kind in o["data"])

    expect(row(page, "job-199")).to_contain_text("MB")
    expect(lab.start(2)).to_contain_text("it sleeps")
    kill(page, "job-7")
    expect(row(page, "job-7")).to_have_attribute("data-status", "signaled")
    expect(row(page, "job-8")).to_have_attribute("data-status", "running")
    expect(page.get_by_text("199 running · 1 ended")).to_be_visible()
    picture(page, "procs-200")


QUIET = """%load_ext ipyproc
%spawn --quiet --name one sleep 99
%spawn --quiet --name other sleep 99
"""


def test_how_many_run_is_in_the_status_bar(
    open_notebook: OpenNotebook, tmp_path: Path, page: Page, picture: Picture
) -> None:
    """The item counts jobs that no pane shows, and leads to the table of all."""
    lab = open_notebook(notebook(tmp_path, QUIET, "%prockill one", "%prockill --all"))
    item = page.locator(".ipyproc-running")
    lab.start(0)
    expect(item).to_have_text("2 jobs run")

    item.click()
    expect(row(page, "other")).to_be_in_viewport()
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(4)
    picture(page, "status-item")
    page.evaluate(f"{NOTEBOOK}.content.activeCellIndex = 0")
    item.click()
    expect(row(page, "one")).to_be_in_viewport()
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(4)

    lab.start(2)
    expect(item).to_have_text("1 job runs")
    lab.start(3)
    expect(item).to_be_hidden()
