"""What a terminal shows of all that a job has printed so far.

It is kept and brought up to date, so that only what is new has to be read, and of that
only what is left in the end is drawn (see `skim`). It takes the memory of one screen.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ipyproc._jobs.output.interleaved import Output, Piece, without_gap
from ipyproc._jobs.output.line import Run
from ipyproc.views.terminal import skim
from ipyproc.views.terminal.redraw import redrawn as redraw
from ipyproc.views.terminal.rows import Run as Text
from ipyproc.views.terminal.screen import Screen

#: If more than so many bytes are new, the picture begins anew with the last of them.
MOST: Final = 8 << 20
# So many are read at a time: other threads wait while a regular expression runs.
_PIECE: Final = 1 << 20
# How far to look for a place to begin with.
_NEAR: Final = 4096
# Where it begins in the middle there are rows above, to which the cursor may go.
_ABOVE: Final = 500
_BEGIN = re.compile(rb"[\n\r]")
_MOVES = re.compile(rb"\n|\x1b\[([0-9]{0,3})([ABEF])")


@dataclass(frozen=True, slots=True)
class Seen:
    """The last lines; how many more a terminal shows, and how many bytes are unread."""

    lines: list[list[Run]]
    above: int
    before: int


@dataclass(frozen=True, slots=True)
class Redrawn:
    """Output that stands for all up to *offset*.

    A terminal shows *above* lines more, and *before* bytes are unread. *streams* says
    how many bytes of *data* go to which stream, in order.
    """

    offset: int
    above: int
    before: int
    streams: list[tuple[str, int]]
    data: bytes


class Picture:
    r"""The picture of one output; it belongs to one thread at a time.

    >>> output = Output()
    >>> output.append(0, b"1\n2\n 10 %\r 50 %\r100 %\n")
    >>> picture = Picture()
    >>> picture.update(output)
    >>> picture.last(2)
    Seen(lines=[[('2', '')], [('100 %', '')]], above=1, before=0)
    """

    def __init__(self) -> None:
        self._begin(0)

    def update(self, output: Output, final: bool = False, most: int = MOST) -> None:
        """Draw what is new; if *final*, also a character that is incomplete.

        Of more than *most* new bytes it is the last ones.
        """
        end = output.total
        if end - self._offset > most:
            self._begin(end - most)
        pieces = [*self._pieces(output, end), None]
        for runs, following in pairwise(pieces):
            assert runs is not None
            passes = following is not None and skim.passes(following)
            skim.skim(self._screen, runs, is_passing=passes)
        if final:
            self._finish()

    def last(self, lines: int) -> Seen:
        """Return the last *lines* lines."""
        screen = self._screen
        dropped, blank = self._unwritten()
        shown = screen.runs(min(lines, screen.height - blank))
        above = screen.dropped - dropped + screen.height - blank - len(shown)
        return Seen(shown, above, self._before)

    def redrawn(self) -> Redrawn:
        """Return what draws it on a new screen, for a page that goes on from there."""
        dropped, first = self._unwritten()
        pieces = [(name, text.encode()) for name, text in redraw(self._screen, first)]
        for stream, decoder in self._decoders.items():
            pieces.append((stream, decoder.begun))
        streams = [(name, len(data)) for name, data in pieces if data]
        above = self._screen.dropped - dropped
        data = b"".join(data for _, data in pieces)
        return Redrawn(self._offset, above, self._before, streams, data)

    def _begin(self, offset: int) -> None:
        self._offset = self._before = offset
        self._screen = Screen()
        self._decoders: dict[str, _Utf8] = {}
        if offset:
            self._screen.add_lines(_ABOVE)
            self._screen.grid.place(_ABOVE, _ABOVE, 0)

    def _unwritten(self) -> tuple[int, int]:
        """Count the rows above the beginning that nothing was written to.

        They are those that were dropped, and those that are left.
        """
        if not self._before:
            return 0, 0
        dropped = min(_ABOVE, self._screen.dropped)
        left = self._screen.grid.lines[: _ABOVE - dropped]
        written = (at for at, line in enumerate(left) if line.chars)
        return dropped, next(written, len(left))

    def _pieces(self, output: Output, end: int) -> Iterator[list[Text]]:
        """Yield what is new, each piece up to the end of a line if it has one."""
        left: list[Text] = []
        while self._offset < end:
            size = min(_PIECE, end - self._offset)
            pieces = without_gap(output.pieces(self._offset, size))
            if not pieces:
                break
            if (first := pieces[0][1]) > self._offset:  # what was there is not kept
                left = []
                self._begin(first)
            if self._offset == self._before > 0:
                pieces = list(_from_line(pieces))
            runs = self._joined(left, pieces)
            _, last, data = pieces[-1]
            self._offset = last + len(data)
            runs, left = _at_line(runs)
            yield runs
        if left:
            yield left

    def _joined(self, left: list[Text], pieces: Iterable[Piece]) -> list[Text]:
        """Decode *pieces*, and join those of one stream without another's between.

        So an escape stays whole.
        """
        runs = list(left)
        for stream, _, data in pieces:
            text = self._decoder(stream).decode(data)
            if runs and runs[-1][0] == stream:
                text = runs.pop()[1] + text
            runs.append((stream, text))
        return runs

    def _decoder(self, stream: str) -> _Utf8:
        if stream not in self._decoders:
            self._decoders[stream] = _Utf8()
        return self._decoders[stream]

    def _finish(self) -> None:
        for stream, decoder in self._decoders.items():
            self._screen.stream(stream).write(decoder.decode(b"", final=True))
        self._decoders.clear()


class _Utf8:
    """Decodes one stream piece by piece; ASCII, as most is, three times as fast."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        #: The bytes of a character that is not complete.
        self.begun = b""

    def decode(self, data: bytes, final: bool = False) -> str:
        """Return the characters that are complete; if it is *final*, all."""
        if not self.begun and data.isascii():
            return data.decode("ascii")
        text = self._decoder.decode(data, final)
        self.begun = self._decoder.getstate()[0]
        return text


def _from_line(pieces: list[Piece]) -> Iterator[Piece]:
    """Leave out what comes before a place at which nothing is cut."""
    (stream, offset, data), *others = pieces
    at = _place_in(data, min(_NEAR, len(data) // 2))
    yield stream, offset + at, data[at:]
    yield from others


def _place_in(data: bytes, near: int) -> int:
    """Return where the cursor is in the lowest row that it comes to within *near*."""
    found = _BEGIN.search(data, 0, near)
    row, lowest, at = 0, 0, found.end() if found else 0
    for move in _MOVES.finditer(data, 0, near):
        kind, count = move[2] or b"B", int(move[1] or 1)
        row += -count if kind in b"AF" else count
        if row >= lowest:
            lowest, at = row, move.end()
    return at


def _at_line(runs: list[Text]) -> tuple[list[Text], list[Text]]:
    """Split *runs* after the last end of a line, if it is in the last run."""
    *before, (stream, text) = runs
    at = text.rfind("\n") + 1
    if not at:
        return runs, []
    return [*before, (stream, text[:at])], [(stream, text[at:])] if text[at:] else []
