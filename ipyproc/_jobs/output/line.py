"""A line of a screen: cells in columns, each with a character and its style."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import groupby

#: A piece of a line, all in one style (see ``views/terminal/sgr.py``).
Run = tuple[str, str]

# A cell holds one character and what combines with it, but not a megabyte of accents.
_STACK = 12


class Line:
    """Cells: a character each; the other cells of a wide character are empty."""

    __slots__ = ("chars", "styles")

    def __init__(self) -> None:
        self.chars: list[str] = []
        self.styles: list[str] = []

    @property
    def text(self) -> str:
        """What the line shows, without styles."""
        return "".join(self.chars)

    @property
    def cells(self) -> int:
        """How many cells it takes."""
        return len(self.chars)

    def runs(self) -> list[Run]:
        """Return the line as pieces of one style each."""
        cells = groupby(zip(self.chars, self.styles, strict=True), lambda cell: cell[1])
        return [("".join(char for char, _ in group), style) for style, group in cells]

    def write(self, column: int, text: str, style: str) -> None:
        """Write narrow characters from *column* on; *column* is at most the length."""
        end = column + len(text)
        self._split(column)
        self._split(end)
        self.chars[column:end] = text
        self.styles[column:end] = [style] * len(text)

    def put(self, column: int, char: str, style: str) -> int:
        """Write a character into *column*; return the column after it."""
        columns = width(char)
        if not columns:
            self._combine(column - 1, char)
            return column
        end = column + columns
        self._split(column)
        self._split(end)
        missing = end - len(self.chars)
        if missing > 0:
            self.write(len(self.chars), " " * missing, "")
        self.chars[column:end] = [char, ""][:columns]
        self.styles[column:end] = [style] * columns
        return end

    def erase(self, part: int, column: int) -> None:
        """Erase from *column* to the end (0), from the beginning to it (1), or all (2).

        Anything else erases nothing.
        """
        if part == 1:
            self._split(column + 1)
            end = min(column + 1, len(self.chars))
            self.chars[:end] = " " * end
            self.styles[:end] = [""] * end
        elif part in (0, 2):
            at = 0 if part else column
            self._split(at)
            del self.chars[at:], self.styles[at:]

    def _combine(self, at: int, char: str) -> None:
        """Add *char* to the character that is, or ends, in column *at*."""
        while 0 < at < len(self.chars) and not self.chars[at]:
            at -= 1
        if 0 <= at < len(self.chars) and len(self.chars[at]) < _STACK:
            self.chars[at] += char

    def _split(self, at: int) -> None:
        """Cut the line before column *at*; half a wide character becomes a blank."""
        if 0 < at < len(self.chars) and not self.chars[at]:
            begin = end = at
            while not self.chars[begin]:
                begin -= 1
            while end < len(self.chars) and not self.chars[end]:
                end += 1
            self.chars[begin:end] = " " * (end - begin)


@lru_cache(4096)
def width(char: str) -> int:
    """Return how many columns of a terminal *char* takes: 0, 1 or 2."""
    category = unicodedata.category(char)
    if category in ("Mn", "Me", "Cf") or "ᅠ" <= char <= "ᇿ":
        return 0
    if category == "Cn":  # of which Python 3.11 says that all are wide
        return 2 if any(first <= char <= last for first, last in _TO_BE_WIDE) else 1
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


# Where Unicode keeps room for more characters of two columns: UAX #11 and new emoji.
_TO_BE_WIDE = (
    ("\u2e80", "\ua4cf"),
    ("\uf900", "\ufaff"),
    ("\U00016fe0", "\U0001b2fb"),
    ("\U0001f200", "\U0001faff"),
    ("\U00020000", "\U0003fffd"),
)
