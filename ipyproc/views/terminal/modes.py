"""The modes that a program puts its terminal into, wherever its output is read from.

What begins in the middle of an output needs them: whether it is on the alternate
screen, whether the mouse is reported, what the arrow keys send. They are all told by
escape sequences, so that they are found without drawing anything.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final, NamedTuple

from ipyproc._jobs.output.interleaved import Output

#: The modes of the alternate screen: ``CSI ? 1049 h`` and its elders.
ALTERNATE: Final = frozenset({47, 1047, 1049})
#: The modes that a terminal is in at first.
_ON: Final = frozenset({7, 25})
# All that matter to what follows: cursor keys, origin, wrapping, cursor, keypad, mouse,
# focus, paste.
_KNOWN: Final = frozenset(
    {1, 5, 6, 7, 9, 25, 45, 66, 1000, 1002, 1003, 1004, 1006, 1016, 2004, *ALTERNATE}
)
_SEQUENCE: Final = re.compile(
    rb"\x1b(?:\[\?([0-9;]{1,64})([hl])|\[([0-9;]{0,16})(r)|(\[!p|c|[=>])|(\[[0-9;]*[Hf]))"
)
# What may be the beginning of one, at the end of what has arrived.
_BEGUN: Final = re.compile(rb"\x1b(?:\[[?!]?[0-9;]{0,64})?\Z")
# Bytes that are looked at in one turn: what a flood printed before them is left out.
_MOST: Final = 1 << 22
_PIECE: Final = 1 << 16
_PIECES: Final = 32


class Modes(NamedTuple):
    """The modes at one place of an output; *margins* as ``CSI r`` sets them."""

    on: frozenset[int] = _ON
    keypad: bool = False
    margins: bytes = b""

    @property
    def is_alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        return not ALTERNATE.isdisjoint(self.on)

    def after(self, found: re.Match[bytes]) -> Modes:
        """Return the modes after one more sequence."""
        numbers, switch, margins, is_margins, other, _ = found.groups()
        if switch:
            named = {int(n) for n in numbers.split(b";") if n} & _KNOWN
            on = self.on | named if switch == b"h" else self.on - named
            if switch == b"l" and named & ALTERNATE:
                on -= ALTERNATE
            return self._replace(on=frozenset(on))
        if is_margins:
            return self._replace(margins=margins)
        if other == b"c":
            return Modes()
        if other == b"[!p":
            return Modes(on=_ON | (self.on & ALTERNATE))
        return self._replace(keypad=other == b"=") if other else self

    def escapes(self) -> str:
        """Return what brings a new terminal into these modes."""
        alternate = sorted(self.on & ALTERNATE)[-1:]
        on = [*alternate, *sorted(self.on - ALTERNATE - _ON)]
        text = "".join(f"\x1b[?{mode}h" for mode in on)
        text += "".join(f"\x1b[?{mode}l" for mode in sorted(_ON - self.on))
        text += f"\x1b[{self.margins.decode()}r" if self.margins else ""
        return text + ("\x1b=" if self.keypad else "")


class Reader:
    r"""Reads the modes of one output as it grows; it belongs to one thread.

    >>> output = Output()
    >>> reader = Reader(output)
    >>> output.append(0, b"\x1b[?1049h\x1b[?1")
    >>> reader.read()
    >>> output.append(0, b"h~")
    >>> reader.read()
    >>> reader.now.is_alternate, reader.at(8).escapes(), reader.now.escapes()
    (True, '\x1b[?1049h', '\x1b[?1049h\x1b[?1h')
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        #: Up to where it was read.
        self.offset = 0
        #: The modes there.
        self.now = Modes()
        #: Where the alternate screen was entered first, if it was.
        self.entered: int | None = None
        #: Where the cursor was placed in the screen for the last time, if it was.
        self.placed: int | None = None
        self._marks: deque[tuple[int, Modes]] = deque([(0, Modes())], _PIECES)

    def read(self) -> None:
        """Read what is new."""
        total = self._output.total
        if total - self.offset > _MOST:
            self.offset = total - (_MOST >> 2)
            self._marks.append((self.offset, self.now))
        while self.offset < total:
            begin = self.offset
            self._read(min(_PIECE, total - begin))
            if self.offset == begin:
                return  # the beginning of a sequence

    def at(self, offset: int) -> Modes:
        """Return the modes at *offset*, as far as they are known."""
        begin, modes = self._marks[0]
        for place, then in self._marks:
            if place <= offset:
                begin, modes = place, then
        if offset - begin > _MOST:
            begin = offset - (_MOST >> 2)
        chunks = self._output.read(begin, max(0, offset - begin))
        data = b"".join(c.data[: max(0, offset - c.offset)] for c in chunks)
        for found in _SEQUENCE.finditer(data):
            modes = modes.after(found)
        return modes

    def _read(self, size: int) -> None:
        chunks = self._output.read(self.offset, size)
        if not chunks:
            self.offset = self._output.total  # it is not kept
            return
        data = b"".join(chunk.data for chunk in chunks)
        end = chunks[-1].offset + len(chunks[-1].data)
        begin = end - len(data)
        for found in _SEQUENCE.finditer(data):
            self.now = self.now.after(found)
            if self.now.is_alternate and self.entered is None:
                self.entered = begin + found.start()
            if found[6]:
                self.placed = begin + found.start()
        left = _BEGUN.search(data, max(0, len(data) - 80))
        self.offset = begin + (left.start() if left else len(data))
        if self.offset - self._marks[-1][0] >= _PIECE // 2:
            self._marks.append((self.offset, self.now))
