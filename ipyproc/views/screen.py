"""What a terminal would show: lines of styled text, and a cursor.

A screen without a height, for output that is text with some escapes: colours, carriage
returns, progress bars that move up and down. It is fed bytes as they arrive, in pieces
cut anywhere, and keeps a bounded number of lines. ``job.js`` holds the same model for
the page; ``tests/views/vectors.json`` says what both must do.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from functools import lru_cache
from itertools import groupby

from ipyproc.views.look import Pen

#: A piece of a line, all in one look (see ``look.py``).
Run = tuple[str, str]

LINES = 3000
CELLS = 1 << 18
COLUMNS = 4096

#: The look of what the view says itself, between the lines of output.
NOTE = "note"

# A cell holds one character and what combines with it, but not a megabyte of accents.
_STACK = 12
# An escape sequence that is cut off is kept until the rest comes, up to this length.
_PENDING = 256
_STRING = 2100

_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
_ESCAPE = re.compile(r"\x1b(?:\[([0-?]*)([ -/]*)([@-~]?)|([P\]X^_])|[ -/]*([0-~]?))")
_STRING_END = re.compile(r"[\n\x07\x18\x1a\x1b\x9c]")
# They reorder or hide what stands beside them, so that it reads as something else.
_DECEPTIVE = re.compile("[\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb]")


class _Line:
    """Cells: a character each; the second cell of a wide character is empty."""

    __slots__ = ("chars", "looks")

    def __init__(self) -> None:
        self.chars: list[str] = []
        self.looks: list[str] = []

    def runs(self) -> list[Run]:
        cells = groupby(zip(self.chars, self.looks, strict=True), lambda cell: cell[1])
        return [("".join(char for char, _ in group), look) for look, group in cells]


class _Source:
    """What is particular to a stream: its decoder, its pen, what it left half said."""

    def __init__(self, stream: str) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.pen = Pen(stream)
        self.pending = ""
        self.string: str | None = None

    def decode(self, data: bytes, final: bool) -> str:
        text = self.pending + self.decoder.decode(data, final)
        self.pending = ""
        return text

    def keep(self, escape: str) -> None:
        """Keep the beginning of an escape; an endless one only as what it is."""
        if len(escape) > _PENDING:
            escape = "\x1b[?" if escape[1] == "[" else "\x1b "
        self.pending = escape


class Screen:
    """Lines of output and a cursor, fed from several streams.

    >>> screen = Screen()
    >>> screen.feed("stdout", b"10 %\\r100 %\\n")
    >>> screen.feed("stderr", b"\\x1b[31mno")
    >>> screen.runs()
    [[('100 %', '')], [('no', 'stderr fg=1')]]
    """

    def __init__(self, lines: int = LINES, cells: int = CELLS) -> None:
        self._most_lines = lines
        self._most_cells = cells
        self._lines = [_Line()]
        self._cells = 0
        self._row = 0
        self._column = 0
        self._sources: dict[str, _Source] = {}
        self.dropped = 0

    def feed(self, stream: str, data: bytes) -> None:
        """Show what arrived on *stream*."""
        self._read(self._source(stream), data)

    def finish(self) -> None:
        """Show what was left half said: no more is to come."""
        for source in self._sources.values():
            self._read(source, b"", final=True)

    def note(self, text: str) -> None:
        """Put a line of the view's own between the lines of output.

        What follows begins afresh: in a gap the end of an escape may be missing.
        """
        self.finish()
        self._sources.clear()
        self._row = len(self._lines) - 1
        if self._lines[self._row].chars:
            self._new_line()
        self._column = 0
        self._print(text, NOTE)
        self._new_line()

    def runs(self) -> list[list[Run]]:
        """Return the lines, each as a list of (text, look); an open end is no line."""
        runs = [line.runs() for line in self._lines]
        return runs if runs[-1] else runs[:-1]

    def text(self) -> list[str]:
        """Return the lines as plain text."""
        return ["".join(text for text, _ in line) for line in self.runs()]

    def _source(self, stream: str) -> _Source:
        if stream not in self._sources:
            self._sources[stream] = _Source(stream)
        return self._sources[stream]

    def _read(self, source: _Source, data: bytes, final: bool = False) -> None:
        text = source.decode(data, final)
        at = 0
        while at < len(text):
            if source.string is not None:
                at = self._string(source, text, at)
            elif text[at] == "\x1b":
                at = self._escape(source, text, at)
            elif match := _PRINTABLE.match(text, at):
                self._print(match[0], source.pen.look)
                at = match.end()
            else:
                self._control(text[at])
                at += 1

    def _string(self, source: _Source, text: str, at: int) -> int:
        """Swallow the text of an OSC or its like; it may name a link."""
        match = _STRING_END.search(text, at)
        end = match.start() if match else len(text)
        said = ((source.string or "") + text[at:end])[:_STRING]
        source.string = said
        if not match:
            return end
        if match[0] not in "\n\x18\x1a":
            _say(source.pen, said)
        source.string = None
        return end if match[0] in "\n\x1b" else end + 1

    def _escape(self, source: _Source, text: str, at: int) -> int:
        match = _ESCAPE.match(text, at)
        if not match:
            return at + 1
        parameters, between, final, string, other = match.groups()
        if string:
            source.string = "" if string == "]" else "?"
        elif not final and not other and match.end() == len(text):
            source.keep(match[0])
        elif final == "m" and not between:
            if parameters[:1] not in ("<", "=", ">", "?"):
                source.pen.sgr(parameters)
        elif final and not between and re.fullmatch("[0-9;]*", parameters):
            self._sequence(final, parameters)
        return match.end()

    def _sequence(self, final: str, parameters: str) -> None:
        digits = parameters.split(";")[0][:6]
        count = max(int(digits or 0), 1)
        match final:
            case "A" | "F":
                self._row = max(self._row - count, 0)
            case "B" | "E":
                self._row = min(self._row + count, len(self._lines) - 1)
            case "C":
                self._column = min(self._column + count, COLUMNS - 1)
            case "D":
                self._column = max(self._column - count, 0)
            case "G":
                self._column = min(count, COLUMNS) - 1
            case "K":
                self._erase(int(digits or 0))
            case "J" if int(digits or 0) == 0:
                self._erase_below()
        if final in "EF":
            self._column = 0

    def _control(self, char: str) -> None:
        match char:
            case "\n":
                self._new_line()
            case "\r":
                self._column = 0
            case "\b":
                self._column = max(self._column - 1, 0)
            case "\t":
                self._column = min(self._column // 8 * 8 + 8, COLUMNS - 1)

    def _new_line(self) -> None:
        self._row += 1
        self._column = 0
        if self._row == len(self._lines):
            self._lines.append(_Line())
            self._drop()

    def _drop(self) -> None:
        """Let the oldest lines go while there are too many, or too much in them."""
        while len(self._lines) > self._most_lines or (
            self._cells > self._most_cells and len(self._lines) > 1
        ):
            self._cells -= len(self._lines.pop(0).chars)
            self._row = max(self._row - 1, 0)
            self.dropped += 1

    def _print(self, text: str, look: str) -> None:
        line = self._lines[self._row]
        if text.isascii() and self._column == len(line.chars) < COLUMNS - len(text):
            line.chars.extend(text)
            line.looks.extend([look] * len(text))
            self._column += len(text)
            self._cells += len(text)
        else:
            for char in _DECEPTIVE.sub("", text):
                self._put(char, look)
        self._drop()

    def _put(self, char: str, look: str) -> None:
        columns = width(char)
        if columns == 0:
            self._combine(char)
            return
        if self._column + columns > COLUMNS:
            self._new_line()
        line = self._lines[self._row]
        before = len(line.chars)
        self._make_room(line, columns)
        for cell in range(columns):
            line.chars[self._column + cell] = "" if cell else char
            line.looks[self._column + cell] = look
        self._column += columns
        self._cells += len(line.chars) - before

    def _combine(self, char: str) -> None:
        """Add *char* to the character before the cursor."""
        line = self._lines[self._row]
        at = self._column - 1
        if 0 < at < len(line.chars) and not line.chars[at]:
            at -= 1
        if 0 <= at < len(line.chars) and len(line.chars[at]) < _STACK:
            line.chars[at] += char

    def _make_room(self, line: _Line, columns: int) -> None:
        """Fill up to the cursor; halves of wide characters there become blanks."""
        end = self._column + columns
        self._split(line, self._column)
        self._split(line, end)
        missing = end - len(line.chars)
        if missing > 0:
            line.chars.extend(" " * missing)
            line.looks.extend([""] * missing)

    def _split(self, line: _Line, at: int) -> None:
        """Part the cells before *at* from those after, blanking a character between."""
        if 0 < at < len(line.chars) and not line.chars[at]:
            line.chars[at - 1] = line.chars[at] = " "

    def _erase(self, part: int) -> None:
        """Erase to the end of the line (0), to its beginning (1), or all of it (2)."""
        line = self._lines[self._row]
        before = len(line.chars)
        if part == 1:
            self._split(line, self._column + 1)
            end = min(self._column + 1, before)
            line.chars[:end] = " " * end
            line.looks[:end] = [""] * end
        elif part in (0, 2):
            at = self._column if part == 0 else 0
            self._split(line, at)
            del line.chars[at:], line.looks[at:]
        self._cells += len(line.chars) - before

    def _erase_below(self) -> None:
        self._erase(0)
        gone = self._lines[self._row + 1 :]
        del self._lines[self._row + 1 :]
        self._cells -= sum(len(line.chars) for line in gone)


def _say(pen: Pen, said: str) -> None:
    """Obey an operating system command: only links are known."""
    command, _, rest = said.partition(";")
    if command == "8":
        pen.link(rest.partition(";")[2])


@lru_cache(4096)
def width(char: str) -> int:
    """Return the columns of a terminal that *char* takes: 0, 1 or 2."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf") or "ᅠ" <= char <= "ᇿ":
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
