"""The harness of the browser tests finds what fails in the page."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.browser.fixtures import OpenNotebook

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_an_error_is_seen(open_notebook: OpenNotebook, tmp_path: Path) -> None:
    """If a cell fails, run_all returns False, and its error is listed."""
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
