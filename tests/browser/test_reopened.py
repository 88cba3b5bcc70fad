"""A notebook whose kernel is gone, opened again in JupyterLab."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from tests.browser.fixtures import OpenNotebook
from tests.browser.lab import Lab, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

CELLS = ["%load_ext ipyproc", "%spawn sh -c 'echo one; echo two; exit 3'"]


def test_a_job_is_still_shown(
    open_notebook: OpenNotebook, lab: Lab, tmp_path: Path
) -> None:
    """The pane is replaced by what was saved: state and output, without a widget."""
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    made = new_notebook(cells=list(map(new_code_cell, CELLS)), metadata=metadata)
    path = tmp_path / "reopened.ipynb"
    nbformat.write(made, path)
    notebook = open_notebook(path)
    assert notebook.run_all(), notebook.errors()
    # The pane is in the HTML that is saved once that has reached the page.
    live = notebook.cell(1).locator("[id^='ipyproc-'] section.ipyproc-job")
    expect(live.locator(".ipyproc-state")).to_be_visible()
    notebook.command("docmanager:save")
    notebook.page.goto("about:blank")
    lab.end_kernels()

    again = Notebook(notebook.page, lab, path.name)

    cell = again.cell(1)
    expect(cell.locator("section.ipyproc-job")).to_have_attribute("data-name", "sh")
    expect(cell.locator(".ipyproc-status")).to_have_text("exit status 3")
    expect(cell.locator(".ipyproc-output")).to_have_text("onetwo")
    expect(cell.get_by_role("button", name="Save output")).to_have_count(0)
    expect(cell).not_to_contain_text("Error displaying widget")
