"""Where a piece of output moves the cursor, wherever it begins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ipyproc.views.terminal.screen import LINES

_NUMBERS = re.compile(r"\x1b\[([0-9]*)(?:;([0-9]*))?")
# No frame is deeper or higher, so that each of its rows is there (see `Rows`).
_DEEPEST: Final = 60
_HIGHEST: Final = LINES // 2
# No row is broken.
_WIDEST: Final = 4000


@dataclass(frozen=True, slots=True)
class Effect:
    """What a frame does to the cursor.

    It ends *net* rows below where it began, or below the top if *is_absolute*; it comes
    to *depth* rows above its beginning, *height* rows below, and to *columns* at most.
    *is_fixed*: what it writes to does not depend on the column at its beginning, nor
    what it leaves in force on what was.
    """

    net: int
    depth: int
    height: int
    columns: int
    is_absolute: bool
    is_fixed: bool


class Path:
    """Follows the cursor through text and escapes.

    So many rows are certainly there below the one that it begins in.
    """

    def __init__(self, lowest: int) -> None:
        self._row = self._height = self._depth = 0
        self._lowest = lowest
        self._is_absolute = False
        # Columns, of all rows together.
        self._columns = 0
        self._is_in_known_column = False
        self._is_fixed = True

    @property
    def is_unlimited(self) -> bool:
        """Whether it may come to rows that are not there, or to the end of a row."""
        return (
            self._depth > _DEEPEST or self._height > _HIGHEST or self._columns > _WIDEST
        )

    def effect(self, is_neutral: bool) -> Effect:
        """Return what all of it did."""
        return Effect(
            self._row,
            self._depth,
            self._height,
            self._columns,
            self._is_absolute,
            self._is_fixed and is_neutral,
        )

    def write(self, token: bytes) -> None:
        """Write characters, or obey a control."""
        if token == b"\n":
            self._go(self._row + 1)
            self._is_in_known_column = True
        elif token == b"\r":
            self._is_in_known_column = True
        elif token != b"\a":
            self._columns += 8 if token == b"\t" else len(token)
            self._depends_on_column()

    def obey(self, escape: str) -> bool:
        """Obey an escape; return whether it is certain where the cursor is then."""
        numbers = _NUMBERS.match(escape)
        if not numbers or escape[2:3] in "?<=>":
            return escape != "\x1bc"
        kind, first = escape[-1], int(numbers[1] or 0)
        count = first or 1
        match kind:
            case "A" | "F":
                self._row -= count
                self._depth = max(self._depth, -self._row)
                if self._is_absolute and self._row < 0:
                    return False
            case "B" | "E":
                if self._row + count > self._lowest:
                    return False
                self._row += count
            case "H" | "f":
                return self._place(count - 1, int(numbers[2] or 0))
            case "J":
                return self._erase(first)
            case "C" | "G":
                self._columns += count
            case "K" if first == 2:
                return True
        if kind in "EFG":
            self._is_in_known_column = True
        elif kind in "CDK":
            self._depends_on_column()
        return True

    def _place(self, row: int, column: int) -> bool:
        if row and not (self._is_absolute and row <= self._lowest):
            return False
        self._begin_at_top(row)
        self._columns += column
        self._is_in_known_column = True
        return True

    def _erase(self, part: int) -> bool:
        if part == 0:
            self._depends_on_column()
            self._lowest = self._row
        elif part == 2:
            self._begin_at_top(0)
            self._lowest = 0
        return True

    def _begin_at_top(self, row: int) -> None:
        if not self._is_absolute:
            has_begun = self._row or self._height or self._columns
            self._is_fixed = self._is_fixed and not has_begun
            self._is_absolute, self._lowest = True, 0
        self._row = row

    def _go(self, row: int) -> None:
        self._row = row
        self._lowest = max(self._lowest, row)
        self._height = max(self._height, row)

    def _depends_on_column(self) -> None:
        self._is_fixed = self._is_fixed and self._is_in_known_column
