"""One document that two clients share while they work, and each has our extension."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import collaboration
from tests.browser.fixtures import draws_widgets
from tests.browser.lab import NOTEBOOK, PATIENCE, Lab, Notebook, serving
from tests.browser.test_saved import NOW, Desk, Output, ended, number
from tests.jobs.helpers import eventually

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("labs")]

END = "exit status 3"
#: Counts how often the outputs of a cell change.
COUNT = f"""number => {{
  window.changes = 0;
  {NOTEBOOK}.content.model.cells.get(number).outputs.changed.connect(() => {{
    window.changes += 1;
  }});
}}"""
#: What one client writes into the last cell, once all before it is written.
MARK = "seen by both"
WRITE = f"""text => {{
  const all = {NOTEBOOK}.content.model.cells;
  all.get(all.length - 1).sharedModel.setSource(text);
}}"""
READS = f"""text => {{
  const all = {NOTEBOOK}.content.model.cells;
  return all.get(all.length - 1).sharedModel.getSource() === text;
}}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab server whose documents are shared."""
    draws_widgets()
    if int(metadata.version("jupyterlab").split(".")[1]) < 5:
        pytest.skip("jupyter-collaboration 5 is for newer ones")
    assert collaboration.FOLDER.is_dir(), "run make collaboration"
    home = tmp_path_factory.mktemp("shared")
    with serving(home, more=collaboration.environment()) as lab:
        yield lab


@pytest.fixture(scope="module")
def desk(lab: Lab, browser: Browser) -> Iterator[Desk]:
    """A notebook that is open in one client."""
    with browser.new_context(viewport={"width": 1100, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        yield Desk(page, lab, "JupyterLab")
    lab.end_kernels()


def joined(desk: Desk) -> Notebook:
    """Open the notebook in another client, too."""
    page = desk.page.context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    return Notebook(page, desk.lab, desk.name)


def in_file(desk: Desk, name: str) -> None:
    """Assert that the server writes the end of a job into the file, once."""
    last: dict[str, Any] = {}

    def is_there() -> bool:
        last.update(cell(desk, name))
        return END in str(last)

    eventually(is_there)
    (output,) = last["outputs"]
    assert ended(Output(output["data"]))


def cell(desk: Desk, name: str) -> dict[str, Any]:
    """Return a cell of the file; an empty one while the server writes it."""
    with suppress(json.JSONDecodeError):
        found: dict[str, Any] = json.loads(desk.path.read_text("utf-8"))
        cells: list[dict[str, Any]] = found["cells"]
        return cells[number(name)]
    return {}


def test_alone(desk: Desk) -> None:
    """Who is alone has in the file what a job that runs has printed."""
    pane = desk.start("live")
    pane.evaluate("pane => { window.before = pane; }")
    desk.notebook.execute(NOW.format("live"))

    desk.wait("live", "<li>begun</li>")

    eventually(lambda: "<li>begun</li>" in desk.path.read_text("utf-8"))
    assert pane.evaluate("pane => pane === window.before")


def test_a_client_that_has_just_come(desk: Desk) -> None:
    """Who ran the cell writes the end, and the other one does not do so, too."""
    desk.start("tab")
    other = joined(desk)
    pages = (desk.page, other.page)
    assert desk.page.evaluate(f"{NOTEBOOK}.content.model.collaborative")
    for page in pages:
        page.evaluate(COUNT, number("tab"))

    desk.finish("tab")

    for notebook in (desk.notebook, other):
        notebook.saves(number("tab"), END)
    in_file(desk, "tab")
    other.page.evaluate(WRITE, MARK)
    desk.page.wait_for_function(READS, arg=MARK)
    for page in pages:
        # What replaces an output removes the old one elsewhere: two changes.
        assert page.evaluate("window.changes") <= 4
        expect(page.locator(".ipyproc-job[data-name='tab']")).to_have_count(1)
        assert page.locator(".jp-Dialog").all_inner_texts() == []
    other.page.close()
