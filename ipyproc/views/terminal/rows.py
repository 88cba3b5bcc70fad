"""Pieces of text by the row that they are written to, and what is left of each row."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from itertools import accumulate, count, pairwise
from typing import Final

from ipyproc.views.terminal.covered import Part, Pieces, Unclear
from ipyproc.views.terminal.pens import Pens
from ipyproc.views.terminal.screen import CELLS, LINES, Screen

#: What one stream printed without another's output between: its name, and text.
Run = tuple[str, str]
#: The attributes that a pen has.
Kept = dict[str, str]

#: What goes to another row, but to the next.
MOVES = re.compile(r"\x1b(?:\[[0-9;]*+[ABEFJHf]|c)")
_TOKENS = re.compile(
    r"(\n|\x1b(?:\[(?:[0-9]{0,3}[ABEFJ]|(?:[0-9]{0,3}(?:;[0-9]{0,3})?)?[Hf])|c))"
)
# A line of so many characters may be broken, by what takes the most columns.
_LONG: Final = {
    kind: re.compile(rf"[\n\r][^\n\r]{{{most}}}")
    for kind, most in {"move": 150, "tab": 400, "wide": 1500, "": 3000}.items()
}
_MOVES_ON = re.compile(r"\x1b\[[0-9]{0,2}C")
# More runs than this are worth a look at what passes by.
_MANY: Final = 50
#: Lines that begin in a later column are drawn up to their end.
MARGIN: Final = 96
# What shows something, at the earliest.
_VISIBLE = re.compile(
    r"(?:[\r\t\b\a]|\x1b(?:\[[0-?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|[(].|[=>c]))*+[^\r\t\b\a\x1b]"
)
# So many rows are there however long they are, and so many if they are not long.
_SURE: Final = CELLS // 4096 - 1
_MOST: Final = LINES - 10


class Rows:
    """The pieces of each row, in the order in which they were written.

    Rows are counted from the first line of the screen. Raises `Unclear`.
    """

    def __init__(self, screen: Screen, runs: list[Run], is_passing: bool) -> None:
        self._screen, self._grid = screen, screen.grid
        # So many lines are drawn.
        self._lines = 1 if is_passing else LINES
        _check(screen, runs)
        size = sum(len(text) for _, text in runs)
        most = self._grid.cells + size * (170 if self._has_escapes(runs) else 8)
        self._is_roomy = most < CELLS
        runs = _last_lines(runs, self._lines)
        self._names = [stream for stream, _ in runs]
        self._parts: list[str] = []
        #: Where each run begins in the parts.
        self._begins: list[int] = []
        for _, text in runs:
            self._begins.append(len(self._parts))
            self._parts += [*_split(text, self._lines), ""]
        self._parts.append("")  # where the next text begins
        self._pieces = Pieces(self._parts, self._grid.column)
        self._rows: defaultdict[int, list[int]] = defaultdict(list)
        self._top = self._grid.top
        self._row, self._bottom = self._grid.row, self._grid.bottom
        # So many lines stay, and so many are there at least.
        self._kept = self._least = len(self._grid.lines)
        self._read()
        self._height = self._bottom + self._is_begun()

    @staticmethod
    def _has_escapes(runs: list[Run]) -> bool:
        return any("\x1b" in text for _, text in runs)

    def _read(self) -> None:
        rows, steps = self._rows, _steps
        top, row, bottom = self._top, self._row, self._bottom
        texts, tokens = self._parts[::2], self._parts[1::2]
        for piece, text, token in zip(count(0, 2), texts, tokens, strict=False):
            if text:
                rows[row].append(piece)
            if token == "\n":
                row += 1
                if row > bottom:
                    bottom = row
            elif step := steps[token]:
                row += step
                if row > bottom:
                    row = bottom
                elif row < top or row < bottom - _SURE:
                    row = self._clamped(row, bottom)
            elif step is None:
                row, bottom = self._obey(piece + 1, row, bottom)
        self._row, self._bottom = row, bottom

    def _has_all(self, bottom: int) -> bool:
        """Whether certainly no line was dropped when *bottom* was the last."""
        return bottom <= _SURE or (self._is_roomy and bottom < _MOST)

    def _clamped(self, row: int, bottom: int) -> int:
        if self._has_all(bottom):
            return max(self._top, row)
        if row < bottom - _SURE:
            raise Unclear
        return row

    def _obey(self, at: int, row: int, bottom: int) -> tuple[int, int]:
        """Go to a place, or erase rows; return the row and the lowest one."""
        token = self._parts[at]
        if token[0] == "\n":
            return row + len(token), max(bottom, row + len(token))
        kind, number = token[-1], token[2:-1].partition(";")[0]
        if kind == "J" and number not in ("", "0", "2"):
            return row, bottom
        if kind == "J" and number != "2":
            # The rest of the line is erased by what follows, which may be nothing else.
            if not self._parts[at + 1]:
                self._rows[row].append(at + 1)
            self._parts[at + 1] = f"\x1b[K{self._parts[at + 1]}"
            if row == bottom:
                return row, bottom
        if not self._has_all(bottom):
            raise Unclear
        if kind in "Hf":
            return min(self._top + max(int(number or 1), 1) - 1, bottom), bottom
        is_below = kind == "J" and number != "2"
        first = row + 1 if is_below else self._top
        for below in [below for below in self._rows if below >= first]:
            del self._rows[below]
        self._kept, self._least = min(self._kept, first), first
        return (row, row) if is_below else (first, first)

    def _is_begun(self) -> bool:
        """Whether the lowest row is a line, and not only the cursor's next place."""
        written = self._rows.get(self._bottom, [])
        return self._bottom < self._least or any(
            _VISIBLE.match(self._parts[piece]) for piece in written
        )

    def left(self) -> dict[int, list[Part]]:
        """Return what has to be drawn, by row.

        Raises `Unclear`.
        """
        first = self._height - self._lines
        left = {row: self._rows[row] for row in sorted(self._rows) if row >= first}
        self._column = self._pieces.column(len(self._parts) - 1)
        pieces = range(len(self._parts) - 1, -1, -2)
        self._last = next((piece for piece in pieces if self._parts[piece]), -1)
        drawn = any(pieces[-1] == self._last for pieces in left.values())
        if self._column is None and not drawn:
            raise Unclear
        return {row: self._pieces.uncovered(pieces) for row, pieces in left.items()}

    def draw(self, left: dict[int, list[Part]]) -> None:
        """Draw what is left."""
        screen, grid = self._screen, self._grid
        parts = [part for parts in left.values() for part in parts]
        pens, last = self._pens(parts)
        before, column = screen.dropped, self._column
        grid.cut(self._kept)
        screen.add_lines(self._height - len(grid.lines))
        for row in left:
            for part in left[row]:
                at = row - (screen.dropped - before)
                if at < 0:
                    break  # there are too many cells for it
                stream = screen.stream(self._name(part.piece))
                stream.pen.restore(pens[part])
                begin = grid.column if part.column is None else part.column
                grid.place(at, max(at, len(grid.lines) - 1), begin)
                stream.write(self._parts[part.piece][part.start : part.end])
                if part.piece == self._last and self._column is None:
                    column = grid.column
        shift = screen.dropped - before
        grid.place(self._row - shift, self._bottom - shift, column or 0)
        for name, pen in last.items():
            screen.stream(name).pen.restore(pen)

    def _name(self, piece: int) -> str:
        return self._names[bisect_right(self._begins, piece) - 1]

    def _pens(self, parts: list[Part]) -> tuple[dict[Part, Kept], dict[str, Kept]]:
        """Return what each part is written with, and each stream writes with after."""
        offsets = [0, *accumulate(map(len, self._parts))]
        texts: dict[str, list[str]] = {name: [] for name in self._names}
        sizes = dict.fromkeys(texts, 0)
        shifts = []
        runs = pairwise([*self._begins, len(self._parts)])
        for name, (begin, end) in zip(self._names, runs, strict=True):
            shifts.append(sizes[name] - offsets[begin])
            texts[name] += self._parts[begin:end]
            sizes[name] += offsets[end] - offsets[begin]
        streams = {name: self._screen.stream(name) for name in texts}
        pens = {
            name: Pens("".join(texts[name]), streams[name].pen.kept()) for name in texts
        }
        found = {}
        for part in sorted(parts, key=lambda part: part[:2]):
            run = bisect_right(self._begins, part.piece) - 1
            at = shifts[run] + offsets[part.piece] + part.start
            found[part] = pens[self._names[run]].at(at)
        return found, {name: pens[name].at(sizes[name]) for name in pens}


def _last_lines(runs: list[Run], lines: int) -> list[Run]:
    """Leave out what *runs* without escapes print above the last *lines* lines.

    As many empty lines are in its place.
    """
    if len(runs) < _MANY or any("\x1b" in text for _, text in runs):
        return runs
    below = 0
    for at in range(len(runs) - 1, 0, -1):
        below += runs[at][1].count("\n")
        if below > lines:
            above = sum(text.count("\n") for _, text in runs[:at])
            return [(runs[0][0], "\n" * above), *runs[at:]]
    return runs


def _split(text: str, lines: int) -> list[str]:
    """Split *text* into texts and tokens by turns.

    If it has lines only, all but the last ones stay together.
    """
    if "\n" not in text and "\x1b" not in text:
        return [text]
    if MOVES.search(text):
        return _TOKENS.split(text)
    *above, last = text.rsplit("\n", lines + 1)
    if not above:
        return [last]
    passing = above[0].count("\n")
    parts = ["\n"] * (2 * len(above) + 1)
    parts[::2] = [*above, last]
    return [parts[0], "\n" * (passing + 1), *parts[2:]]


def _check(screen: Screen, runs: list[Run]) -> None:
    """Raise `Unclear` if a line may be broken, or an escape is begun."""
    text = "".join(["\n", *(text for _, text in runs)])
    kind = "move" if _MOVES_ON.search(text) else "tab" if "\t" in text else "wide"
    kind = "" if kind == "wide" and text.isascii() else kind
    is_between = all(screen.stream(stream).is_between for stream, _ in runs)
    if not is_between or screen.grid.column > MARGIN or _LONG[kind].search(text):
        raise Unclear


class _Steps(dict[str, int | None]):
    """By how many rows a token moves the cursor; ``None`` if it does something else."""

    def __missing__(self, token: str) -> int | None:
        kind = token[-1:]
        count = int(token[2:-1] or 1) or 1 if kind in ("A", "B", "E", "F") else 0
        step = -count if kind in ("A", "F") else count
        self[token] = found = None if token and not count else step
        return found


_steps: Final = _Steps()
