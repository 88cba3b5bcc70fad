"""Lines of cells and a cursor: what a terminal without a height holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ipyproc._jobs.output.line import Line, width

#: The column at which a longer line is broken.
COLUMNS: Final = 4096

# A place, and the attributes that the stream which saved it wrote with.
_Saved = tuple[int, int, dict[str, str]]


class Grid:
    """The lines that streams write, and the one cursor that they all move.

    Streams share the cursor as they would on one terminal, so that a prompt on one and
    the answer on the other stand on one line, in order of arrival. The first row is the
    first line since all was erased, or the first that is still kept.

    It keeps *most_lines*, and *most_cells* if there is more than one line; the oldest
    ones are handed to *dropped*.
    """

    def __init__(
        self, most_lines: int, most_cells: int, dropped: Callable[[Line], None]
    ) -> None:
        #: From the oldest to the newest.
        self.lines: list[Line] = []
        #: The column of the cursor.
        self.column = 0
        self._most_lines = most_lines
        self._most_cells = most_cells
        self._dropped = dropped
        # The index of the first row: what lies above is out of the cursor's reach.
        self._top = 0
        # The line below the last one is not begun before something is written to it.
        self._row = self._bottom = 0
        self._saved: _Saved = (0, 0, {})
        self._cells = 0

    def write(self, text: str, style: str) -> None:
        """Write *text* that has no controls."""
        if not text.isascii() and any(width(char) != 1 for char in set(text)):
            for char in text:
                self._put(char, style)
            return
        while text:
            room = self.columns - self.column
            if room > 0:
                self._write(text[:room], style)
                text = text[room:]
            else:
                self.new_line()

    def _write(self, text: str, style: str) -> None:
        """Write narrow characters for which there is room in the line."""
        line = self.line()
        before = len(line.chars)
        if self.column > before:
            line.write(before, " " * (self.column - before), "")
        line.write(self.column, text, style)
        self.column += len(text)
        self._resized(len(line.chars) - before)

    @property
    def columns(self) -> int:
        """The column at which a longer line is broken."""
        return COLUMNS

    def new_line(self) -> None:
        """Go to the beginning of the next line."""
        self.down()
        self.column = 0

    def down(self) -> None:
        """Go to the same column of the next line, which may be a new one."""
        self.line()
        self._row += 1
        self._bottom = max(self._bottom, self._row)

    def tab(self) -> None:
        """Go to the next column of which the number is a multiple of 8."""
        self.column = min(self.column // 8 * 8 + 8, COLUMNS - 1)

    def move(self, rows: int, columns: int) -> None:
        """Move the cursor, as far as there are lines and columns."""
        self.go_to(self._row + rows, self.column + columns)

    def go_to(self, row: int | None, column: int) -> None:
        """Go there, or to the nearest line and column; ``None`` is the cursor's row."""
        self._row = self._row if row is None else max(0, min(row, self._bottom))
        self.column = max(0, min(column, self._rightmost()))

    def save(self, attributes: dict[str, str]) -> None:
        """Remember where the cursor is, and *attributes*."""
        self._saved = self._row, self.column, attributes

    def restore(self) -> dict[str, str]:
        """Go back to what was saved last, and return the attributes of then."""
        row, column, attributes = self._saved
        self.go_to(row, column)
        return attributes

    def erase(self, part: int) -> None:
        """Erase the line from the cursor on (0), up to it (1), or all of it (2)."""
        if self._top + self._row < len(self.lines):
            line = self.line()
            before = len(line.chars)
            line.erase(part, self.column)
            self._resized(len(line.chars) - before)

    def erase_below(self) -> None:
        """Erase what follows the cursor."""
        self.erase(0)
        self._remove(self._top + self._row + 1)
        self._bottom = self._row

    def erase_all(self) -> None:
        """Erase all lines. On a terminal the cursor stays, below empty rows."""
        self._remove(self._top)
        self._row = self._bottom = 0

    def begin_anew(self) -> None:
        """Go below all lines, and leave them as they are for ever."""
        self._top = len(self.lines)
        self._row = self._bottom = self.column = 0
        self._saved = 0, 0, {}

    @property
    def is_below(self) -> bool:
        """Whether the cursor is at the beginning of a line that is not begun yet."""
        return self.column == 0 and self._top + self._row == len(self.lines)

    def line(self) -> Line:
        """Return the line of the cursor."""
        if self._top + self._row == len(self.lines):
            self.lines.append(Line())
            self._drop()
        return self.lines[self._top + self._row]

    @property
    def top(self) -> int:
        """The index of the first line that the cursor can go to."""
        return self._top

    @property
    def row(self) -> int:
        """The index of the line of the cursor, which may not be begun."""
        return self._top + self._row

    @property
    def bottom(self) -> int:
        """The index of the lowest line that the cursor was in."""
        return self._top + self._bottom

    @property
    def saved(self) -> _Saved:
        """The place that was saved: row and column, and the attributes of then."""
        return self._saved

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return self._cells

    def place(self, row: int, bottom: int, column: int) -> None:
        """Put the cursor into the line *row*; the lowest one is *bottom*."""
        self._row, self._bottom = row - self._top, bottom - self._top
        self.column = column

    def cut(self, row: int) -> None:
        """Remove the lines from *row* on."""
        self._remove(row)

    def add_lines(self, count: int) -> int:
        """Add empty lines; return how many of them would be dropped at once."""
        passing = max(0, count - self._most_lines)
        if passing:
            self._forget(len(self.lines) + passing)
        self.lines += [Line() for _ in range(count - passing)]
        self._drop()
        return passing

    def _rightmost(self) -> int:
        return COLUMNS - 1

    def _put(self, char: str, style: str) -> None:
        if self.column + width(char) > self.columns:
            self.new_line()
        line = self.line()
        before = len(line.chars)
        self.column = line.put(self.column, char, style)
        self._resized(len(line.chars) - before)

    def _remove(self, first: int) -> None:
        """Remove the lines from *first* on."""
        self._cells -= sum(line.cells for line in self.lines[first:])
        del self.lines[first:]

    def _resized(self, cells: int) -> None:
        self._cells += cells
        self._drop()

    def _drop(self) -> None:
        while len(self.lines) > self._most_lines or (
            self._cells > self._most_cells and len(self.lines) > 1
        ):
            self._forget(1)

    def _forget(self, count: int) -> None:
        """Drop the oldest lines; a cursor in them moves to the first that is left."""
        for line in self.lines[:count]:
            self._cells -= line.cells
            self._dropped(line)
        del self.lines[:count]
        above = min(count, self._top)
        self._top -= above
        count -= above
        if self._row < count:
            self.column = 0
        self._row = max(self._row - count, 0)
        self._bottom = max(self._bottom - count, 0)
        row, column, attributes = self._saved
        self._saved = max(row - count, 0), column, attributes
