"""The cells of a terminal: rows and columns, a cursor, margins, and two screens."""

from __future__ import annotations

from collections import deque
from typing import Final

from ipyproc._jobs.output.line import Line, width

_TAB: Final = 8


class Screen:
    """One of the two screens: its rows, and the cursor that was saved on it."""

    def __init__(self, rows: int) -> None:
        self.lines = [Line() for _ in range(rows)]
        self.saved: tuple[int, int, dict[str, str]] = (0, 0, {})


class Cells:
    """What a terminal of a size shows, and *most* lines that were scrolled off the top.

    Lines that leave the alternate screen, or a part of the screen, are gone.
    """

    def __init__(self, rows: int, columns: int, most: int) -> None:
        self.rows, self.columns = rows, columns
        #: What was scrolled off the top, newest last, and how many lines that was.
        self.above: deque[Line] = deque(maxlen=most)
        self.scrolled = 0
        self.row = self.column = 0
        #: Whether text goes on in the next row, whether it moves what is there aside,
        #: and whether places are counted from the margin.
        self.wraps, self.inserts, self.is_origin = True, False, False
        #: The style of what is erased.
        self.ground = ""
        self._main, self._alternate = Screen(rows), Screen(rows)
        self._screen = self._main
        self._top, self._bottom = 0, rows - 1
        # The cursor is behind the last column: the next character wraps.
        self._is_behind = False

    @property
    def is_alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        return self._screen is self._alternate

    @property
    def lines(self) -> list[Line]:
        """The rows of the screen that is shown."""
        return self._screen.lines

    def resize(self, rows: int, columns: int) -> None:
        """Change the size; what is there stays at the bottom, not wrapped anew."""
        if (rows, columns) == (self.rows, self.columns):
            return
        for screen in (self._main, self._alternate):
            self._fit(screen, rows)
        self.rows, self.columns = rows, columns
        self.margins(0, rows - 1)
        self.go_to(self.row, self.column)

    def _fit(self, screen: Screen, rows: int) -> None:
        lines, is_shown = screen.lines, screen is self._screen
        while len(lines) > rows:
            blank = not lines[-1].chars and not (
                is_shown and self.row == len(lines) - 1
            )
            if blank:
                lines.pop()
            else:
                self._leave(screen, lines.pop(0))
                self.row -= is_shown
        while len(lines) < rows:
            if screen is self._main and self.above:
                lines.insert(0, self.above.pop())
                self.scrolled -= 1
                self.row += is_shown
            else:
                lines.append(Line())

    def write(self, text: str, style: str) -> None:
        """Write *text* that has no controls."""
        if text.isascii() or all(width(char) == 1 for char in set(text)):
            while text:
                self._wrap(1)
                room = self.columns - self.column
                self._put(text[:room], style)
                text = text[room:]
                if text and not self.wraps:
                    text = text[-1]  # each overwrites the last column
                    self.column, self._is_behind = self.columns - 1, False
            return
        for char in text:
            columns = width(char)
            if columns:
                self._wrap(columns)
            self._put(char, style, columns)

    def _put(self, text: str, style: str, columns: int | None = None) -> None:
        line = self.lines[self.row]
        size = len(text) if columns is None else columns
        if self.inserts:
            self.insert(size)
        if columns is None:
            self._reach(line)
            line.write(self.column, text, style)
        else:
            line.put(self.column + self._is_behind, text, style)
        self.column += size
        self._is_behind = self.column >= self.columns
        if self._is_behind:
            self.column = self.columns - 1

    def _reach(self, line: Line, column: int | None = None) -> None:
        """Make a line as long as needed for *column*, or the cursor's."""
        missing = (self.column if column is None else column) - len(line.chars)
        if missing > 0:
            line.write(len(line.chars), " " * missing, "")

    def _wrap(self, columns: int) -> None:
        is_full = self._is_behind or self.column + columns > self.columns
        if is_full and self.wraps:
            if columns > 1 and not self._is_behind:
                self.blank(1)  # half of it would be in this row
            self.column = 0
            self.index()
        self._is_behind = False

    # --- the cursor

    def go_to(self, row: int | None, column: int | None) -> None:
        """Go there, or as near as there are rows and columns; ``None``: stay."""
        top, bottom = (
            (self._top, self._bottom) if self.is_origin else (0, self.rows - 1)
        )
        if row is not None:
            self.row = max(top, min(row + (top if self.is_origin else 0), bottom))
        if column is not None:
            self.column = max(0, min(column, self.columns - 1))
        self._is_behind = False

    def move(self, rows: int, columns: int) -> None:
        """Move the cursor, not beyond a margin that it is within."""
        top = self._top if self.row >= self._top else 0
        bottom = self._bottom if self.row <= self._bottom else self.rows - 1
        self.row = max(top, min(self.row + rows, bottom))
        self.column = max(0, min(self.column + columns, self.columns - 1))
        self._is_behind = False

    def tab(self, count: int) -> None:
        """Go *count* tab stops on, or back; not once the row is full."""
        if self._is_behind:
            return
        stop = self.column // _TAB if count > 0 else -(-self.column // _TAB)
        self.go_to(None, (stop + count) * _TAB)

    def index(self) -> None:
        """Go down a row; the screen scrolls at its bottom."""
        if self.row == self._bottom:
            self.scroll(1)
        elif self.row < self.rows - 1:
            self.row += 1
        self._is_behind = False

    def reverse_index(self) -> None:
        """Go up a row; the screen scrolls back at its top."""
        if self.row == self._top:
            self.scroll(-1)
        elif self.row:
            self.row -= 1
        self._is_behind = False

    def save(self, attributes: dict[str, str]) -> None:
        """Remember where the cursor is, and *attributes*."""
        # With a column behind the last one what follows wraps, also once restored.
        self._screen.saved = self.row, self.column + self._is_behind, attributes

    def restore(self) -> dict[str, str]:
        """Go back to what was saved last, and return the attributes of then."""
        row, column, attributes = self._screen.saved
        self.row = min(row, self.rows - 1)
        self._is_behind = column >= self.columns
        self.column = min(column, self.columns - 1)
        return attributes

    # --- rows

    def margins(self, top: int, bottom: int) -> None:
        """Scroll only the rows from *top* to *bottom* from now on."""
        bottom = min(bottom, self.rows - 1)
        if 0 <= top < bottom:
            self._top, self._bottom = top, bottom

    def scroll(self, count: int) -> None:
        """Scroll what is within the margins up, or down."""
        self._shift(self._top, count)

    def shift(self, count: int) -> None:
        """Remove rows at the cursor, or insert some."""
        self._is_behind = False
        if self._top <= self.row <= self._bottom:
            self._shift(self.row, count)
            self.go_to(None, 0)

    def _shift(self, top: int, count: int) -> None:
        lines, bottom = self.lines, self._bottom
        for _ in range(min(abs(count), bottom - top + 1)):
            if count < 0:
                del lines[bottom]
                lines.insert(top, self._blank())
                continue
            line = lines.pop(top)
            lines.insert(bottom, self._blank())
            if top == 0 and self.row >= 0:
                self._leave(self._screen, line)

    def _leave(self, screen: Screen, line: Line) -> None:
        if screen is self._main:
            self.above.append(line)
            self.scrolled += 1

    # --- what is erased

    def erase(self, part: int) -> None:
        """Erase the row from the cursor on (0), up to it (1), or all of it (2)."""
        self._erase(self.row, part)

    def erase_screen(self, part: int) -> None:
        """Erase the screen from the cursor on (0), up to it (1), or all of it (2)."""
        if part in (0, 1):
            self.erase(part)
        rows = {
            0: range(self.row + 1, self.rows),
            1: range(self.row),
            2: range(self.rows),
        }
        for row in rows.get(part, ()):
            self._erase(row, 2)
        if part == 3:
            self.above.clear()

    def blank(self, count: int) -> None:
        """Erase *count* characters from the cursor on."""
        self._is_behind = False
        count = min(count, self.columns - self.column)
        line = self.lines[self.row]
        self._reach(line)
        line.write(self.column, " " * count, self.ground)

    def insert(self, count: int) -> None:
        """Move what follows the cursor aside."""
        self._is_behind = False
        line = self.lines[self.row]
        self._reach(line)
        line.write(self.column, "", "")  # half a wide character becomes a blank
        line.chars[self.column : self.column] = " " * count
        line.styles[self.column : self.column] = [self.ground] * count
        line.erase(0, self.columns)

    def remove(self, count: int) -> None:
        """Remove characters at the cursor; what follows moves up."""
        self._is_behind = False
        line = self.lines[self.row]
        end = self.column + count
        if self.column < len(line.chars):
            line.write(self.column, line.text[:0], "")
            del line.chars[self.column : end], line.styles[self.column : end]

    def _erase(self, row: int, part: int) -> None:
        line = self.lines[row]
        # Behind the last column there is nothing to erase.
        column = self.column + (self._is_behind and part == 0)
        line.erase(part, column)
        if self.ground and part in (0, 2):
            begin = column if part == 0 else 0
            self._reach(line, begin)
            line.write(begin, " " * (self.columns - begin), self.ground)

    def _blank(self) -> Line:
        line = Line()
        if self.ground:
            line.write(0, " " * self.columns, self.ground)
        return line

    # --- the screens

    def use(self, alternate: bool) -> None:
        """Show the alternate screen, which is empty then, or the other one again."""
        if alternate == self.is_alternate:
            return
        if alternate:
            saved = self._alternate.saved
            self._alternate = Screen(self.rows)
            self._alternate.saved = saved
        self._screen = self._alternate if alternate else self._main
        self._is_behind = False

    def reset(self) -> None:
        """Be as at first; what was scrolled off stays."""
        self.__dict__.update(
            Cells(self.rows, self.columns, 1).__dict__
            | {"above": self.above, "scrolled": self.scrolled}
        )
