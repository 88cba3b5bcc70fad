"""What is left of the pieces that a line was written in, one over the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from ipyproc._jobs.output.line import width
from ipyproc.views.terminal.pens import STYLE

_ERASE = re.compile(r"\x1b\[[02]?K")
#: What takes no column: styles, erasing, and modes such as whether the cursor is seen.
_NO_COLUMN = re.compile(
    rf"{STYLE}|\x1b(?:\[(?:[02]?K|[?<=>][0-9;]*[A-Za-z])"
    r"|\][^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\)|[(][0-9A-Z]|[=>])"
)
# What stands for it where only the length matters.
_ERASED: Final = "\v"
# More pieces of a row than this are looked at together.
_MANY: Final = 50
_OPAQUE = re.compile("[\x00-\x09\x0c\x0e-\x1f\x7f]")
_PLAIN = re.compile("[^\x00-\x1f\x7f-\x9f]*")
# Characters of one column each.
_ONE = (
    "[ -~\xa1-\xac\xae-\u02ff\u2010-\u2027\u2190-\u2319\u2500-\u25fc\u2800-\u28ff{}]*"
)
_NARROW, _LINES = re.compile(_ONE.format("")), re.compile(_ONE.format("\n\r\v"))
#: Text in which each character takes one column, with controls.
ONE_COLUMN: Final = re.compile(_ONE.format("\x07-\r\x1b"))
#: A row and a column of the screen.
_PLACE: Final = re.compile(r"\x1b\[([0-9]*)(?:;([0-9]*))?[Hf]")


class Part(NamedTuple):
    """A part of a piece: what is written of it, from which column on.

    Without a column it goes on where the cursor is.
    """

    piece: int
    start: int
    end: int
    column: int | None


class Unclear(Exception):
    """What is left cannot be told without drawing everything."""


class Pieces:
    """Texts, and between them the sequences that go to another row.

    *parts* has both by turns, texts first. At the first one the cursor is in *column*.
    """

    def __init__(self, parts: Sequence[str], column: int) -> None:
        self._parts = parts
        self._column = column
        # So many columns of a row are covered, from the first on.
        self._covered = 0

    def column(self, piece: int) -> int | None:
        """Return the column at which a piece begins; ``None`` if it is not known."""
        before = 0
        while piece:
            token = self._parts[piece - 1]
            if (begin := _first_column(token)) is not None:
                return before + begin
            piece -= 2
            text = self._parts[piece]
            cut = text.rfind("\r") + 1
            columns = _columns(text[cut:])
            if columns is None:
                return None
            before += columns
            if cut:
                return before
        return before + self._column

    def uncovered(self, row: Sequence[int]) -> list[Part]:
        """Return what is left of the pieces of a row, in the order of writing.

        Raises `Unclear`.
        """
        kept: list[Part] = []  # from the last on
        self._covered = 0
        for at in self._from_the_last(row):
            found = _segments(self._parts[row[at]])
            if found is None:  # it may do anything to what is there
                kept += [self._whole(row, at) for at in range(at, -1, -1)]
                break
            for start, end, columns, erases in _beyond(found, self._covered):
                begin = 0 if start else self.column(row[at])
                shows = begin is None or begin + columns > self._covered
                if shows or erases or not kept:
                    kept.append(self._part(row, at, start, end, begin))
                if begin is not None and begin <= self._covered:
                    self._covered = max(self._covered, begin + columns)
                    if erases:
                        return kept[::-1]
        return kept[::-1]

    def _from_the_last(self, row: Sequence[int]) -> Iterator[int]:
        """Yield the numbers of pieces, but of many not those that show nothing."""
        many = max(0, len(row) - _MANY)
        yield from range(len(row) - 1, many - 1, -1)
        bare = self._bare(row[:many]) if many else []
        if bare is None:
            yield from range(many - 1, -1, -1)
            return
        parts, covered = self._parts, self._covered
        yield from [
            at
            for at in range(many - 1, -1, -1)
            if len(bare[at].strip("\r")) > covered
            or (bare[at][:1] != "\r" and parts[row[at] - 1] != "\n")
            or _ERASED in bare[at]
        ]

    def _bare(self, row: Sequence[int]) -> list[str] | None:
        """Return the pieces of a row without what takes no column.

        Where something is erased there is a mark. ``None`` if a character may take
        another number of columns than one.
        """
        text = "\n".join([self._parts[piece] for piece in row])
        if "\x1b" in text:
            text = _NO_COLUMN.sub("", _ERASE.sub(_ERASED, text))
        is_plain = text.isascii() and not _OPAQUE.search(text)
        return text.split("\n") if is_plain or _LINES.fullmatch(text) else None

    def _whole(self, row: Sequence[int], at: int) -> Part:
        piece = row[at]
        return self._part(row, at, 0, len(self._parts[piece]), self.column(piece))

    def _part(
        self, row: Sequence[int], at: int, start: int, end: int, column: int | None
    ) -> Part:
        """Return a part; without a column, if it follows the part before it."""
        piece = row[at]
        follows = at and row[at - 1] == piece - 2 and not self._parts[piece - 1]
        if column is None and not follows:
            raise Unclear
        return Part(piece, start, end, column)


# A part of a piece between returns: its start and end, its columns, and whether it
# erases the rest of the line.
_Segment = tuple[int, int, int, bool]


def _segments(text: str) -> list[_Segment] | None:
    """Return the parts of a piece between returns; ``None`` if that does not help."""
    sizes = _sizes(text)
    if sizes is None:
        return None
    parts = text.split("\r")
    ends = accumulate(map(len, parts), lambda end, size: end + 1 + size)
    may_erase = _ERASE.search(text) is not None
    return [
        (end - len(part), end, size, may_erase and _ERASE.search(part) is not None)
        for part, end, size in zip(parts, ends, sizes, strict=True)
    ]


def _beyond(segments: list[_Segment], covered: int) -> Iterator[_Segment]:
    """Yield the segments from the last on, unless all that follow are covered."""
    yield segments[-1]
    covered = max(covered, segments[-1][2])
    widest = max((segment[2] for segment in segments[1:-1]), default=0)
    if widest > covered or any(segment[3] for segment in segments):
        yield from segments[-2:0:-1]
    if len(segments) > 1:
        yield segments[0]


def _first_column(token: str) -> int | None:
    """Return the column that a token goes to; ``None`` if it stays in its column."""
    if token[:1] == "\n" or token[-1:] in ("E", "F", "c"):
        return 0
    if place := _PLACE.fullmatch(token):
        return max(int(place[2] or 1), 1) - 1
    return None


def _sizes(text: str) -> list[int] | None:
    """Return the columns of each part of *text* between returns."""
    plain = _NO_COLUMN.sub("", text) if "\x1b" in text else text
    parts = plain.split("\r")
    if not all(map(_PLAIN.fullmatch, parts)):
        return None
    if not plain.isascii() and not all(map(_NARROW.fullmatch, parts)):
        widths = {char: width(char) for char in set(plain) if char != "\r"}
        if 0 in widths.values():
            return None  # it changes the character before it
        wide = "".join(char for char in widths if widths[char] == 2)
        parts = (re.sub(f"[{wide}]", "xx", plain) if wide else plain).split("\r")
    return [len(part) for part in parts]


def _columns(text: str) -> int | None:
    """Return the columns of a text without returns."""
    sizes = _sizes(text)
    return None if sizes is None else sizes[0]
