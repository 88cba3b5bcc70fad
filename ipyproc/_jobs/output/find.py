"""Finding lines in all that is kept of a job's output, wherever that is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol, TypeAlias

from ipyproc._jobs.output import encoding as encodings
from ipyproc._jobs.output.encoding import UTF_8
from ipyproc._jobs.output.plain import SPECIAL, Plain, cleaned

#: As much is searched in one go, while no other thread of Python runs.
PIECE: Final = 1 << 19
# A line that is longer is searched in parts.
_LONGEST: Final = 1 << 20
# Of a line that was written over, so much of the end is drawn.
_DRAWN: Final = 1 << 16
# A pattern that may see what is outside of its line is matched with each line alone.
_LOOKS_OUT = re.compile(r"\(\?|\[\^|\\[AZWDsnrxuUN0]")
_SPECIALS = re.compile(f"[{SPECIAL}]")

#: Returns the offset of the first byte kept at or after an offset, and some bytes.
Read: TypeAlias = Callable[[int, int], tuple[int, bytes]]
#: The offset of a line, and its text.
Found: TypeAlias = tuple[int, str]


class Kept(Protocol):
    """The part of a capture that is searched."""

    encoding: str

    @property
    def total(self) -> int:
        """How many bytes there are."""

    def read(self, offset: int, size: int) -> tuple[int, bytes]:
        """Return what is kept from *offset* on, and where that begins."""


class Matcher(Protocol):
    """What a line is compared with."""

    #: Whether it finds in many lines at once exactly those that it finds one by one.
    is_local: bool

    def prepared(self, text: str) -> str:
        """Return what is searched instead of *text*; it has as many lines."""

    def search(self, text: str, start: int) -> int:
        """Return where the first match from *start* on begins, or -1."""


class Searching(Protocol):
    """What looks for lines, piece by piece."""

    def next(self, total: int, final: bool) -> Iterator[Found]:
        """Search the next piece of *total* bytes; yield the lines that match.

        Their texts may be left out. What is left in a line that did not end is
        searched if it is *final*.
        """

    def is_behind(self, total: int, final: bool) -> bool:
        """Whether something of *total* bytes is left to search."""

    def texts(self, offsets: Sequence[int], longest: int) -> list[str]:
        """Return the lines found at *offsets*, each up to so many characters."""


class Expression:
    """A regular expression.

    ``TypeError`` and ``ValueError`` say what is wrong with *pattern*.
    """

    def __init__(self, pattern: object, *, ignore_case: bool = False) -> None:
        #: The pattern, compiled.
        self.compiled = compiled(pattern)
        if ignore_case:
            flags = self.compiled.flags | re.IGNORECASE
            self.compiled = re.compile(self.compiled.pattern, flags)
        is_multiline = bool(self.compiled.flags & re.MULTILINE)
        looks_out = _LOOKS_OUT.search(self.compiled.pattern) is not None
        self.is_local = is_multiline and not looks_out

    def prepared(self, text: str) -> str:
        """Return the text as it is."""
        return text

    def search(self, text: str, start: int) -> int:
        """Return where the first match from *start* on begins, or -1."""
        match = self.compiled.search(text, start)
        return -1 if match is None else match.start()


class Words:
    """A text, in capitals or not."""

    is_local = True

    def __init__(self, text: str) -> None:
        #: The text, without capitals.
        self.text = text.lower()

    def prepared(self, text: str) -> str:
        """Return the text without capitals."""
        return text.lower()

    def search(self, text: str, start: int) -> int:
        """Return where it is from *start* on, or -1."""
        return text.find(self.text, start)


class Search:
    """Looks for lines, piece by piece, from *offset* on, the beginning of a line.

    A line is what ends with a newline, as a terminal would show it by itself: without
    escapes, carriage returns and backspaces applied.
    """

    def __init__(
        self, read: Read, matcher: Matcher, offset: int = 0, encoding: str = UTF_8
    ) -> None:
        self._read = read
        self._matcher = matcher
        mark = read(0, encodings.MARK_SIZE)[1]
        self._encoding = encodings.inside(encoding, mark)
        self._newline = "\n".encode(self._encoding)
        #: Up to where all was searched: there a line begins.
        self.offset = offset or encodings.size_of_mark(encoding, mark)
        # What follows there of a line that has not ended.
        self._rest = b""

    def next(self, total: int, final: bool) -> Iterator[Found]:
        """Search the next piece of *total* bytes; yield the lines that match.

        What is left in a line that did not end is searched if it is *final*.
        """
        behind = self.looked_at
        start, data = self._read(behind, min(PIECE, total - behind))
        if start > behind:  # something is missing: a line ends, another begins
            yield from self._block(self._rest, behind)
            self._rest, self.offset = b"", start
        data, start = self._rest + data, self.offset
        end = self._end_of_lines(data)
        if (final and start + len(data) >= total) or len(data) - end > _LONGEST:
            end = len(data)
        self._rest = data[end:]
        yield from self._block(data[:end], start)
        self.offset = start + end

    def is_behind(self, total: int, final: bool) -> bool:
        """Whether something of *total* bytes is left to search."""
        return self.looked_at < total or (final and self._rest != b"")

    @property
    def looked_at(self) -> int:
        """Up to where it was read: behind ``offset`` a line has not ended."""
        return self.offset + len(self._rest)

    def texts(self, offsets: Sequence[int], longest: int) -> list[str]:
        """Return the lines at *offsets*, each up to so many characters."""
        return [self._text(offset, longest) for offset in offsets]

    def _text(self, offset: int, longest: int) -> str:
        data = self._read(offset, 4 * longest)[1]
        text = data.decode(self._encoding, "replace").partition("\n")[0]
        return drawn(cleaned(text))[:longest]

    def _end_of_lines(self, data: bytes) -> int:
        """Return where the last line of *data* ends."""
        end = len(data)
        unit = len(self._newline)
        while (at := data.rfind(self._newline, 0, end)) >= 0:
            if (self.offset + at) % unit == 0:
                return at + unit
            end = at + unit - 1
        return 0

    def _block(self, data: bytes, offset: int) -> Iterator[Found]:
        """Yield the lines of *data*, whole lines, that match."""
        raw = data.decode(self._encoding, "replace")
        text = cleaned(raw)
        searched = self._matcher.prepared(text)
        # With one byte a character, and nothing left out, the places are the same.
        is_same = text is raw and len(raw) == len(data) and len(searched) == len(text)
        lines = None if is_same else _Lines(data, self._newline, offset)
        for begin, end in self._places(searched):
            if lines is None:
                place, line = offset + begin, text[begin:end]
            else:
                place, found = lines.go_to(searched, begin)
                line = text[begin:end]
                if len(searched) != len(text):
                    line = cleaned(found.decode(self._encoding, "replace"))
            if not _SPECIALS.search(line) or self._matches(line := drawn(line)):
                yield place, line

    def _places(self, searched: str) -> Iterator[tuple[int, int]]:
        """Yield where the lines begin and end that match as they were printed."""
        if not self._matcher.is_local:
            yield from self._one_by_one(searched)
            return
        at, end = 0, -1
        while end < len(searched) - 1:
            if (at := self._matcher.search(searched, end + 1)) < 0:
                return
            begin = searched.rfind("\n", 0, at) + 1
            if begin == len(searched):  # behind the last newline no line begins
                return
            end = searched.find("\n", at)
            end = len(searched) if end < 0 else end
            yield begin, end

    def _one_by_one(self, searched: str) -> Iterator[tuple[int, int]]:
        begin = 0
        for line in searched.removesuffix("\n").split("\n") if searched else ():
            if self._matcher.search(line, 0) >= 0 or _SPECIALS.search(line):
                yield begin, begin + len(line)
            begin += len(line) + 1

    def _matches(self, line: str) -> bool:
        return self._matcher.search(self._matcher.prepared(line), 0) >= 0


def found(kept: Kept, matcher: Matcher, start: int) -> Iterator[Found]:
    """Yield the lines that match, as far as there are any by then."""
    search = Search(kept.read, matcher, start, kept.encoding)
    while search.is_behind(total := kept.total, final=True):
        yield from search.next(total, final=True)


class _Lines:
    """Walks through lines of bytes beside their text, in which lines were changed."""

    def __init__(self, data: bytes, newline: bytes, offset: int) -> None:
        self._data = data
        self._newline = newline
        self._offset = offset
        # How far it went: in the bytes, and in the text.
        self._at = self._searched = 0

    def go_to(self, searched: str, begin: int) -> tuple[int, bytes]:
        """Return the line that is at *begin* in the text, and its offset."""
        for _ in range(searched.count("\n", self._searched, begin)):
            self._at = self._end(self._at) + len(self._newline)
        self._searched = begin
        return self._offset + self._at, self._data[self._at : self._end(self._at)]

    def _end(self, at: int) -> int:
        """Return where the line ends that begins at *at*."""
        begin, unit = at, len(self._newline)
        while (found := self._data.find(self._newline, at)) >= 0:
            if (found - begin) % unit == 0:
                return found
            at = found + 1
        return len(self._data)


def drawn(line: str) -> str:
    """Return what a terminal shows of a line in which there may be moves."""
    if line.endswith("\r"):
        line = line[:-1]
    if not _SPECIALS.search(line):
        return line
    plain = Plain()
    plain.write(line[-_DRAWN:])
    return plain.rest().rstrip("\n")


def compiled(pattern: object, flags: int = re.MULTILINE) -> re.Pattern[str]:
    """Check a regular expression, and compile it, with *flags*, if it is a text."""
    if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
        return pattern
    if not isinstance(pattern, str):
        kind = type(pattern).__name__
        raise TypeError(f"pattern: expected a regular expression, not {kind}")
    try:
        return re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"pattern: {error} in {pattern!r}") from None
