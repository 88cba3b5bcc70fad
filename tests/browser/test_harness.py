"""The harness of the browser tests finds what fails in the page."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.browser import lab as harness
from tests.browser.fixtures import OpenNotebook
from tests.browser.lab import Lab

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_an_error_is_seen(open_notebook: OpenNotebook, tmp_path: Path) -> None:
    """If a cell fails, run_all returns False, and its error is listed."""
    notebook = open_notebook(_notebook(tmp_path, "1 / 0"))

    assert not notebook.run_all()
    assert notebook.errors() == ["division by zero"]


def test_a_kernel_that_does_not_answer(
    open_notebook: OpenNotebook,
    lab: Lab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error says what the page knows of it, and ends with the server's log."""
    folder = lab.root.parent / ".local/share/jupyter/kernels/silent"
    folder.mkdir(parents=True, exist_ok=True)
    spec = {"argv": ["sleep", "99"], "display_name": "silent", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setattr(harness, "PATIENCE", 3)

    with pytest.raises(AssertionError, match=r"cells\.ipynb(?s:.*)Kernel started"):
        open_notebook(_notebook(tmp_path, kernel="silent"))


def _notebook(folder: Path, *sources: str, kernel: str = "python3") -> Path:
    """Write a notebook of code cells."""
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel}}
    cells = [new_code_cell(source) for source in sources]
    path = folder / "cells.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    return path
