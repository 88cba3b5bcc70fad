"""A real JupyterLab and a real Chromium for tests, both off the network.

Tests that use them are marked ``browser`` and share one xdist group::

    pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

JupyterLab starts once per session, Chromium once per module, or once for all modules of
this folder: Playwright keeps an event loop running in the main thread, and other tests
must not run inside that loop.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.browser import chromium
from tests.browser.lab import PATIENCE, SCREENSHOTS, Lab, Notebook, serving
from tests.sandbox import sandbox

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
#: No name is looked up but our own, and the browser connects to nothing by itself.
FLAGS = (
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
)
#: Whether an element is in sight within all that scrolls it, up to a cell's outputs.
IN_SIGHT = """element => {
  const { top, bottom } = element.getBoundingClientRect();
  for (let box = element.parentElement; box; box = box.parentElement) {
    const around = box.getBoundingClientRect();
    if (getComputedStyle(box).overflowY === "visible") continue;
    if (top < around.top - 1 || bottom > around.bottom + 1) return false;
    if (box.matches(".jp-OutputArea")) break;
  }
  return true;
}"""
Picture = Callable[[Page | Locator, str], None]
OpenNotebook = Callable[[Path], Notebook]

expect.set_options(timeout=PATIENCE * 1000)


@contextmanager
def launched(home: Path) -> Iterator[Browser]:
    """Run Chromium without a window and with its own home folder."""
    path = chromium.find()
    assert path, chromium.HELP
    with sandbox(home) as environment, sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=path, args=list(FLAGS), env=dict(environment)
        )


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium."""
    with launched(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


def draws_widgets() -> None:
    """Skip where JupyterLab draws no widgets."""
    if metadata.version("ipywidgets").startswith("7."):
        pytest.skip("JupyterLab 4 draws the widgets of ipywidgets 8, not those of 7")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab server with its own home folder; nothing of it survives."""
    draws_widgets()
    with serving(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    """Take a picture of a page or a part of it, under a name."""
    folder = Path(os.environ.get(SCREENSHOTS, tmp_path))
    folder.mkdir(parents=True, exist_ok=True)

    def take(what: Page | Locator, name: str) -> None:
        # Not by path: Playwright would write in a thread that it keeps.
        (folder / f"{name}.png").write_bytes(what.screenshot())

    return take
