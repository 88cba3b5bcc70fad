"""The animated tour of the README, taken from the real thing by ``make pictures``."""

from __future__ import annotations

import io
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.lab import Notebook
from tests.readme import first_cells

HEIGHT = 640
#: Milliseconds for which a frame is seen: where something moves, and to read.
MOVES, TO_READ = 350, 1800
#: A shell in a terminal, and what is typed into it.
SHELL = "%spawn --pty --name shell --env PS1='$ ' bash --norc"
TYPED = ("ls *.ipynb\n", "echo a real terminal\n")
CELLS = [*first_cells()[:4], "%prockill train", SHELL]


class Tour:
    """What was seen so far, and for how long each of it."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._frames: list[Image.Image] = []
        self._lasts: list[int] = []

    def see(self, lasts: int = MOVES) -> None:
        """See the page as it is now."""
        page = self._notebook.page
        page.mouse.move(0, 0)
        shot = page.locator(".jp-NotebookPanel-notebook").screenshot()
        self._frames.append(Image.open(io.BytesIO(shot)).convert("RGB"))
        self._lasts.append(lasts)

    def save(self, path: Path) -> None:
        """Write it as a picture that moves."""
        first, *others = self._frames
        first.save(
            path,
            save_all=True,
            append_images=others,
            duration=self._lasts,
            loop=0,
            lossless=True,
            quality=100,
            method=6,
        )


def take(notebook: Notebook, path: Path) -> None:
    """Run the cells as a reader would, and write what is seen."""
    tour = Tour(notebook)
    notebook.start(0)
    train = notebook.start(1)
    for epoch in ("1", "2", "4", "6", "8"):
        _printed(train, re.compile(rf"epoch +{epoch}\d "))
        tour.see()
    tour.see(TO_READ)
    hello = notebook.start(2)
    _printed(hello, re.compile(r"name\?"))
    tour.see(TO_READ)
    field = hello.get_by_label("Standard input")
    for letter in "Ada":
        field.press(letter)
        tour.see()
    hello.get_by_role("button", name="Send").click()
    expect(hello.locator(".ipyproc-status").first).to_have_text("exit status 0")
    tour.see(TO_READ)
    table = notebook.start(3)
    expect(table.locator(".ipyproc-jobs")).to_contain_text("MB")
    tour.see(TO_READ)
    notebook.start(4)
    expect(table.locator("tr[data-name=train]")).to_contain_text("killed")
    tour.see(TO_READ)
    _shell(notebook, tour)
    tour.save(path)


def _shell(notebook: Notebook, tour: Tour) -> None:
    terminal = notebook.start(5).locator(".ipyproc-terminal")
    terminal.scroll_into_view_if_needed()
    expect(terminal).to_contain_text("$")
    tour.see(TO_READ)
    terminal.click()
    for line in TYPED:
        for at in range(0, len(line), 4):
            notebook.page.keyboard.type(line[at : at + 4])
            tour.see()
    expect(terminal).to_contain_text("\na real terminal")
    tour.see(TO_READ)


def _printed(cell: Locator, text: re.Pattern[str]) -> None:
    expect(cell.get_by_role("log")).to_contain_text(text)
