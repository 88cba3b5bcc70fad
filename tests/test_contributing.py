"""What CONTRIBUTING.md says of the code is so."""

from __future__ import annotations

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
