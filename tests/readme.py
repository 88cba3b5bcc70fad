"""The READMEs as tests and pictures see them: headings, prose and blocks of code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENGLISH = ROOT / "README.md"
CHINESE = ROOT / "README.zh-CN.md"
#: A block of code in Markdown.
FENCED = re.compile(r"^```\w*\n.*?^```$", re.MULTILINE | re.DOTALL)
#: A line that ends within a paragraph, after a Chinese character or mark.
BROKEN = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]\n *(?=[^\s|#*-])")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ ", re.MULTILINE)
#: How many blocks, from the first on, are the cells to paste.
_FIRST_CELLS = 5


@dataclass(frozen=True)
class Block:
    """A block of code, and the line of the file at which it begins."""

    language: str
    source: str
    line: int


def blocks(path: Path, language: str | None = None) -> list[Block]:
    """List the blocks of a file in order, all or those in one language."""
    text = path.read_text()
    found = [
        Block(match[1], match[2], text[: match.start()].count("\n") + 1)
        for match in _BLOCK.finditer(text)
    ]
    return [block for block in found if language in (None, block.language)]


def prose(path: Path) -> str:
    """Return what is not code."""
    return _BLOCK.sub("", path.read_text())


def headings(path: Path) -> list[int]:
    """List the levels of the headings."""
    return [len(found) - 1 for found in _HEADING.findall(prose(path))]


def first_cells() -> list[str]:
    """Return the cells that a reader pastes first."""
    return [block.source.rstrip() for block in blocks(ENGLISH, "python")[:_FIRST_CELLS]]
