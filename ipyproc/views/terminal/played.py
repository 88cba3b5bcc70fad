"""The picture of a job on a terminal: its output, played on a terminal of its size."""

from __future__ import annotations

import codecs
from typing import Final, Protocol

from ipyproc._jobs.output.interleaved import Chunk, Output
from ipyproc.views.terminal.emulator import Emulator
from ipyproc.views.terminal.modes import Reader
from ipyproc.views.terminal.picture import Seen

#: If more than so many bytes are new, it begins anew with the last of them: more than a
#: screen and what can be scrolled back to.
MOST: Final = 1 << 19
_PIECE: Final = 1 << 16
# How far to look for a line to begin with.
_NEAR: Final = 4096


class Sized(Protocol):
    """What has a size, which may change."""

    @property
    def rows(self) -> int:
        """How many rows it has."""

    @property
    def columns(self) -> int:
        """How many columns it has."""


class Played:
    """As a `Picture`, of what is printed on *terminal*."""

    def __init__(self, terminal: Sized) -> None:
        self._terminal = terminal
        self._modes: Reader | None = None
        self._begin(0)

    def update(self, output: Output, final: bool = False, most: int = MOST) -> None:
        """Draw what is new, of more than *most* bytes the last ones.

        If *final*, also a character that is incomplete.
        """
        self._modes = self._modes or Reader(output)
        self._modes.read()
        end = output.total
        if end - self._offset > min(most, MOST):
            self._begin_at_line(output, end - min(most, MOST))
        self._emulator.cells.resize(self._terminal.rows, self._terminal.columns)
        while self._offset < end:
            chunks = output.read(self._offset, min(_PIECE, end - self._offset))
            if not chunks:
                break
            if chunks[0].offset > self._offset:  # what was there is not kept
                self._begin(chunks[0].offset)
            self._play(chunks)
        if final:
            self._emulator.feed(self._decoder.decode(b"", final=True))

    def last(self, lines: int) -> Seen:
        """Return the last *lines* lines."""
        cells = self._emulator.cells
        runs = self._emulator.runs()
        shown = runs[-lines:]
        above = len(runs) - len(shown)
        if not cells.is_alternate:
            above += cells.scrolled - len(cells.above)
        return Seen(shown, above, self._before)

    def _begin(self, offset: int) -> None:
        self._offset = self._before = offset
        self._emulator = Emulator(self._terminal.rows, self._terminal.columns)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        if offset and self._modes:
            self._emulator.feed(self._modes.at(offset).escapes())

    def _begin_at_line(self, output: Output, offset: int) -> None:
        data = b"".join(chunk.data for chunk in output.read(offset, _NEAR))
        line = data.find(b"\n") + 1 or max(0, data.find(b"\x1b"))
        self._begin(offset + line)

    def _play(self, chunks: list[Chunk]) -> None:
        for chunk in chunks:
            self._emulator.feed(self._decoder.decode(chunk.data))
        self._offset = chunks[-1].offset + len(chunks[-1].data)
