"""The notebooks in Chinese differ from those in English in their prose only.

The code is the same, so it runs in English only.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.readme import BROKEN, FENCED

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ENGLISH = sorted(NOTEBOOKS.glob("*.ipynb"))
CHINESE = NOTEBOOKS / "zh"
LINK = re.compile(r"\]\(([^)]+)\)")
HANZI = re.compile(r"[\u4e00-\u9fff]")
KEYS = re.compile(r"<kbd>.*?</kbd>")
#: A western mark between two Chinese characters.
WESTERN = re.compile(r"(?<=[\u4e00-\u9fff])[,;:?!()]|[,;:?!](?=[\u4e00-\u9fff])")
#: Italics, which Chinese does not use for emphasis.
SLANTED = re.compile(r"(?<!\*)\*[^*\s]*[\u4e00-\u9fff][^*\n]*\*(?!\*)")

each_notebook = pytest.mark.parametrize("path", ENGLISH, ids=lambda path: path.stem)


def test_the_set_is_whole() -> None:
    """Each notebook has a namesake in Chinese, and there is no other."""
    assert [path.name for path in sorted(CHINESE.glob("*.ipynb"))] == [
        path.name for path in ENGLISH
    ]


@each_notebook
def test_all_but_the_prose_is_equal(path: Path) -> None:
    """The cells, their order, names and tags, the code and the metadata are equal."""
    english, chinese = _both(path)
    for notebook in english, chinese:
        for cell in _prose(notebook):
            cell.source = ""

    assert chinese == english


@each_notebook
def test_the_prose_has_the_same_parts(path: Path) -> None:
    """Cells of prose have the same headings, code, rows, items, links and names."""
    english, chinese = ([*map(_parts, _prose(notebook))] for notebook in _both(path))

    assert chinese == english


@each_notebook
def test_all_prose_is_translated(path: Path) -> None:
    """All prose is in Chinese, with Chinese punctuation."""
    _, chinese = _both(path)
    sources = [(cell.id, FENCED.sub("", cell.source)) for cell in _prose(chinese)]

    assert [name for name, source in sources if not HANZI.search(source)] == []
    assert [
        (name, WESTERN.findall(source))
        for name, source in sources
        if WESTERN.search(source)
    ] == []


@each_notebook
def test_prose_is_set_as_chinese(path: Path) -> None:
    """A paragraph is one line, because a line's end shows as a gap; no italics."""
    _, chinese = _both(path)
    sources = [FENCED.sub("", cell.source) for cell in _prose(chinese)]

    assert [source for source in sources if BROKEN.search(source)] == []
    assert [it for source in sources for it in SLANTED.findall(source)] == []


@each_notebook
def test_links_lead_somewhere(path: Path) -> None:
    """Chinese notebooks link to Chinese ones."""
    _, chinese = _both(path)

    names = {name for cell in _prose(chinese) for name in LINK.findall(cell.source)}
    assert {name for name in names if not (CHINESE / name).exists()} == set()


def _both(path: Path) -> tuple[NotebookNode, NotebookNode]:
    english, chinese = (
        nbformat.read(it, as_version=4) for it in (path, CHINESE / path.name)
    )
    return english, chinese


def _prose(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def _parts(cell: NotebookNode) -> tuple[str, dict[str, list[str]]]:
    """Extract what must not depend on the language."""
    prose = FENCED.sub("", cell.source)
    return cell.id, {
        "code": FENCED.findall(cell.source),
        "lines": re.findall(r"^(#+ |- |\| |<\w+>|</\w+>|\*\*\d)", prose, re.M),
        "names": sorted({*re.findall(r"`([^`]+)`", prose)}),
        "links": LINK.findall(prose),
        "keys": KEYS.findall(prose),
    }
