"""The views that teach, in JupyterLab."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from tests.browser.fixtures import OpenNotebook, Picture
from tests.browser.lab import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

CELLS = (
    "from ipyproc import command\n"
    "from ipyproc.views import descriptors, explore, life, sessions",
    "view = explore(9)\nview",
    "view.status",
    'cmd = command("sleep", "600")\npipe = cmd.stdin_pipe()\ncmd.start()\n'
    "p = cmd.process\nlife(p)",
    "sessions(p)",
    "descriptors(p)",
    "pipe.close()",
)
EXPLORER, STATUS, LIFE, SESSIONS, DESCRIPTORS, CLOSE = range(1, 7)


@pytest.fixture
def notebook(tmp_path: Path, open_notebook: OpenNotebook) -> Notebook:
    """A notebook with both views."""
    path = tmp_path / "teaching.ipynb"
    cells = [new_code_cell(source) for source in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)
    return open_notebook(path)


def test_bits_and_a_life(notebook: Notebook, picture: Picture) -> None:
    """Python hears of clicks, the line follows the process; what is saved is HTML."""
    # After the page was loaded again, the explorer is there as it was left.
    notebook.start(0)
    explorer = notebook.start(EXPLORER).get_by_role("region", name="Wait status")
    explorer.get_by_role("button", name="Bit 7", exact=True).click()
    expect(explorer.get_by_role("status")).to_have_text("signal: killed (core dumped)")
    status = notebook.start(STATUS)
    expect(status).to_contain_text("WaitStatus(0x0089)")

    line = notebook.start(LIFE).locator(".ipyproc-life")
    expect(line).to_contain_text("it runs")
    tree = notebook.start(SESSIONS).locator(".ipyproc-sessions")
    expect(tree).to_contain_text("this Jupyter kernel")
    pipes = notebook.start(DESCRIPTORS).locator(".ipyproc-descriptors")
    expect(pipes).to_contain_text("reads pipe 1")
    line.get_by_role("button", name="Stop").click()
    expect(line).to_contain_text("it is stopped")
    expect(tree.locator("[data-letter=T]")).to_be_visible()
    notebook.start(CLOSE)
    expect(pipes).to_contain_text("none: a reader sees the end")
    line.get_by_role("button", name="Kill").click()
    expect(line).to_contain_text("zombie")
    for theme in notebook.themes():
        picture(notebook.page, f"teaching-{theme}")
    line.get_by_role("button", name="Wait").click()
    expect(line).to_contain_text("waited for")
    expect(pipes).to_contain_text("none: it has ended")
    expect(tree).to_contain_text("gone")

    notebook.saves(EXPLORER, "0x0089")
    notebook.saves(LIFE, "waited for")
    notebook.saves(SESSIONS, "gone")
    for number in (EXPLORER, LIFE, SESSIONS, DESCRIPTORS):
        (saved,) = notebook.saved()["cells"][number]["outputs"]
        assert set(saved["data"]) == {"text/plain", "text/html"}

    notebook.command("docmanager:save")
    notebook.page.reload()
    bit = explorer.get_by_role("button", name="Bit 7", exact=True)
    expect(bit).to_have_attribute("aria-pressed", "true")
    bit.click()
    expect(explorer.get_by_role("status")).to_have_text("signal: killed")
