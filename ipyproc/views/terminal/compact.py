"""The little of a long output that its last picture consists of.

A terminal shows the end of what a program printed, and of a line only what was written
over it last: of megabytes of progress bars a few lines are left. Drawing them all costs
seconds. Here they are only skimmed: each piece of output is known by its row, and those
are left out that pieces after them cover. What comes back draws the same last lines.

Programs that move the cursor to places of the screen, and not by rows, are not skimmed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

#: What one stream printed without another's output between: its name, and the bytes.
Written = tuple[str, bytes]

# The cursor goes to a place, is saved or restored, or more than a line is erased; or a
# line may be broken.
_NOT_BY_ROWS = re.compile(
    rb"\x1b\[[0-9;]*[HfJ]|\x1b\[[su]|\x1b[78cM]|[\v\f]"
    rb"|\x1b\[[0-9]{4}|\x1b\[[0-9]*;[0-9;]*[A-GK]"
)
_LONG_LINE = re.compile(rb"(?:\A|[\n\r])[^\n\r]{4096}")
_MOVE = re.compile(rb"\x1b\[[0-9]*[ABEF]")
_ROWS = re.compile(rb"\n|\x1b\[([0-9]*)([ABEF])")
_CUT_OFF = re.compile(
    rb"(?:\x1b(?:\[[0-?]*[ -/]*|[P\]X^_][^\n\x07\x18\x1a\x1b]*|[ -/]*)"
    rb"|[\xc0-\xff][\x80-\xbf]{0,2})\Z"
)
_STYLE = re.compile(rb"\x1b\[[0-9;:]*m")
_RESETS = (b"\x1b[m", b"\x1b[0m")
_ERASE = re.compile(rb"\x1b\[[02]?K")
# What takes no column: styles, erasing, and modes such as whether the cursor is seen.
_QUIET = rb"\x1b\[(?:[0-9;:]*m|[02]?K|\?[0-9;]*[hl])"
_NO_COLUMN = re.compile(_QUIET)
# A return before anything is written; where the cursor is does not matter for 2K.
_RETURNS = re.compile(rb"(?:\x1b\[(?:[0-9;:]*m|2K|\?[0-9;]*[hl]))*\r")
_PLAIN = re.compile(rb"(?:[^\x00-\x1f\x7f]++|\r|%b)*+" % _QUIET)
# Whatever writes nothing.
_NOTHING = re.compile(
    rb"(?:[\x00-\x1a\x1c-\x1f\x7f]|\x1b(?:\[[0-?]*[ -/]*[@-~]?"
    rb"|[P\]X^_][^\n\x07\x18\x1a\x1b]*\x07?|[ -/]*[0-~]?))*"
)
_RETURN: Final = ord("\r")
_FINALS: Final = b"mKhl"
# Characters of one column each.
_NARROW = re.compile(
    r"[ -~\xa1-\xac\xae-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u25ff\u2800-\u28ff]*"
)
# More styles than this without a reset are not kept track of.
_MOST_STYLES: Final = 4096


@dataclass(slots=True)
class _Piece:
    """What a stream wrote to a row at once, from its byte *at* on."""

    stream: str
    at: int
    data: bytes
    #: Whether it begins in the first column; if not, where the piece before it ended.
    is_first: bool


class _Rows:
    """The pieces of each row, in the order in which they were written."""

    def __init__(self) -> None:
        self.pieces: dict[int, list[_Piece]] = {}
        self.bottom = 0
        #: Rows with a piece of which the column is not known.
        self.unsure: set[int] = set()
        self._row = 0
        self._is_first = True
        self._has_moved = False

    def add(self, stream: str, at: int, data: bytes) -> None:
        """Add what was written at the cursor."""
        if not data:
            return
        begins = self._is_first or _RETURNS.match(data) is not None
        if self._has_moved and not begins:
            self.unsure.add(self._row)
        self.pieces.setdefault(self._row, []).append(_Piece(stream, at, data, begins))
        if data[-1] == _RETURN:
            self._is_first = True
        elif data[-1] in _FINALS or self._is_first:
            text = _NO_COLUMN.sub(b"", data)
            self._is_first = text.endswith(b"\r") or (self._is_first and not text)
        self._has_moved = False

    def move(self, kind: bytes, count: int) -> None:
        """Move the cursor to another row, in the first column for some."""
        if kind == b"\n":
            self._row += 1
            self.bottom = max(self.bottom, self._row)
        else:
            rows = -count if kind in b"AF" else count
            self._row = max(0, min(self._row + rows, self.bottom))
        self._is_first = self._is_first or kind in b"\nEF"
        self._has_moved = True

    @property
    def last(self) -> int:
        """The last row that is not empty because nothing was written below a line."""
        written = self.pieces.get(self.bottom, [])
        is_begun = any(not _NOTHING.fullmatch(piece.data) for piece in written)
        return self.bottom if is_begun else self.bottom - 1


def compact(runs: Iterable[Written], lines: int) -> tuple[list[Written], int] | None:
    r"""Return what draws the last *lines* lines of *runs*, and how many are above.

    ``None`` if that cannot be found out without drawing everything.

    >>> drawn, above = compact([("stdout", b"1\n2\n 10 %\r 50 %\r100 %\n")], 2)
    >>> b"".join(data for _, data in drawn), above
    (b'\x1b[m2\n\x1b[m100 %\n', 1)
    """
    joined = [(s, b"".join(d for _, d in group)) for s, group in groupby(runs, _stream)]
    if any(_LONG_LINE.search(data) or _NOT_BY_ROWS.search(data) for _, data in joined):
        return None
    if any(_CUT_OFF.search(data[-512:]) for _, data in joined[:-1]):
        return None
    joined, above = _cut(joined, lines)
    rows = _skim(joined)
    first = max(0, rows.last + 1 - lines)
    if any(row >= first for row in rows.unsure):
        return None
    shown = range(first, rows.last + 1)
    kept = [_uncovered(rows.pieces.get(row, [])) for row in shown]
    styles = _styles_of([piece for pieces in kept for piece in pieces], joined)
    if styles is None:
        return None
    return list(_drawn(kept, styles, ends=rows.bottom > rows.last)), above + first


def _stream(run: Written) -> str:
    return run[0]


def _cut(runs: list[Written], lines: int) -> tuple[list[Written], int]:
    """Leave out the text of lines that nothing comes back to; return how many.

    Their styles stay: they are in force later.
    """
    if any(_MOVE.search(data) for _, data in runs):
        return runs, 0
    wanted, above = lines + 1, 0
    kept: list[Written] = []
    for stream, data in reversed(runs):
        at = len(data)
        while wanted and at >= 0:
            at = data.rfind(b"\n", 0, at)
            wanted -= at >= 0
        at += 1
        above += data.count(b"\n", 0, at)
        kept.append((stream, _style_at(at, b"", 0, data) + data[at:]))
    return kept[::-1], above


def _skim(runs: list[Written]) -> _Rows:
    rows = _Rows()
    offsets: dict[str, int] = {}
    for stream, data in runs:
        base, at = offsets.get(stream, 0), 0
        for found in _ROWS.finditer(data):
            rows.add(stream, base + at, data[at : found.start()])
            count, kind = found.groups()
            rows.move(kind or b"\n", int(count or 1) or 1)
            at = found.end()
        rows.add(stream, base + at, data[at:])
        offsets[stream] = base + len(data)
    return rows


def _uncovered(pieces: list[_Piece]) -> list[_Piece]:
    """Return those pieces of a row of which something is left, cut at returns."""
    kept: list[_Piece] = []
    covered = 0
    for number, piece in reversed([*enumerate(pieces)]):
        sizes = _sizes(piece.data)
        if sizes is None:
            return [*pieces[: number + 1], *reversed(kept)]
        parts = piece.data.split(b"\r")
        may_erase = _ERASE.search(piece.data) is not None
        end = piece.at + len(piece.data)
        for index in range(len(parts) - 1, -1, -1):
            if index == 0 and not piece.is_first:
                whole = piece.data[: end - piece.at]
                rest = _Piece(piece.stream, piece.at, whole, is_first=False)
                return [*pieces[:number], rest, *reversed(kept)]
            part, size = parts[index], sizes[index]
            erases = may_erase and _ERASE.search(part) is not None
            if erases or size > covered or not kept:
                kept.append(_Piece(piece.stream, end - len(part), part, is_first=True))
                covered = max(covered, size)
            if erases:
                return kept[::-1]
            end -= len(part) + 1
    return kept[::-1]


def _sizes(data: bytes) -> list[int] | None:
    """Return the columns of each part of *data*; ``None`` if that is not sure."""
    if not _PLAIN.fullmatch(data):
        return None
    text = (_NO_COLUMN.sub(b"", data) if b"\x1b" in data else data).split(b"\r")
    if data.isascii():
        return [len(part) for part in text]
    decoded = [part.decode("utf-8", "replace") for part in text]
    if not all(map(_NARROW.fullmatch, decoded)):
        return None
    return [len(part) for part in decoded]


def _styles_of(pieces: list[_Piece], runs: list[Written]) -> dict[int, bytes] | None:
    """Return what sets the style that is in force at each piece, by its identity."""
    found: dict[int, bytes] = {}
    for stream in dict.fromkeys(stream for stream, _ in runs):
        data = b"".join(data for name, data in runs if name == stream)
        mine = [piece for piece in pieces if piece.stream == stream]
        style, at = b"", 0
        for piece in sorted(mine, key=lambda piece: piece.at):
            style, at = _style_at(piece.at, style, at, data), piece.at
            if len(style) > _MOST_STYLES:
                return None
            found[id(piece)] = style
    return found


def _style_at(end: int, before: bytes, start: int, data: bytes) -> bytes:
    """Return what sets the style at *end*, if *before* sets that at *start*."""
    reset = max(data.rfind(reset, start, end) for reset in _RESETS)
    if reset >= 0:
        before, start = b"", reset
    return before + b"".join(_STYLE.findall(data, start, end))


def _drawn(
    rows: list[list[_Piece]], styles: dict[int, bytes], *, ends: bool
) -> Iterator[Written]:
    """Yield the rows from top to bottom, each piece in its own style."""
    stream = "stdout"
    for number, pieces in enumerate(rows, 1):
        for index, piece in enumerate(pieces):
            stream = piece.stream
            begin = b"\r" if index and piece.is_first else b""
            yield stream, begin + b"\x1b[m" + styles[id(piece)] + piece.data
        if number < len(rows) or ends:
            yield stream, b"\n"
        elif all(_NOTHING.fullmatch(piece.data) for piece in pieces):
            yield stream, b" \r\x1b[K"  # the line is there, and empty
