"""A terminal of a size: for programs that know that they have one.

They wrap at its columns, count its rows, scroll parts of it, and draw on another
screen. `Screen` has no size, and is for the output of pipes.
"""

from __future__ import annotations

import re
from typing import Final, cast

from ipyproc._jobs.output.grid import Grid
from ipyproc._jobs.output.line import Run
from ipyproc._jobs.output.parser import Stream
from ipyproc.views.terminal.cells import Cells
from ipyproc.views.terminal.sgr import Pen

#: How many lines that were scrolled off are kept.
LINES: Final = 1000
# The names of the two sets of characters, and the one that draws lines.
_SETS: Final = {"(": 0, ")": 1}
_DRAWING: Final = dict(
    zip(
        map(ord, "`afgjklmnopqrstuvwxyz{|}~"),
        "◆▒°±┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·",
        strict=True,
    )
)
_ALTERNATE: Final = {"47", "1047", "1049"}
_PRIVATE = re.compile(r"\x1b\[\?([0-9;]*)([hl])")


class Emulator:
    r"""What a terminal shows of what it is fed.

    >>> emulator = Emulator(3, 10)
    >>> emulator.feed("0123456789ab\r\n\x1b[?1049hgone\x1b[?1049l\x1b[31mred")
    >>> emulator.runs()
    [[('0123456789', '')], [('ab', '')], [('red', 'fg=1')]]
    """

    def __init__(self, rows: int, columns: int, lines: int = LINES) -> None:
        #: What it shows.
        self.cells = Cells(rows, columns, lines)
        self._stream = _TerminalStream(self.cells)

    def feed(self, text: str) -> None:
        """Show *text*."""
        self._stream.write(text)

    def runs(self) -> list[list[Run]]:
        """Return the lines that were scrolled off and the screen, without blank ends.

        Of a program that draws on the alternate screen it is that alone.
        """
        cells = self.cells
        lines = [*cells.lines] if cells.is_alternate else [*cells.above, *cells.lines]
        while lines and not lines[-1].text.strip():
            lines.pop()
        return [_trimmed(line.runs()) for line in lines]


def _trimmed(runs: list[Run]) -> list[Run]:
    """Leave out blanks at the end that nobody sees."""
    while runs and not runs[-1][1] and not runs[-1][0].strip(" "):
        runs.pop()
    if runs and not runs[-1][1]:
        runs[-1] = runs[-1][0].rstrip(" "), ""
    return runs


class _TerminalStream(Stream):
    """The escape sequences of a terminal that has a size."""

    def __init__(self, cells: Cells) -> None:
        self._pen = Pen("stdout")
        super().__init__(cast(Grid, cells), self._pen)
        self._cells = cells
        self._sets = [False, False]  # whether each of them draws lines
        self._set = 0
        self._last = ""

    def _print(self, text: str) -> None:
        if self._sets[self._set]:
            text = text.translate(_DRAWING)
        self._last = text[-1]
        super()._print(text)

    def _sequence(self, final: str, parameters: str) -> None:
        cells = self._cells
        numbers = [int(number[:6] or 0) for number in parameters.split(";")]
        given, second = numbers[0], numbers[1] if len(numbers) > 1 else 0
        count = min(given or 1, 9999)
        cells.ground = self._ground()
        match final:
            case "A" | "k":
                cells.move(-count, 0)
            case "B" | "e":
                cells.move(count, 0)
            case "C" | "a":
                cells.move(0, count)
            case "D" | "j":
                cells.move(0, -count)
            case "E" | "F":
                cells.move(count if final == "E" else -count, 0)
                cells.go_to(None, 0)
            case "G" | "`":
                cells.go_to(None, count - 1)
            case "H" | "f":
                cells.go_to(count - 1, (second or 1) - 1)
            case "d":
                cells.go_to(count - 1, None)
            case "I" | "Z":
                cells.tab(min(count, 999) * (1 if final == "I" else -1))
            case "r":
                cells.margins(count - 1, (second or cells.rows) - 1)
                cells.go_to(0, 0)
            case "h" | "l" if given == 4:
                cells.inserts = final == "h"
            case "s" | "u" if not parameters:
                self._escape("\x1b7" if final == "s" else "\x1b8")
            case _:
                self._edit(final, given, count)

    def _edit(self, final: str, given: int, count: int) -> None:
        """Erase, insert and remove."""
        cells = self._cells
        match final:
            case "J":
                cells.erase_screen(given)
            case "K":
                cells.erase(given)
            case "L" | "M":
                cells.shift(-count if final == "L" else count)
            case "S" | "T":
                cells.scroll(count if final == "S" else -count)
            case "@":
                cells.insert(min(count, cells.columns - cells.column))
            case "P":
                cells.remove(count)
            case "X":
                cells.blank(count)
            case "b" if self._last:
                cells.write(self._last * count, self._pen.style)

    def _ground(self) -> str:
        """Return the style of what is erased: the colour behind the text."""
        style = self._pen.style
        return next((word for word in style.split() if word[:3] == "bg="), "")

    def _escape(self, whole: str) -> None:
        cells = self._cells
        if private := _PRIVATE.fullmatch(whole):
            for mode in private[1].split(";"):
                self._mode(mode, private[2] == "h")
        elif whole[1:2] in _SETS and len(whole) == 3:
            self._sets[_SETS[whole[1]]] = whole[2] == "0"
        match whole[1:]:
            case "7":
                cells.save(self._pen.kept())
            case "8":
                self._pen.restore(cells.restore())
            case "D":
                cells.index()
            case "E":
                cells.go_to(None, 0)
                cells.index()
            case "M":
                cells.ground = self._ground()
                cells.reverse_index()
            case "c" | "[!p":
                self._reset(whole[1:] == "c")

    def _reset(self, erases: bool) -> None:
        self._pen.reset()
        self._sets, self._set = [False, False], 0
        cells = self._cells
        if erases:
            cells.reset()
        cells.wraps, cells.inserts, cells.is_origin = True, False, False
        cells.margins(0, cells.rows - 1)

    def _mode(self, mode: str, is_on: bool) -> None:
        cells = self._cells
        if mode == "7":
            cells.wraps = is_on
        elif mode == "6":
            cells.is_origin = is_on
            cells.go_to(0, 0)
        elif mode == "1048" or (mode == "1049" and is_on):
            self._escape("\x1b7" if is_on else "\x1b8")
        if mode in _ALTERNATE:
            cells.use(is_on)
        if mode == "1049" and not is_on:
            self._escape("\x1b8")

    def _control(self, char: str) -> None:
        cells = self._cells
        match char:
            case "\n" | "\v" | "\f":
                cells.ground = self._ground()
                cells.index()
            case "\r":
                cells.go_to(None, 0)
            case "\b":
                cells.move(0, -1)
            case "\t":
                cells.tab(1)
            case "\x0e" | "\x0f":
                self._set = int(char == "\x0e")
