"""Output as the text that a terminal would show, for output of any size."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ipyproc._jobs.output import encoding
from ipyproc._jobs.output.encoding import Decoder
from ipyproc._jobs.output.line import Line
from ipyproc._jobs.output.parser import DECEPTIVE, Stream
from ipyproc._jobs.output.text_grid import MOST_CHARS, TextGrid

#: How many lines back the cursor goes, at most.
LINES: Final = 1000

# What a terminal obeys: it is drawn. All else that begins so shows nothing.
_MOVING = r"\x1b(?:\[[0-9;]*[A-HJKfsu]|[78c])"
_SHOWS_NOTHING = (
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[P\]X^_][^\n\x07\x18\x1a\x1b\x9c]*[\x07\x18\x1a\x9c]?"
    r"|[ -/]*[0-~]?)"
)
_NOISE_BEGINS = re.compile(f"[\\x00-\\x07\\x0e-\\x1f\\x7f-\\x9f{DECEPTIVE}]")
_ASCII_NOISE = bytes(n for n in range(128) if _NOISE_BEGINS.match(chr(n)))
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_NOISE = re.compile(f"({_MOVING})|{_SHOWS_NOTHING}|{_NOISE_BEGINS.pattern}")
_CUT_OFF = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*|[P\]X^_][^\n\x07\x18\x1a\x1b\x9c]*|[ -/]*)\Z"
)
#: What is left then, and has to be drawn.
SPECIAL: Final = "\b\v\f\r\x1b"
_NEXT_SPECIAL = re.compile(f"[{SPECIAL}]")


class Plain:
    r"""Turns what one stream printed into the text that a terminal would show.

    Escapes are left out; carriage returns, backspaces, tabs and the cursor's moves are
    applied, up to *lines* lines back. Lines are not broken. A tab stays a tab where
    nothing was written over it.

    *rewritten* is called with the text of a line before something is written over it.

    >>> plain = Plain()
    >>> plain.feed(b"10 %\r\x1b[32m100 %\x1b[m\nab\bc")
    >>> plain.rest()
    '100 %\nac'
    """

    def __init__(
        self,
        decoder: Decoder | None = None,
        lines: int = LINES,
        rewritten: Callable[[str], None] | None = None,
    ) -> None:
        self._decoder = decoder or encoding.decoder(encoding.UTF_8)
        # Text that can no longer change.
        self._fixed: list[str] = []
        self._grid = TextGrid(lines, self._fix, rewritten)
        self._stream = Stream(self._grid, NoPen())
        # The line of the cursor as long as text is only added to it, in pieces; then it
        # is not in the grid. Most output is such, and nothing is as fast.
        self._open: list[str] | None = []
        self._size = 0
        self._has_special = False

    def feed(self, data: bytes, final: bool = False) -> None:
        """Add what arrived; if *final*, also a character that is incomplete."""
        self.write(self._decoder.decode(data, final))

    def write(self, text: str) -> None:
        """Add what arrived as text."""
        if not self._stream.is_between:
            end = text.find("\n") + 1 or len(text)
            self._stream.write(text[:end])
            text = text[end:]
        text = cleaned(text)
        self._has_special = any(char in text for char in SPECIAL)
        at = 0
        while at < len(text):
            at = self._draw(text, at) if self._open is None else self._add(text, at)
            self._fix_if_long()

    def gap(self, decoder: Decoder) -> None:
        """Begin anew on a new line: something is missing between what came and comes.

        What follows is decoded by *decoder*.
        """
        self.feed(b"", final=True)
        text = self.rest()
        self._fix_all(text if text.endswith("\n") or not text else f"{text}\n")
        self._stream = Stream(self._grid, NoPen())
        self._decoder = decoder

    def take(self) -> str:
        """Return, once, what can no longer change."""
        fixed = "".join(self._fixed)
        self._fixed.clear()
        return fixed

    def rest(self) -> str:
        """Return what may still change: it follows all that was taken."""
        return self._grid.text + "".join(self._open or ())

    def _add(self, text: str, at: int) -> int:
        """Add text up to what has to be drawn; return where that begins."""
        assert self._open is not None
        special = _NEXT_SPECIAL.search(text, at) if self._has_special else None
        end = special.start() if special else len(text)
        if end > at:
            *lines, last = text[at:end].split("\n")
            if lines:
                lines[0] = "".join((*self._open, lines[0]))
                self._open.clear()
                self._size = 0
                self._fixed += self._grid.extend(lines)
            self._open.append(last)
            self._size += len(last)
        if special:
            self._grid.type("".join(self._open))
            self._open = None
        return end

    def _draw(self, text: str, at: int) -> int:
        """Draw the rest of a line; return where the next begins."""
        end = text.find("\n", at) + 1 or len(text)
        self._stream.write(text[at:end])
        if self._grid.is_below and self._stream.is_between:
            self._open, self._size = [], 0
        return end

    def _fix(self, line: Line) -> None:
        self._fixed += (line.text, "\n")

    def _fix_if_long(self) -> None:
        """Leave a very long line as it is: what follows is like a line of its own."""
        if self._size > MOST_CHARS or self._grid.width > MOST_CHARS:
            self._fix_all(self.rest())

    def _fix_all(self, text: str) -> None:
        self._fixed.append(text)
        self._grid.clear()
        self._open, self._size = [], 0


def cleaned(text: str) -> str:
    """Return *text* without what shows nothing, with as many lines.

    An escape at the end that is cut off stays."""
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
    if not _is_noisy(text):
        return text
    last = text.rfind("\x1b")
    end = last if last >= 0 and _CUT_OFF.match(text, last) else len(text)
    return _without_noise(text[:end]) + text[end:]


def _is_noisy(text: str) -> bool:
    if not text.isascii():
        return _NOISE_BEGINS.search(text) is not None
    data = text.encode()  # ten times as fast
    return len(data.translate(None, _ASCII_NOISE)) < len(data)


def _without_noise(text: str) -> str:
    """Remove whole escapes and single characters that show nothing."""
    # Most escapes are colours. If there are no others, none is a part of another.
    uncoloured = _COLOUR.sub("", text)
    if "\x1b" in uncoloured:
        return _NOISE.sub(r"\1", text)
    return _NOISE.sub("", uncoloured) if _is_noisy(uncoloured) else uncoloured


class NoPen:
    """A pen that writes without styles."""

    style = ""

    def reset(self) -> None:
        """Do nothing."""

    def link(self, address: str) -> None:
        """Do nothing."""

    def sgr(self, parameters: str) -> None:
        """Do nothing."""

    def kept(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    def restore(self, kept: dict[str, str]) -> None:
        """Do nothing."""
