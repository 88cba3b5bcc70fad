"""What a stream of a far job printed: its window here, and the rest on demand."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple, Protocol

from ipyproc._agent.protocol.asked import Answer
from ipyproc._agent.protocol.frames import Fields
from ipyproc._agent.searching import Found, Wanted
from ipyproc._jobs.output import find as lines
from ipyproc._jobs.output.capture import Capture
from ipyproc._jobs.output.find import Expression
from ipyproc._jobs.output.timeline import Timeline

# The least and the most that is fetched at once.
_AHEAD: Final = 1 << 18
_PIECE: Final = 1 << 20
# Characters of a line that comes with where it was found; a longer one is fetched.
_LONGEST: Final = 4096


class Searcher(Protocol):
    """What searches where the output is kept."""

    def find(self, stream: int, wanted: Wanted) -> Found:
        """Search a part of a stream, or as much of it as one answer has room for.

        It may wait, and raise ``OSError``.
        """


class Keeper(Protocol):
    """What has all that a job printed. Its methods may wait, and raise ``OSError``."""

    @property
    def searcher(self) -> Searcher | None:
        """What searches it; if nothing does, it is read, and searched here."""

    def read(self, stream: int, offset: int, size: int) -> Answer:
        """Fetch a part of a stream."""

    def times(self, stream: int, offset: int) -> Fields:
        """Ask when a stream printed what is at *offset*, and what follows."""


class FarCapture(Capture):
    """A capture that an agent keeps. *window* is what arrived of it.

    What is not in the window is fetched, which may raise ``TimeoutError`` if there is
    no contact, and ``ConnectionError`` if there never will be.
    """

    def __init__(
        self, window: Capture, stream: int, output_limit: int, keeper: Keeper
    ) -> None:
        super().__init__(0, output_limit, window.encoding)
        self._window = window
        self._stream = stream
        self._keeper = keeper
        self._dropped = 0
        # What was fetched last: those who read go on from there.
        self._fetched = (0, b"")
        self.timeline: Timeline = FarTimeline(window.timeline, stream, keeper)

    @property
    def total(self) -> int:
        """How many bytes the stream printed, as far as that is known here."""
        return self._window.total

    @property
    def dropped(self) -> int:
        """How many of them the agent no longer keeps."""
        return self._dropped

    @property
    def in_memory(self) -> int:
        """How many of them are in memory here."""
        return self._window.in_memory + len(self._fetched[1])

    def told(self, dropped: int, error: str | None) -> None:
        """Take over what the agent says of it."""
        self._dropped = dropped
        self.error = OSError(error) if error else None

    def read(self, offset: int, size: int) -> tuple[int, bytes]:
        """Return the first offset kept from *offset* on, and at most *size* bytes."""
        offset = max(0, offset)
        start, data = self._window.read(offset, size)
        if start == offset or size <= 0 or offset >= self._window.total:
            return start, data
        at, fetched = self._fetched
        if not at <= offset < at + len(fetched):
            room = min(max(size, _AHEAD), _PIECE, start - offset)
            answer = self._keeper.read(self._stream, offset, room)
            if answer.start is None or answer.start >= start or not answer.data:
                return start, data
            at, fetched = self._fetched = answer.start, answer.data
        first = max(0, offset - at)
        return at + first, fetched[first : first + min(size, start - offset)]

    def find(
        self, pattern: str | re.Pattern[str], start: int = 0
    ) -> Iterator[lines.Found]:
        """Yield the lines that match, found where they are kept; see ``Capture``."""
        searcher = self._keeper.searcher
        if searcher is None or start < 0:
            return super().find(pattern, start)
        return self._found(searcher, Expression(pattern), start)

    def _found(
        self, searcher: Searcher, expression: Expression, at: int
    ) -> Iterator[lines.Found]:
        upto = at
        while upto < (end := self.total):
            wanted = Wanted(expression, at, end, final=True, longest=_LONGEST)
            found = searcher.find(self._stream, wanted)
            for offset, text in zip(found.lines, found.texts, strict=True):
                if len(text) < _LONGEST:
                    yield offset, text
                else:
                    yield from islice(lines.found(self, expression, offset), 1)
            if found.upto <= upto and not found.lines:
                return
            at, upto = found.at, found.upto


class FarTimeline(Timeline):
    """When the bytes of a stream arrived at the agent, or here if it does not tell."""

    def __init__(self, window: Timeline, stream: int, keeper: Keeper) -> None:
        super().__init__()
        self._window = window
        self._stream = stream
        self._keeper = keeper
        self._told = _Told([], [], 0)

    def find(self, offset: int) -> tuple[float, int | None] | None:
        """Return when the byte at *offset* arrived, and up to which offset that is so.

        In seconds since the start of the process.
        """
        told = self._told
        if not told.offsets or not told.offsets[0] <= offset < told.end:
            try:
                told = self._told = _told(self._keeper.times(self._stream, offset))
            except TimeoutError:
                raise
            except OSError:
                return self._window.find(offset)
        index = bisect_right(told.offsets, offset)
        if not index or offset >= told.end:
            return self._window.find(offset)
        until = told.offsets[index] if index < len(told.offsets) else told.end
        return told.elapsed[index - 1], until


class _Told(NamedTuple):
    """Points of a timeline, and up to which offset they say something."""

    offsets: list[int]
    elapsed: list[float]
    end: int


def _told(fields: Fields) -> _Told:
    points = fields.body.get("points")
    pairs = (
        [(int(at), float(t)) for at, t in points] if isinstance(points, list) else []
    )
    return _Told([at for at, _ in pairs], [t for _, t in pairs], fields.number("end"))


def told(captures: Sequence[FarCapture], fields: Fields) -> None:
    """Tell both streams what COURSE says of them."""
    dropped, errors = fields.body.get("dropped"), fields.body.get("errors")
    if not isinstance(dropped, list) or not isinstance(errors, list):
        return
    for capture, lost, error in zip(captures, dropped, errors, strict=False):
        capture.told(int(lost), None if error is None else str(error))
