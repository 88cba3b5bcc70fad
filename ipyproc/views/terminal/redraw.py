"""Output that draws a screen anew, for a page that comes when much was printed.

It is what a program would print to have a new screen as this one is: the lines, where
the cursor is, what each stream writes with, and what is begun.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ipyproc.views.terminal.screen import Screen

#: What goes to one stream.
Piece = tuple[str, str]

_FLAGS: Final = {
    "bold": "1",
    "dim": "2",
    "italic": "3",
    "underline": "4",
    "inverse": "7",
    "strike": "9",
}
_COLOURS: Final = {"fg": "38", "bg": "48", "underline colour": "58"}
_OTHER: Final = "stderr"


def redrawn(screen: Screen, first: int = 0) -> Iterator[Piece]:
    """Yield what draws *screen* on a new one, without the lines above *first*."""
    written: dict[str, Mapping[str, str]] = {}
    grid = screen.grid
    lines = grid.lines[first:]
    yield from _saved(screen, first)
    for number, line in enumerate(lines):
        if number:
            yield "stdout", "\n"
        for text, style in line.runs():
            words = style.split()
            stream = _OTHER if words[:1] == [_OTHER] else "stdout"
            attributes = _attributes(words[stream == _OTHER :])
            if written.get(stream, {}) != attributes:
                yield stream, _set(attributes)
                written[stream] = attributes
            yield stream, text
    row = max(len(lines) - 1, 0)
    if lines and not lines[-1].chars:
        yield "stdout", "x\r\x1b[K"  # so that it is a line, and not only the next place
    if grid.bottom - first > row:
        yield "stdout", "\n"
        row = grid.bottom - first
    yield "stdout", f"\x1b[{grid.row - first + 1};{grid.column + 1}H"
    for name, used in screen.streams.items():
        yield name, _set(used.pen.kept()) + used.begun


def _saved(screen: Screen, first: int) -> Iterator[Piece]:
    """Yield what saves the place that is saved, which may be below all lines."""
    row, column, attributes = screen.grid.saved
    row = max(row - first, 0)
    if row or column or attributes:
        move = "\n" * row + f"\x1b[{column + 1}G"
        yield "stdout", f"{move}{_set(attributes)}\x1b7\x1b[m\x1b]8;;\x1b\\\x1b[2J"
    yield "stdout", "\r"


def _attributes(words: list[str]) -> dict[str, str]:
    """Return the attributes that a style is made of."""
    pairs = (word.partition("=") for word in words)
    return {key: value for key, _, value in pairs}


def _set(attributes: Mapping[str, str]) -> str:
    """Return what has a stream write with these attributes and no others."""
    codes = ["0", *(_FLAGS[key] for key in attributes if key in _FLAGS)]
    for key, code in _COLOURS.items():
        if colour := attributes.get(key):
            codes.append(f"{code};{_colour(colour)}")
    link = attributes.get("link", "")
    return f"\x1b[{';'.join(codes)}m\x1b]8;;{link}\x1b\\"


def _colour(colour: str) -> str:
    if not colour.startswith("#"):
        return f"5;{colour}"
    return "2;" + ";".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
