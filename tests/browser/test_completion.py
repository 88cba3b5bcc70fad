"""Completion in a notebook: what Tab inserts, and what the menu shows."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from tests.browser.fixtures import OpenNotebook, Picture
from tests.browser.lab import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

JOBS = """
%load_ext ipyproc
%spawn --quiet --name nightly-training sleep 1000
%spawn --quiet --name nightly-report sleep 1000
%spawn --quiet --name nightly-done --wait true
print("they run")
"""


@pytest.fixture
def notebook(open_notebook: OpenNotebook, tmp_path: Path) -> Notebook:
    """A notebook with two jobs that run, one that ended, and an empty cell."""
    path = tmp_path / "completion.ipynb"
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [new_code_cell(JOBS), new_code_cell("")]
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    notebook = open_notebook(path)
    expect(notebook.start(0)).to_contain_text("they run")
    return notebook


def test_tab_completes(notebook: Notebook, picture: Picture) -> None:
    """Tab offers running jobs by name and by pid, then options; no job that ended."""
    page, text = notebook.page, notebook.cell(1).locator(".cm-content")
    text.press_sequentially("%prockill ")
    expect(text).to_have_text("%prockill")
    # Before the completer has moved to this cell, Tab indents.
    editor = notebook.cell(1).locator(".jp-mod-completer-enabled")
    expect(editor).to_be_attached()
    expect(editor).not_to_have_class(re.compile("at-line-beginning|leading-whitespace"))
    expect(page.locator(".jp-Completer")).to_be_hidden()
    text.press("Tab")

    words = page.locator(".jp-Completer .jp-Completer-match")
    expect(words.filter(has_text="nightly-training")).to_be_visible()
    picture(page, "completion-jobs")
    found = words.all_inner_texts()
    assert found[:2] == ["nightly-training", "nightly-report"]
    assert sum(word.isdecimal() for word in found) == 2
    assert {"--signal", "--tree"} <= {*found}
    assert "nightly-done" not in found

    words.filter(has_text="nightly-training").click()
    expect(text).to_have_text("%prockill nightly-training")
