"""One stream that writes to a grid: its characters, and its escape sequences."""

from __future__ import annotations

import codecs
import re
from typing import Final, Protocol

from ipyproc._jobs.output.grid import Grid

# An escape sequence that is cut off is kept until the rest arrives, up to this length.
_PENDING = 256
_STRING = 2100

_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
_ESCAPE = re.compile(r"\x1b(?:\[([0-?]*)([ -/]*)([@-~]?)|([P\]X^_])|[ -/]*([0-~]?))")
_STRING_END = re.compile(r"[\n\x07\x18\x1a\x1b\x9c]")
#: They reorder or hide the text beside them, so that it reads as something else.
DECEPTIVE: Final = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb"
_DECEPTIVE = re.compile(f"[{DECEPTIVE}]")

# Sequences that move the cursor: by how many rows and columns, times their parameter.
_MOVES = {"A": (-1, 0), "B": (1, 0), "C": (0, 1), "D": (0, -1)}
_LINES = {"E": 1, "F": -1}


class Pen(Protocol):
    """What a stream writes with: attributes, and a link."""

    @property
    def style(self) -> str:
        """All that is in force."""

    def reset(self) -> None:
        """Reset all attributes and the link."""

    def link(self, address: str) -> None:
        """Link what follows to *address*."""

    def sgr(self, parameters: str) -> None:
        """Apply ``CSI parameters m``."""

    def kept(self) -> dict[str, str]:
        """Return what is in force, for `restore`."""

    def restore(self, kept: dict[str, str]) -> None:
        """Apply what `kept` returned."""


class Stream:
    """What one stream writes to a grid, on which other streams may write, too.

    Each stream has its own characters, escape sequences and pen: the order in which two
    pipes were written to is not known to the byte, so that what is cut off on one may
    be followed by bytes of the other.

    It knows no full-screen programs: it does not scroll regions, insert or delete
    characters or lines, switch to another screen, wrap at the program's width, or paint
    what is erased.
    """

    def __init__(self, grid: Grid, pen: Pen) -> None:
        self._grid = grid
        #: What it writes with.
        self.pen = pen
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""
        self._string: str | None = None

    def feed(self, data: bytes, final: bool = False) -> None:
        """Write what arrived; if *final*, also a character that is incomplete."""
        self.write(self._decoder.decode(data, final))

    @property
    def is_between(self) -> bool:
        """Whether what comes next is no part of an escape sequence."""
        return not self._pending and self._string is None

    @property
    def begun(self) -> str:
        """The part that is there of an escape sequence."""
        if self._string is None:
            return self._pending
        kind = "P" if self._string.startswith("?") else "]"
        return f"\x1b{kind}{self._string}"

    def write(self, text: str) -> None:
        """Write what arrived as text."""
        text = self._pending + text
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

    def _print(self, text: str) -> None:
        if not text.isascii():
            text = _DECEPTIVE.sub("", text)
        if text:
            self._grid.write(text, self.pen.style)

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
            self.pen.link(rest.partition(";")[2])

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
                self.pen.sgr(parameters)
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
                self._grid.go_to((given or 1) - 1, int(second[:6] or 1) - 1)
            case "K":
                self._grid.erase(given)
            case "J" if given == 0:
                self._grid.erase_below()
            case "J" if given == 2:
                self._grid.erase_all()
            case "s" | "u" if not parameters:
                self._escape("\x1b7" if final == "s" else "\x1b8")
            case _:
                self._move(final, given or 1)

    def _escape(self, whole: str) -> None:
        """Execute an escape without parameters."""
        match whole:
            case "\x1b7":
                self._grid.save(self.pen.kept())
            case "\x1b8":
                self.pen.restore(self._grid.restore())
            case "\x1bc":
                self._grid.erase_all()
                self._grid.go_to(0, 0)
                self.pen.reset()

    def _move(self, final: str, count: int) -> None:
        if final in _MOVES:
            rows, columns = _MOVES[final]
            self._grid.move(rows * count, columns * count)
        elif final in _LINES:
            self._grid.move(_LINES[final] * count, 0)
            self._grid.go_to(None, 0)
        elif final == "G":
            self._grid.go_to(None, count - 1)

    def _control(self, char: str) -> None:
        match char:
            case "\n":
                self._grid.new_line()
            case "\v" | "\f":
                self._grid.down()
            case "\r":
                self._grid.go_to(None, 0)
            case "\b":
                self._grid.go_to(None, self._grid.column - 1)
            case "\t":
                self._grid.tab()
