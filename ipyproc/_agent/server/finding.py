"""Searching what a job has printed, step by step on the event loop."""

from __future__ import annotations

from typing import Final

from ipyproc._agent import searching
from ipyproc._agent.protocol import attachment
from ipyproc._agent.protocol.frames import Fields
from ipyproc._agent.searching import Found
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.io.timers import Timer
from ipyproc._jobs.output.capture import Capture
from ipyproc._jobs.output.find import Search

# Bytes that are searched for one answer.
_MOST: Final = 16 << 20


class Finding:
    """One search; *found* is called once, with what there is or a part of it."""

    def __init__(
        self, capture: Capture, fields: Fields, found: attachment.Found
    ) -> None:
        self._capture = capture
        self._wanted = wanted = searching.wanted_of(fields)
        self._found = found
        start, encoding = wanted.start, capture.encoding
        self._search = Search(self._read, wanted.matcher, start, encoding)
        self._offsets: list[int] = []
        self._texts: list[str] = []
        self._room = searching.CHARACTERS
        self._loop = event_loop()
        self._timer: Timer | None = None
        self.is_over = False

    def begin(self) -> None:
        """Search the first piece, soon."""
        self._timer = self._loop.call_later(0, self._step)

    def soon(self) -> None:
        """It is under way, whatever happens to the job."""

    def cancel(self) -> None:
        """Search no more."""
        self.is_over = True
        if self._timer:
            self._timer.cancel()

    def _step(self) -> None:
        if self.is_over:
            return
        wanted, search = self._wanted, self._search
        before = search.looked_at
        for offset, line in search.next(wanted.end, wanted.final):
            text = line[: wanted.longest]
            if len(self._offsets) >= wanted.most or len(text) > self._room:
                self._end(offset, offset)
                return
            self._offsets.append(offset)
            self._texts.append(text)
            self._room -= len(text)
        is_behind = search.is_behind(wanted.end, wanted.final)
        goes_on = before < search.looked_at < wanted.start + _MOST
        if is_behind and goes_on:
            self.begin()
        else:
            self._end(search.offset, search.looked_at)

    def _end(self, at: int, upto: int) -> None:
        self.is_over = True
        found = Found(self._offsets, self._texts, at, upto)
        self._found(searching.body_of_found(found))

    def _read(self, offset: int, size: int) -> tuple[int, bytes]:
        """Read nothing behind the end: what is there has not arrived there yet."""
        start, data = self._capture.read(offset, size)
        return start, data[: max(0, self._wanted.end - start)]
