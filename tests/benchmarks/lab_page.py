"""A page of a real JupyterLab in a real Chromium, for what is measured there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Page, sync_playwright

from tests.browser import chromium
from tests.browser.fixtures import FLAGS
from tests.browser.lab import Lab, Notebook, serving
from tests.sandbox import sandbox


@contextmanager
def lab_page(script: str) -> Iterator[tuple[Lab, Page]]:
    """Open a page without a network, in which *script* runs first, and a JupyterLab."""
    path = chromium.find()
    assert path, chromium.HELP
    with TemporaryDirectory() as home, sandbox(Path(home)) as environment:
        folder = Path(home, "lab")
        folder.mkdir()
        with serving(folder) as lab, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=path, args=list(FLAGS), env=dict(environment)
            )
            page = browser.new_page(viewport={"width": 1100, "height": 900})
            page.set_default_timeout(120_000)
            page.add_init_script(script)
            yield lab, page
            browser.close()


def opened(page: Page, lab: Lab, cells: list[str]) -> Notebook:
    """Open a notebook with these cells, below one that loads the extension."""
    sources = ["%load_ext ipyproc", *cells]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    made = new_notebook(cells=list(map(new_code_cell, sources)), metadata=metadata)
    nbformat.write(made, lab.root / "page.ipynb")
    notebook = Notebook(page, lab, "page.ipynb")
    notebook.start(0)
    page.wait_for_function("document.querySelector('.jp-InputPrompt').innerText > '['")
    return notebook


def close(page: Page, lab: Lab) -> None:
    """Leave the page, and end its kernels."""
    page.goto("about:blank")
    lab.end_kernels()
