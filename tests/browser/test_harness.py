"""The harness of the browser tests: a widget that is none of ours works in it."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from tests.browser.fixtures import OpenNotebook, Picture

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

BUTTON = """
import ipywidgets

def answer(_):
    label.value = "pressed"

button = ipywidgets.Button(description="press me")
button.on_click(answer)
label = ipywidgets.Label("waiting")
ipywidgets.HBox([button, label])
"""


def test_a_button_reaches_the_kernel(
    open_notebook: OpenNotebook, tmp_path: Path, picture: Picture
) -> None:
    """A press in the page runs Python, whose answer shows in the page."""
    notebook = open_notebook(_notebook(tmp_path, BUTTON))

    cell = notebook.start(0)
    expect(cell).to_contain_text("waiting")
    cell.get_by_role("button", name="press me").click()

    expect(cell).to_contain_text("pressed")
    for theme in ("dark", "light"):
        notebook.use_theme(theme)
        picture(notebook.page, f"harness-{theme}")


def test_an_error_is_seen(open_notebook: OpenNotebook, tmp_path: Path) -> None:
    """A cell that fails makes run_all say so, and its error is found."""
    notebook = open_notebook(_notebook(tmp_path, "1 / 0"))

    assert not notebook.run_all()
    assert notebook.errors() == ["division by zero"]


def _notebook(folder: Path, *sources: str) -> Path:
    """Write a notebook of code cells."""
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [new_code_cell(source) for source in sources]
    path = folder / "cells.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    return path
