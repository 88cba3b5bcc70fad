"""Parts of all that a job printed, and where something is in it, for pages that ask.

What is kept may be a gigabyte in a file, or elsewhere, so a thread of its own reads and
searches it, piece by piece: no button waits for that, no message, and no cell.
"""

from __future__ import annotations

import time
from array import array
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias

from ipyproc._jobs.job import Job
from ipyproc._jobs.output.find import Expression, Matcher, Words
from ipyproc._jobs.output.interleaved import Chunk, Interleaved, joined, together
from ipyproc.views.transport.output_feed import Message, streams_of
from ipyproc.views.transport.output_protocol import Find, Found, Piece, Read
from ipyproc.views.transport.worker import Worker

#: The name of the thread.
NAME: Final = "ipyproc-reading"
#: The most bytes of a piece that a page asks for.
READ: Final = 32 * 1024
#: The most lines that are counted, and that are sent with them.
MOST: Final = 1_000_000
LINES: Final = 200

# The most characters of a line that are sent where only lines that match are shown.
_LINE: Final = 1000
# Seconds after which a page is told how far a search is.
_TELL = 0.25
# So many pages of a view are served at once.
_PAGES = 16
_LINGER = 1.0
_CHUNKS = 2000

#: Does a part of something, and returns what does the next part.
_Part: TypeAlias = Callable[[], "Callable[[], object] | None"]


class Reader(Worker):
    """Does what pages ask for, a part of each in turn, on a thread of its own."""

    def __init__(self) -> None:
        super().__init__(NAME, _LINGER)

    def read(self, part: _Part) -> None:
        """Do *part* soon, and then what it returns; nothing if too much waits."""
        self.do(partial(self._go_on, part))

    def _go_on(self, part: _Part) -> None:
        if rest := part():
            self.do(partial(self._go_on, rest), goes_on=True)  # type: ignore[arg-type]


#: The one of this kernel.
shared: Final = Reader()


class Readings:
    """What the pages of one view ask for; all but the calls is on the reader's thread.

    *tell* gets the answers.
    """

    def __init__(
        self, job: Job, tell: Callable[[Message], None], reader: Reader = shared
    ) -> None:
        self._job = job
        self._tell = tell
        self._reader = reader
        self._searches: dict[str, _Lines] = {}
        # The last thing that each page is looking for: what it asked before is dropped.
        self._wanted: dict[str, Find] = {}

    def read(self, asked: Read) -> None:
        """Answer with a piece."""
        self._reader.read(partial(self._read, asked))

    def find(self, asked: Find) -> None:
        """Answer with where the lines are, again and again until all was searched."""
        self._wanted.pop(asked["page"], None)
        self._wanted[asked["page"]] = asked
        self._reader.read(partial(self._begin, asked))

    def left(self, page: str) -> None:
        """Look for nothing more for *page*."""
        self._wanted.pop(page, None)
        self._reader.read(partial(self._forget, page))

    def _forget(self, page: str) -> None:
        self._searches.pop(page, None)

    def _read(self, asked: Read) -> None:
        with suppress(OSError):  # no contact with its host: the page asks again
            try:
                self._tell(piece(self._job.whole_as_utf8, asked))
            except ConnectionError:  # nor will there be
                self._tell(piece(self._job.as_utf8, asked))

    def _begin(self, asked: Find) -> Callable[[], object] | None:
        page = asked["page"]
        lines = self._searches.pop(page, None)
        if lines is None or not lines.are(asked):
            try:
                lines = self._lines(asked)
            except ValueError as error:
                self._tell(_found(asked, None, str(error)))
                return None
            except OSError:
                return None
        self._searches[page] = lines
        while len(self._searches) > _PAGES:
            self._searches.pop(next(iter(self._searches)))
        return self._search(asked, lines)

    def _lines(self, asked: Find) -> _Lines:
        try:
            return _Lines(self._job, self._job.whole_as_utf8, asked)
        except ConnectionError:
            return _Lines(self._job, self._job.as_utf8, asked)

    def _search(self, asked: Find, lines: _Lines) -> Callable[[], object] | None:
        """Search a piece, and say what there is if it is time for that."""
        if self._wanted.get(asked["page"]) is not asked:
            return None
        try:
            lines.search()
            if lines.over or time.monotonic() - lines.told >= _TELL:
                lines.told = time.monotonic()
                self._tell(_found(asked, lines))
        except ConnectionError:  # there is no more than what is here
            lines = self._searches[asked["page"]] = _Lines(
                self._job, self._job.as_utf8, asked
            )
        except OSError:
            return None
        return None if lines.over else partial(self._search, asked, lines)


class _Lines:
    """The lines of a job's output that match what a page looks for."""

    def __init__(self, job: Job, output: Interleaved, asked: Find) -> None:
        self._job = job
        self._output = output
        self._asked = asked["text"], asked["regex"]
        self._search = self._output.search(_matcher(*self._asked))
        self.offsets: array[int] = array("Q")
        self.told = time.monotonic()

    def are(self, asked: Find) -> bool:
        """Whether it is these that are asked for."""
        return self._asked == (asked["text"], asked["regex"])

    @property
    def over(self) -> bool:
        """Whether all that is there was searched."""
        is_full = len(self.offsets) >= MOST
        total = self._output.total
        return is_full or not self._search.is_behind(total, self._job.finished)

    def search(self) -> None:
        """Search the next piece."""
        if self.over:
            return
        final, total = self._job.finished, self._output.total
        found = array("Q", (at for at, _ in self._search.next(total, final)))
        # Of two streams that are searched one by one, one may be ahead of the other.
        is_ahead = found and self.offsets and found[0] < self.offsets[-1]
        self.offsets += found
        if is_ahead:
            self.offsets = array("Q", sorted(self.offsets))
        del self.offsets[MOST:]

    def texts(self, index: int, count: int) -> list[tuple[int, str]]:
        """Return offset and text of *count* of them from *index* on."""
        wanted = self.offsets[index : index + min(count, LINES)]
        texts = self._search.texts(wanted, _LINE)
        return list(zip(wanted, texts, strict=True))


def _matcher(text: str, is_regex: bool) -> Matcher:
    return Expression(text, ignore_case=True) if is_regex else Words(text)


def _found(asked: Find, lines: _Lines | None, error: str = "") -> Message:
    texts = lines.texts(asked["index"], asked["lines"]) if lines else []
    found = Found(
        kind="found",
        page=asked["page"],
        seq=asked["seq"],
        count=len(lines.offsets) if lines else 0,
        over=lines is None or lines.over,
        index=asked["index"],
        lines=texts,
        error=error,
    )
    return Message(found)


def piece(output: Interleaved, asked: Read) -> Message:
    """Return whole lines from an offset on, or up to one, as far as they fit."""
    total = output.total
    offset, is_before = min(asked["offset"], total), asked["before"]
    start = max(0, offset - READ) if is_before else offset
    chunks = output.read(start, offset - start if is_before else READ)
    # Up to a gap, or behind it, whichever is beside the offset.
    chunks = _before(chunks, offset) if is_before else list(together(chunks, _CHUNKS))
    data = joined(chunks)
    begin, end = 0, len(data)
    if is_before and chunks and chunks[0].offset > 0:
        begin = data.find(b"\n", 0, end - 1) + 1
    elif not is_before and chunks and chunks[0].offset + end < total:
        end = data.rfind(b"\n") + 1 or end
    chunks = _cut(chunks, begin, end)
    at = chunks[0].offset if chunks else offset
    content = Piece(
        kind="piece",
        page=asked["page"],
        seq=asked["seq"],
        offset=at,
        total=total,
        streams=streams_of(chunks),
    )
    if asked["times"]:
        content["times"] = _times(output, data[begin:end], at)
    return Message(content, data[begin:end])


def _before(chunks: list[Chunk], offset: int) -> list[Chunk]:
    """Return the last of the chunks up to *offset* between which there is no gap."""
    found: deque[Chunk] = deque()
    end = offset
    for chunk in reversed(_cut(chunks, 0, offset - chunks[0].offset) if chunks else []):
        if chunk.offset + len(chunk.data) != end or len(found) == _CHUNKS:
            break
        found.appendleft(chunk)
        end = chunk.offset
    return list(found)


def _cut(chunks: list[Chunk], begin: int, end: int) -> list[Chunk]:
    """Return what lies from *begin* to *end*, counted from the first chunk on."""
    first = chunks[0].offset if chunks else 0
    found = []
    for chunk in chunks:
        at = chunk.offset - first
        data = chunk.data[max(0, begin - at) : max(0, end - at)]
        if data:
            offset = max(chunk.offset, first + begin)
            found.append(Chunk(chunk.stream, offset, data))
    return found


def _times(output: Interleaved, data: bytes, offset: int) -> list[float]:
    """Return when each of the lines of *data* came, in seconds since the start."""
    times = []
    begin, until, elapsed = 0, 0, 0.0
    while begin < len(data):
        if begin >= until:
            elapsed, length = output.moment(offset + begin)
            until = begin + length
        times.append(round(elapsed, 2))
        begin = data.find(b"\n", begin) + 1 or len(data)
    return times
