"""A grid of which most lines are only text: cells are made where they are needed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Final

from ipyproc._jobs.output.grid import Grid
from ipyproc._jobs.output.line import Line

#: How many characters all lines together may have, unless one alone has more.
MOST_CHARS: Final = 1 << 20
# A cursor goes at most so far beyond the end of a line: else a few bytes would make
# thousands of blanks.
_REACH = 1023


class _Unread(Line):
    """A line of which nobody has needed the cells yet."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    @property
    def text(self) -> str:
        """What it shows."""
        return self._text

    @property
    def cells(self) -> int:
        """How many characters it has, which is near enough."""
        return len(self._text)


class TextGrid(Grid):
    """A grid without styles, of which most lines are only text.

    Lines have any length, and a tab is a character with as many cells as it takes.
    """

    def __init__(
        self,
        most_lines: int,
        dropped: Callable[[Line], None],
        rewritten: Callable[[str], None] | None,
    ) -> None:
        super().__init__(most_lines, MOST_CHARS, dropped)
        self._rewritten = rewritten
        # Whether the cursor was moved since it last wrote over something.
        self._moved = False

    @property
    def columns(self) -> int:
        """No line is broken."""
        return sys.maxsize

    @property
    def width(self) -> int:
        """How many cells the last line has."""
        return len(self.lines[-1].chars) if self.lines else 0

    @property
    def text(self) -> str:
        """All lines; after the last one there is a newline if the cursor was below."""
        below = self._top + self._bottom == len(self.lines)
        text = "\n".join([line.text for line in self.lines])
        return text + "\n" if below and self.lines else text

    def extend(self, texts: Sequence[str]) -> list[str]:
        """Add lines below; return those that no longer change, each with its end."""
        passing = max(0, len(texts) - self._most_lines)
        kept = len(self.lines) + len(texts) - passing
        self._forget(min(len(self.lines), max(0, kept - self._most_lines)))
        fixed = ["\n".join(texts[:passing]), "\n"] if passing else []
        self.lines += map(_Unread, texts[passing:])
        self._row = self._bottom = len(self.lines) - self._top
        self._resized(sum(map(len, texts[passing:])))
        return fixed

    def type(self, text: str) -> None:
        """Write *text*, which may have tabs, as a line below all others."""
        for number, part in enumerate(text.split("\t")):
            if number:
                self.tab()
            if part:
                self.write(part, "")
        self._moved = False

    def tab(self) -> None:
        """Go to the next stop; behind the end of the line a tab is written."""
        line, stop = self.line(), self.column // 8 * 8 + 8
        missing = self.column - len(line.chars)
        if missing >= 0:
            line.write(len(line.chars), " " * missing, "")
            line.chars += ["\t", *[""] * (stop - self.column - 1)]
            line.styles += [""] * (stop - self.column)
            self._resized(missing + stop - self.column)
        else:
            self._moved = True
        self.column = stop

    def go_to(self, row: int | None, column: int) -> None:
        """Go there, or to the nearest line and column."""
        super().go_to(row, column)
        self._moved = True

    def down(self) -> None:
        """Go to the next line."""
        super().down()
        self._moved = True

    def line(self) -> Line:
        """Return the line of the cursor, which has cells now."""
        line = super().line()
        if isinstance(line, _Unread):
            line = self._read(line.text)
        if self._moved and self.column < len(line.chars):
            self._moved = False
            self._tell(line.text)
        return line

    def erase(self, part: int) -> None:
        """Erase a part of the line."""
        at = self._top + self._row
        self._tell(self.lines[at].text if at < len(self.lines) else "")
        self._moved = False
        super().erase(part)

    def erase_below(self) -> None:
        """Erase what follows the cursor."""
        self._tell("\n".join(line.text for line in self.lines[self._top + self._row :]))
        super().erase_below()

    def erase_all(self) -> None:
        """Erase all lines."""
        self._tell(self.text)
        super().erase_all()

    def clear(self) -> None:
        """Remove all lines without a trace: their text was taken."""
        self._remove(0)
        self.begin_anew()

    def _rightmost(self) -> int:
        at = self._top + self._row
        line = self.lines[at] if at < len(self.lines) else None
        return max(_REACH, len(line.chars) if line else 0)

    def _read(self, text: str) -> Line:
        """Replace the line of the cursor by one that has cells."""
        column, moved = self.column, self._moved
        self._cells -= len(text)
        self.lines[self._top + self._row] = Line()
        self.column = 0
        self.type(text)
        self.column, self._moved = column, moved
        return super().line()

    def _tell(self, text: str) -> None:
        if self._rewritten and text:
            self._rewritten(text)
