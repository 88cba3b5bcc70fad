"""One Chromium and one page for all tests of this folder, which run one by one.

Loading JupyterLab takes seconds, so the tests open their notebooks in the same page.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.fixtures import OpenNotebook, Picture, launched
from tests.browser.lab import CLOSE, PATIENCE, Lab, Notebook


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium."""
    with launched(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="package")
def tab(browser: Browser) -> Iterator[Page]:
    """The page."""
    with browser.new_context(viewport={"width": 1100, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        yield page


@pytest.fixture
def page(tab: Page, request: pytest.FixtureRequest, picture: Picture) -> Iterator[Page]:
    """The page, as the last test left it; its picture, if the test fails."""
    failed = request.session.testsfailed
    yield tab
    if request.session.testsfailed > failed:
        picture(tab, request.node.name)
        tab.goto("about:blank")  # the next test must not get a broken page


@pytest.fixture
def open_notebook(lab: Lab, page: Page) -> Iterator[OpenNotebook]:
    """Open notebooks in JupyterLab; they are closed, and their kernels end."""
    opened: list[Notebook] = []
    page.evaluate(CLOSE)

    def open_(path: Path) -> Notebook:
        shutil.copy(path, lab.root)
        opened.append(Notebook(page, lab, path.name))
        return opened[-1]

    yield open_
    # A page that asks for a kernel that has just ended shows an error.
    for notebook in opened:
        notebook.close()
    lab.end_kernels()
