"""The quickstart in JupyterLab, with a mouse."""

from __future__ import annotations

import re

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.fixtures import NOTEBOOKS, OpenNotebook, Picture

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

QUICKSTART = NOTEBOOKS / "01-quickstart.ipynb"


def test_the_quickstart_runs_and_its_clock_is_killed(
    open_notebook: OpenNotebook, picture: Picture
) -> None:
    """All cells run; then the clock, run again, ticks until Kill is pressed."""
    notebook = open_notebook(QUICKSTART)

    assert notebook.run_all(), notebook.errors()

    clock = notebook.start(_cell("--name clock"))
    pane = clock.locator("section.ipyproc-job")
    expect(_line(pane, "tick 2")).to_be_visible()
    expect(pane).to_have_attribute("data-status", "running")
    for theme in notebook.themes():
        picture(pane, f"quickstart-running-{theme}")

    pane.get_by_role("button", name="Kill").click()

    expect(pane.locator(".ipyproc-status")).to_have_text("signal: killed")
    expect(pane.locator(".ipyproc-state")).to_be_visible()
    for theme in notebook.themes():
        picture(pane, f"quickstart-killed-{theme}")
        picture(notebook.page, f"quickstart-page-{theme}")


def _cell(text: str) -> int:
    """Find the cell that contains *text*."""
    cells = nbformat.read(QUICKSTART, as_version=4).cells
    return next(n for n, cell in enumerate(cells) if text in cell.source)


def _line(pane: Locator, text: str) -> Locator:
    """Return the line of a pane's output that is *text*."""
    lines = pane.get_by_role("log").locator("> *")
    return lines.filter(has_text=re.compile(f"^{text}$"))
