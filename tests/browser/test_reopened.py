"""A notebook whose kernel is gone, opened again: by its owner, and by somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output
from playwright.sync_api import Browser, Page, expect

from tests.browser.fixtures import IN_SIGHT, Picture
from tests.browser.lab import NOTEBOOK, PATIENCE, Lab, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("labs")]

LONG = "%spawn --name long sh -c 'seq 500; echo the end; exit 3'"
CELLS = ["%load_ext ipyproc", LONG, "%procs"]
NAME = "reopened.ipynb"
ENDED = "ended with the kernel"
#: What a front end without our extension saves while a job runs.
TOKEN = "0123456789abcdef" * 2
RUNNING = {
    "application/vnd.jupyter.widget-view+json": {
        "version_major": 2,
        "version_minor": 0,
        "model_id": TOKEN,
    },
    "text/plain": "old (pid 4): sleep 9\nrunning",
    "text/html": f'<div id="ipyproc-{TOKEN}"><section class="ipyproc-job" '
    'data-name="old" data-status="running"><header><span class="ipyproc-status" '
    'style="color:#3b78d8"><b>running</b></span> <b>old</b></header></section></div>',
}


#: Whether the page believes the outputs of the notebook.
TRUSTED = f"[...{NOTEBOOK}.content.model.cells].at(-1).outputs.trusted"


@pytest.fixture(scope="module")
def saved(tab: Page, lab: Lab) -> NotebookNode:
    """A notebook that ran and was saved; its kernel and its page are gone."""
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    made = new_notebook(cells=list(map(new_code_cell, CELLS)), metadata=metadata)
    nbformat.write(made, lab.root / NAME)
    notebook = Notebook(tab, lab, NAME)
    assert notebook.run_all(), notebook.errors()
    for number in (1, 2):
        notebook.saves(number, "exit status 3")
    document = nbformat.from_dict(notebook.on_disk())
    tab.goto("about:blank")
    lab.end_kernels()
    return document


def test_by_its_owner(saved: NotebookNode, lab: Lab, page: Page) -> None:
    """With a new kernel a job and the table are shown as they were saved."""
    again = Notebook(page, lab, NAME)

    shows_the_end(again)
    table = again.cell(2).locator(".ipyproc-jobs")
    expect(table.locator("tr[data-name='long'] .ipyproc-status")).to_have_text(
        "exit status 3"
    )
    again.close()
    lab.end_kernels()


@pytest.fixture
def stranger(browser: Browser) -> Iterator[Page]:
    """A page of another browser, which has seen none of it."""
    with browser.new_context(viewport={"width": 1100, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        yield page


@pytest.mark.parametrize(
    ("front", "kernel", "trusted"),
    [
        ("JupyterLab", False, False),
        ("JupyterLab", False, True),
        ("Notebook 7", False, True),
        ("Notebook 7", True, False),
    ],
)
def test_by_a_stranger(
    saved: NotebookNode,
    lab: Lab,
    stranger: Page,
    picture: Picture,
    front: str,
    kernel: bool,
    trusted: bool,
) -> None:
    """In another browser, trusted or not, with a kernel or not, all of it is shown."""
    document = deepcopy(saved)
    document.cells.append(_cell_that_ran())  # with that it is untrusted
    if not kernel:
        document.metadata.kernelspec.name = "gone"
    path = lab.root / "stranger.ipynb"
    if trusted:
        lab.trust(path, document)
    else:
        nbformat.write(document, path)

    opened = Notebook(stranger, lab, "stranger.ipynb", front, kernel=kernel)

    shows_the_end(opened)
    old = opened.cell(3)
    # Nobody knows of a kernel that somebody may still choose.
    expect(old.locator(".ipyproc-status")).to_have_text(ENDED if kernel else "running")
    for text in ("Error displaying widget", "Loading widget"):
        expect(old).not_to_contain_text(text)
    assert stranger.evaluate(TRUSTED) == trusted
    for theme in opened.themes():
        picture(stranger, f"reopened-{front[0]}-{kernel}-{trusted}-{theme}")
    stranger.goto("about:blank")
    lab.end_kernels()


def _cell_that_ran() -> NotebookNode:
    return new_code_cell("%spawn ...", outputs=[new_output("display_data", RUNNING)])


def shows_the_end(notebook: Notebook) -> None:
    """Assert that the job's end is shown, and the end of what it printed."""
    cell = notebook.cell(1)
    expect(cell.locator(".ipyproc-job")).to_contain_text("long")
    expect(cell.locator(".ipyproc-status")).to_have_text("exit status 3")
    expect(cell.get_by_role("button", name="Save output")).to_have_count(0)
    expect(cell).not_to_contain_text("Error displaying widget")
    line = cell.locator(".ipyproc-output").get_by_text("the end", exact=True)
    notebook.page.wait_for_function(IN_SIGHT, arg=line.element_handle())
