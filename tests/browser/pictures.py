"""Take the pictures of the README from the real thing: ``make pictures``.

The cells are those of README.md itself, run in JupyterLab as a reader would run them.
Each picture is taken in both themes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.browser import chromium, tour
from tests.browser.fixtures import FLAGS, NOTEBOOKS
from tests.browser.lab import Notebook, serving
from tests.readme import first_cells
from tests.sandbox import sandbox

FOLDER = NOTEBOOKS / "pictures"
WIDTH, HEIGHT = 940, 1400
#: What the README shows beside its own cells.
EXPLORE = "from ipyproc.views import explore\n\nexplore(0x8B)"
#: A debugger in a terminal, and what is typed into it.
DEBUGGED = """%%spawn --pty --name debug --script python3 -m pdb
def mean(numbers):
    return sum(numbers) / len(numbers)


print(mean([3, 4, 5]))
"""
TYPED = ("break mean\n", "continue\n", "args\n", "p sum(numbers)\n", "continue\n")
#: A job that is started, and is there again in another kernel.
NIGHTLY = """%%spawn --detach --name nightly python3 -u -
import time
print("nightly training, 4 datasets")
for epoch in range(1, 10_000):
    sum(range(500_000))  # hard work
    if epoch % 20 == 0:
        print(f"epoch {epoch:4}  loss {9 / epoch:.4f}")
    time.sleep(0.02)
"""
AGAIN = ["%load_ext ipyproc", "%procattach nightly", "%prockill nightly"]
#: What JupyterLab adds to the cell where the cursor is.
PLAIN = ".jp-cell-toolbar, .jp-Collapser { visibility: hidden }"
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
PATIENCE = 60_000


def main() -> str | None:
    """Take all pictures; what is returned says why that cannot be."""
    if not chromium.find():
        return chromium.HELP
    expect.set_options(timeout=PATIENCE)
    FOLDER.mkdir(exist_ok=True)
    with _notebook([*first_cells(), EXPLORE, DEBUGGED]) as notebook:
        _take_all(notebook)
    with _notebook(["%load_ext ipyproc", NIGHTLY, *AGAIN]) as notebook:
        _take_again(notebook)
    with _notebook(tour.CELLS, tour.HEIGHT, scale=1) as notebook:
        tour.take(notebook, FOLDER / "tour.webp")
    return None


@contextmanager
def _notebook(
    cells: list[str], height: int = HEIGHT, scale: int = 2
) -> Iterator[Notebook]:
    """Open a notebook with these cells in a JupyterLab and a Chromium of its own."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        with serving(home) as lab, sandbox(home), sync_playwright() as playwright:
            path = lab.root / "pictures.ipynb"
            sheet = new_notebook(cells=list(map(new_code_cell, cells)), metadata=KERNEL)
            nbformat.write(sheet, path)
            browser = playwright.chromium.launch(
                executable_path=chromium.find(), args=list(FLAGS)
            )
            page = browser.new_page(
                viewport={"width": WIDTH, "height": height}, device_scale_factor=scale
            )
            page.set_default_timeout(PATIENCE)
            notebook = Notebook(page, lab, path.name)
            page.add_style_tag(content=PLAIN)
            yield notebook
            browser.close()


def _take_all(notebook: Notebook) -> None:
    notebook.start(0)
    train = notebook.start(1)
    expect(_log(train)).to_contain_text(re.compile(r"epoch +([4-9]\d|\d{3}) "))
    answer = notebook.start(2)
    expect(_log(answer)).to_contain_text("name?")
    answer.get_by_label("Standard input").fill("Ada")
    _take(notebook, "pane", train, answer)
    answer.get_by_role("button", name="Send").click()
    expect(_badge(answer)).to_have_text("exit status 0")
    table = notebook.start(3)
    expect(table.locator(".ipyproc-jobs")).to_contain_text("train")
    _take(notebook, "procs", table)
    notebook.start(4)
    expect(_badge(train)).to_have_text("signal: killed")
    _take(notebook, "state", train)
    _take(notebook, "explore", notebook.start(5))
    debug = notebook.start(6)
    terminal = debug.locator(".ipyproc-terminal")
    terminal.scroll_into_view_if_needed()  # it draws nothing that nobody sees
    expect(terminal).to_contain_text("(Pdb)")
    terminal.click()
    for line in TYPED:
        notebook.page.keyboard.type(line)
    expect(terminal).to_contain_text("restart")
    _take(notebook, "terminal", debug)


def _take_again(notebook: Notebook) -> None:
    notebook.start(0)
    nightly = notebook.start(1)
    expect(_log(nightly)).to_contain_text("epoch  100")
    notebook.restart()
    said = notebook.start(2)
    expect(said).to_contain_text("a detached job of this notebook runs")
    again = notebook.start(3)
    expect(_log(again)).to_contain_text("nightly training")
    _take(notebook, "again", said, again)
    expect(notebook.start(4)).to_contain_text("SIGKILL sent")


def _take(notebook: Notebook, name: str, *cells: Locator) -> None:
    """Take a picture of cells that follow each other, in both themes."""
    for theme in ("dark", "light"):
        notebook.use_theme(theme)
        path = FOLDER / f"{name}-{theme}.png"
        path.write_bytes(_shot(notebook.page, cells))
        print(f"{path.relative_to(NOTEBOOKS.parent)}  {path.stat().st_size >> 10} KB")


def _shot(page: Page, cells: tuple[Locator, ...]) -> bytes:
    cells[0].scroll_into_view_if_needed()
    page.mouse.move(0, 0)
    boxes = [box for cell in cells if (box := cell.bounding_box())]
    top = min(box["y"] for box in boxes)
    bottom = max(box["y"] + box["height"] for box in boxes)
    left, width = boxes[0]["x"], boxes[0]["width"]
    clip = {"x": left, "y": top, "width": width, "height": bottom - top}
    return page.screenshot(clip=clip, animations="disabled")


def _log(cell: Locator) -> Locator:
    return cell.get_by_role("log")


def _badge(cell: Locator) -> Locator:
    return cell.locator(".ipyproc-status").first


if __name__ == "__main__":
    sys.exit(main())
