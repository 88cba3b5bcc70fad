"""One stream of a screen: its escape sequences, its cursor, and the lines it began."""

from __future__ import annotations

import codecs
import re
from typing import Protocol

from ipyproc.views.terminal.line import COLUMNS, Line, width
from ipyproc.views.terminal.sgr import Pen

# An escape sequence that is cut off is kept until the rest arrives, up to this length.
_PENDING = 256
_STRING = 2100

_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
_ESCAPE = re.compile(r"\x1b(?:\[([0-?]*)([ -/]*)([@-~]?)|([P\]X^_])|[ -/]*([0-~]?))")
_STRING_END = re.compile(r"[\n\x07\x18\x1a\x1b\x9c]")
# They reorder or hide the text beside them, so that it reads as something else.
_DECEPTIVE = re.compile("[\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb]")


class Lines(Protocol):
    """The lines of all streams, in the order in which they were begun."""

    def begin(self, stream: Stream) -> Line:
        """Add an empty line of *stream* at the end."""

    def remove(self, lines: list[Line]) -> None:
        """Remove *lines*."""

    def resized(self, cells: int) -> None:
        """Count *cells* more; fewer if negative."""


class Stream:
    """What one stream writes, as if it had a terminal to itself.

    The cursor moves among the stream's own lines only, whatever other streams wrote
    between them: the order in which two pipes were written to is not known to the
    byte. That terminal has no height: its first row is the first line since all was
    erased, or the first that is still kept.

    It is no terminal for full-screen programs: it does not scroll regions, insert or
    delete characters or lines, switch to another screen, wrap at the program's width,
    or paint what is erased.
    """

    def __init__(self, name: str, screen: Lines) -> None:
        self._screen = screen
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pen = Pen(name)
        self._pending = ""
        self._string: str | None = None
        self._lines: list[Line] = []
        # The line below the last one is not begun before something is written to it.
        self._row = self._bottom = self._column = 0
        self._saved: tuple[int, int, dict[str, str]] = (0, 0, {})

    def feed(self, data: bytes, final: bool = False) -> None:
        """Write what arrived; if *final*, also a sequence that is incomplete."""
        text = self._pending + self._decoder.decode(data, final)
        self._pending = ""
        at = 0
        while at < len(text):
            if self._string is not None:
                at = self._read_string(text, at)
            elif text[at] == "\x1b":
                at = self._read_escape(text, at)
            elif match := _PRINTABLE.match(text, at):
                self._print(match[0])
                at = match.end()
            else:
                self._control(text[at])
                at += 1

    def forget_first(self) -> None:
        """Drop the oldest line; a cursor in it moves to the next."""
        del self._lines[0]
        if self._row == 0:
            self._column = 0
        self._row = max(self._row - 1, 0)
        self._bottom = max(self._bottom - 1, 0)
        row, column, pen = self._saved
        self._saved = max(row - 1, 0), column, pen

    def _read_string(self, text: str, at: int) -> int:
        """Consume the text of an OSC or a similar string; it may set a link."""
        match = _STRING_END.search(text, at)
        end = match.start() if match else len(text)
        self._string = ((self._string or "") + text[at:end])[:_STRING]
        if not match:
            return end
        if match[0] not in "\n\x18\x1a":
            self._command(self._string)
        self._string = None
        return end if match[0] in "\n\x1b" else end + 1

    def _command(self, string: str) -> None:
        """Execute an operating system command: only links are known."""
        command, _, rest = string.partition(";")
        if command == "8":
            self._pen.link(rest.partition(";")[2])

    def _read_escape(self, text: str, at: int) -> int:
        match = _ESCAPE.match(text, at)
        if not match:
            return at + 1
        parameters, between, final, string, other = match.groups()
        if string:
            self._string = "" if string == "]" else "?"
        elif not final and not other and match.end() == len(text):
            self._keep(match[0])
        elif final == "m" and not between:
            if parameters[:1] not in ("<", "=", ">", "?"):
                self._pen.sgr(parameters)
        elif final and not between and re.fullmatch("[0-9;]*", parameters):
            self._sequence(final, parameters)
        else:
            self._escape(match[0])
        return match.end()

    def _keep(self, escape: str) -> None:
        """Keep the beginning of an escape; of a very long one only its kind."""
        if len(escape) > _PENDING:
            escape = "\x1b[?" if escape[1] == "[" else "\x1b "
        self._pending = escape

    def _sequence(self, final: str, parameters: str) -> None:
        """Execute ``CSI parameters final``."""
        first, second, *_ = (*parameters.split(";"), "")
        given = int(first[:6] or 0)
        match final:
            case "H" | "f":
                self._go_to((given or 1) - 1, int(second[:6] or 1) - 1)
            case "K":
                self._erase(given)
            case "J" if given == 0:
                self._erase_below()
            case "J" if given == 2:
                self._erase_all()
            case "s" | "u" if not parameters:
                self._escape("\x1b7" if final == "s" else "\x1b8")
            case _:
                self._move(final, given or 1)

    def _escape(self, whole: str) -> None:
        """Execute an escape without parameters."""
        match whole:
            case "\x1b7":
                self._saved = self._row, self._column, self._pen.kept()
            case "\x1b8":
                row, column, pen = self._saved
                self._go_to(row, column)
                self._pen.restore(pen)
            case "\x1bc":
                self._erase_all()
                self._go_to(0, 0)
                self._pen.reset()

    def _move(self, final: str, count: int) -> None:
        match final:
            case "A":
                self._go_to(self._row - count, self._column)
            case "B":
                self._go_to(self._row + count, self._column)
            case "C":
                self._go_to(self._row, self._column + count)
            case "D":
                self._go_to(self._row, self._column - count)
            case "E":
                self._go_to(self._row + count, 0)
            case "F":
                self._go_to(self._row - count, 0)
            case "G":
                self._go_to(self._row, count - 1)

    def _go_to(self, row: int, column: int) -> None:
        """Move the cursor there, or to the nearest line and column that exist."""
        self._row = max(0, min(row, self._bottom))
        self._column = max(0, min(column, COLUMNS - 1))

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
        self._line()
        self._row += 1
        self._bottom = max(self._bottom, self._row)
        self._column = 0

    def _line(self) -> Line:
        """Return the line of the cursor."""
        if self._row == len(self._lines):
            self._lines.append(self._screen.begin(self))
        return self._lines[self._row]

    def _print(self, text: str) -> None:
        line = self._line()
        before, end = len(line.chars), self._column + len(text)
        if self._column <= before and end < COLUMNS and text.isascii():
            line.write(self._column, text, self._pen.style)
            self._column = end
            self._screen.resized(len(line.chars) - before)
        else:
            for char in _DECEPTIVE.sub("", text):
                self._put(char)

    def _put(self, char: str) -> None:
        if self._column + width(char) > COLUMNS:
            self._new_line()
        line = self._line()
        before = len(line.chars)
        self._column = line.put(self._column, char, self._pen.style)
        self._screen.resized(len(line.chars) - before)

    def _erase(self, part: int) -> None:
        if self._row < len(self._lines):
            line = self._lines[self._row]
            before = len(line.chars)
            line.erase(part, self._column)
            self._screen.resized(len(line.chars) - before)

    def _erase_below(self) -> None:
        self._erase(0)
        self._screen.remove(self._lines[self._row + 1 :])
        del self._lines[self._row + 1 :]
        self._bottom = self._row

    def _erase_all(self) -> None:
        """Erase all lines. On a terminal the cursor stays, below empty rows."""
        self._screen.remove(self._lines)
        self._lines = []
        self._row = self._bottom = 0
