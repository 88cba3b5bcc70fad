"""What CONTRIBUTING.md says of the code is so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import ipyproc
from tests.layers import LAYERS

PACKAGE = Path(ipyproc.__file__).parent
ROOT = PACKAGE.parent
#: The folders that npm and the build of the page write.
BUILT = {"node_modules", "build", "static"}
TEXT = (ROOT / "CONTRIBUTING.md").read_text()


def _table(heading: str) -> list[list[str]]:
    """The cells of the rows below a heading; not the head of the table."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows[2:]]


def _code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_layers_are_those_that_are_tested() -> None:
    """The table of layers has the same parts in the same order as the rules."""
    there = [
        [part or "__init__" for part in parts if _exists(part)]
        for parts in LAYERS.values()
    ]

    shown = [[it.rstrip("/") for it in _code(row[0])] for row in _table("Layers")]
    assert shown == [parts for parts in there if parts]


def _exists(part: str) -> bool:
    return (PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").exists()


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and path.name not in BUILT:
            yield from _sources(path)
        elif path.suffix in {".py", ".ts"}:
            yield path


@pytest.mark.parametrize("row", _table("Private interfaces"), ids=lambda row: row[1])
def test_a_private_interface_is_used_where_the_table_says(row: list[str]) -> None:
    """The files of the table use the interface, and no other file does."""
    (what,) = _code(row[1])
    name = max(what.split("."), key=len)

    users = sorted(
        str(path.relative_to(PACKAGE))
        for path in _sources(PACKAGE)
        if re.search(rf"\b{name}\b", path.read_text())
    )
    assert users == _code(row[2])


def test_the_targets_are_there() -> None:
    """Each target of make that the text names has its line in ``make help``."""
    targets = set(re.findall(r"`make ([a-z0-9.-]+)", TEXT))

    makefile = (ROOT / "Makefile").read_text()
    told = set(re.findall(r"^([a-z-]+):.*##", makefile, re.M)) | {"test-floors"}
    assert targets - told == {"test-newest", "test-python3.13"}


@pytest.mark.parametrize("row", _table("Tests"), ids=lambda row: row[0])
def test_what_is_saved_is_tested_where_the_table_says(row: list[str]) -> None:
    """Each test of the table is in the file that is named before it."""
    source = ""
    for name in _code(" ".join(row)):
        if "/" in name:
            source = (ROOT / f"tests/{name}.py").read_text()
        else:
            assert f"\ndef {name}(" in source, name


def _unlike_the_others(source: str) -> list[str]:
    """The tests whose docstring is not one sentence on one line, by their names."""
    tests = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]
    return [it.name for it in tests if not _is_a_sentence(ast.get_docstring(it, False))]


def _is_a_sentence(text: str | None) -> bool:
    # A full stop within it is that of a number, a name or an abbreviation.
    return bool(text and re.fullmatch(r"\S(?:(?![.!?] [A-Z]).)*\.", text))


def test_the_docstring_of_a_test_is_one_sentence_on_one_line() -> None:
    """No test has another kind of docstring, or none."""
    unlike = {
        str(path.relative_to(ROOT)): found
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if (found := _unlike_the_others(path.read_text()))
    }

    assert unlike == {}


@pytest.mark.parametrize(
    ("docstring", "is_one"),
    [
        ('"""It ends."""', True),
        ('"""Python 3.11 and a.out are named, e.g. here."""', True),
        ('"""It ends. Go: TestEnd."""', False),
        ('"""It ends.\n\n    Or it does not.\n    """', False),
        ('"""\n    It ends.\n    """', False),
        ('"""It ends"""', False),
        ("...", False),
    ],
)
def test_another_kind_of_docstring_is_seen(docstring: str, is_one: bool) -> None:
    """What is not one sentence on one line is found, in async methods, too."""
    methods = f"class A:\n  async def test_it(self):\n    {docstring}"
    for source in (f"def test_it():\n    {docstring}", methods):
        assert _unlike_the_others(source) == ([] if is_one else ["test_it"])
