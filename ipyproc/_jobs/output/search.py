"""Searching what a job prints, while it prints."""

from __future__ import annotations

import re
import time
from typing import Final

from ipyproc._jobs.output.encoding import UTF_8, decoder
from ipyproc._jobs.output.find import compiled
from ipyproc._jobs.output.grid import Grid
from ipyproc._jobs.output.interleaved import STREAMS, Output
from ipyproc._jobs.output.parser import Stream
from ipyproc._jobs.output.plain import NoPen, Plain

# A match may begin so many lines before the newest output.
_LINES: Final = 100
# The most that is searched in one go.
_PIECE: Final = 1 << 17
# How long the end of a line is waited for.
_LINE_PATIENCE: Final = 0.05
# Where reading in the middle of a line may begin.
_LINE_START = re.compile(rb"[\r\n](?!$)")
_ESCAPE = re.compile(rb"(?=\x1b)")


class Printed:
    """Looks for a regular expression in what comes on either stream, in UTF-8.

    It is searched as a terminal would show it, from the beginning, piece by piece: each
    with the 100 lines before it, in which a match may begin, and every line before it
    is written over. A match in a line that did not end yet is taken a moment later, for
    the rest of the line may belong to it.
    """

    def __init__(self, output: Output, pattern: str | re.Pattern[str]) -> None:
        expression = compiled(pattern)
        self._output = output
        self._streams = {stream: _Searched(expression) for stream in STREAMS}
        self._offset = 0
        self._began_with = self._output.total
        # A match in a line that did not end, and until when that is waited for.
        self._early: tuple[re.Match[str], float] | None = None
        self.pause: float | None = None

    @property
    def is_behind(self) -> bool:
        """Whether something is left to search that was printed before."""
        return self._offset < self._began_with

    def look(self, over: bool) -> re.Match[str] | None:
        """Search what came next."""
        for chunk in self._output.read(self._offset, _PIECE):
            gap = chunk.offset > self._offset
            self._streams[chunk.stream].feed(chunk.data, gap)
            self._offset = chunk.offset + len(chunk.data)
        for searched in self._streams.values():
            if match := searched.search():
                return match
        return self._taken_early(over)

    def close(self) -> None:
        """Nothing is under way."""

    def missed(self, timeout: float) -> str:
        """Say that it was not printed."""
        return not_printed(timeout)

    def _taken_early(self, over: bool) -> re.Match[str] | None:
        """Return a match in a line that did not end, if that took too long."""
        early = next(filter(None, (s.early for s in self._streams.values())), None)
        now = time.monotonic()
        if early and not self._early:
            self._early = early, now + _LINE_PATIENCE
        elif self._early:
            # What was found and is gone again was there all the same.
            self._early = early or self._early[0], self._early[1]
        is_behind = self._offset < self._output.total
        self.pause = 0 if is_behind else None
        if not self._early:
            return None
        match, patience = self._early
        if now >= patience or (over and not is_behind):
            return match
        self.pause = 0 if is_behind else patience - now
        return None


class _Searched:
    """One stream, and the pattern that is looked for in it."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self._text = Plain(decoder(UTF_8), _LINES, self._rewritten)
        self._found: re.Match[str] | None = None
        #: A match that may have another end, or be none, when the line ends.
        self.early: re.Match[str] | None = None
        self._is_new = False

    def feed(self, data: bytes, gap: bool) -> None:
        """Add what came next, or after a *gap*; `search` searches it."""
        if gap:
            self._text.gap(decoder(UTF_8))
        self._text.feed(data)
        self._is_new = True

    def search(self) -> re.Match[str] | None:
        """Search what was added."""
        if not self._is_new:
            return None
        self._is_new = False
        text = self._text.take() + self._text.rest()
        match = self._found or self._pattern.search(text)
        self.early = None
        if match and not self._found and match.end() > text.rfind("\n") + 1:
            self.early, match = match, None
        return match

    def _rewritten(self, text: str) -> None:
        self._found = self._found or self._pattern.search(text)


def not_printed(timeout: float) -> str:
    """Say that a pattern was not printed."""
    return f"has not printed what was waited for after {timeout:g} s"


def last_line(output: Output, most: int) -> str:
    """Return the last line of *output* that is not empty, as a terminal shows it.

    Only the last *most* bytes are looked at; of a longer line it is the end.
    """
    start = max(0, output.total - most)
    grid = Grid(_LINES, most, lambda _: None)
    streams = {stream: Stream(grid, NoPen()) for stream in STREAMS}
    begun = start == 0
    for chunk in output.read(start, most):
        data = chunk.data
        if not begun:
            # What comes before may be the rest of an escape sequence.
            line = _LINE_START.search(data) or _ESCAPE.search(data[: most // 2])
            begun, data = True, data[line.end() if line else 0 :]
        streams[chunk.stream].feed(data)
    for stream in streams.values():
        stream.feed(b"", final=True)
    lines = (line.text.strip() for line in reversed(grid.lines))
    return next(filter(None, lines), "")
