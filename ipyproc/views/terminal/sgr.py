"""The style of a piece of output: SGR sequences as short strings of words.

A style is ``""`` for plain text, or words in a fixed order: ``stderr bold dim italic
underline inverse strike fg=1 bg=#00ff00 link=https://...``. Colours 0 to 15 are the
palette's, 16 to 255 the fixed ones of xterm, ``#rrggbb`` is true colour.
``frontend/src/sgr.ts`` uses the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ON = {
    1: "bold",
    2: "dim",
    3: "italic",
    4: "underline",
    7: "inverse",
    9: "strike",
    21: "underline",
}
_OFF = {
    22: ("bold", "dim"),
    23: ("italic",),
    24: ("underline",),
    27: ("inverse",),
    29: ("strike",),
    39: ("fg",),
    49: ("bg",),
}
_EXTENDED = {38: "fg", 48: "bg", 58: "underline colour"}
_FLAGS = ("bold", "dim", "italic", "underline", "inverse", "strike")
_VALUES = ("fg", "bg", "link")
_LINK = re.compile(r"https?://[!#-;=?-\[\]_a-z~]{1,2000}", re.IGNORECASE | re.ASCII)

#: Parameters beyond this many are ignored, as terminals do.
_MOST = 32


class Pen:
    """The SGR attributes and the link that are in force for one stream."""

    def __init__(self, stream: str) -> None:
        self._base = "" if stream == "stdout" else stream
        self._set: dict[str, str] = {}
        self.style = self._base

    def reset(self) -> None:
        """Reset all attributes and the link."""
        self._set.clear()
        self._changed()

    def link(self, address: str) -> None:
        """Link what follows to *address*, if that is http or https (OSC 8)."""
        if _LINK.fullmatch(address):
            self._set["link"] = address
        else:
            self._set.pop("link", None)
        self._changed()

    def sgr(self, parameters: str) -> None:
        """Apply ``CSI parameters m``."""
        groups = parameters.split(";")[:_MOST]
        items = iter([[_number(n) for n in group.split(":")] for group in groups])
        for code, *rest in items:
            self._apply(code, rest, items)
        self._changed()

    def kept(self) -> dict[str, str]:
        """Return the attributes in force, for `restore`."""
        return dict(self._set)

    def restore(self, kept: dict[str, str]) -> None:
        """Apply the attributes that `kept` returned."""
        self._set = dict(kept)
        self._changed()

    def _apply(self, code: int, rest: list[int], items: Iterator[list[int]]) -> None:
        if code == 0:
            link = self._set.get("link")
            self._set = {"link": link} if link else {}
        elif code in _EXTENDED:
            colour = _packed(rest) if rest else _spread(items)
            if colour:
                self._set[_EXTENDED[code]] = colour
        elif code == 4 and rest == [0]:
            self._set.pop("underline", None)
        elif code in _ON:
            self._set[_ON[code]] = ""
        elif code in _OFF:
            for word in _OFF[code]:
                self._set.pop(word, None)
        else:
            self._palette(code)

    def _palette(self, code: int) -> None:
        ground = "bg" if code // 10 in (4, 10) else "fg"
        if 30 <= code < 38 or 40 <= code < 48:
            self._set[ground] = str(code % 10)
        elif 90 <= code < 98 or 100 <= code < 108:
            self._set[ground] = str(code % 10 + 8)

    def _changed(self) -> None:
        words = [self._base] if self._base else []
        words += [word for word in _FLAGS if word in self._set]
        words += [f"{key}={self._set[key]}" for key in _VALUES if key in self._set]
        self.style = " ".join(words)


def rgb(index: int) -> str:
    """Return colour 16 to 255 of xterm's palette as ``#rrggbb``.

    >>> rgb(196), rgb(244)
    ('#ff0000', '#808080')
    """
    if index >= 232:
        return "#" + f"{index * 10 - 2312:02x}" * 3
    steps = (0, 95, 135, 175, 215, 255)
    n = index - 16
    return "#" + "".join(f"{steps[i]:02x}" for i in (n // 36, n // 6 % 6, n % 6))


def _number(text: str) -> int:
    digits = text[:6]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _packed(rest: list[int]) -> str:
    """Return the colour of ``38:5:n`` or ``38:2:r:g:b`` (or ``38:2:space:r:g:b``)."""
    if rest[0] == 5 and len(rest) > 1:
        return _indexed(rest[1])
    if rest[0] == 2 and len(rest) > 3:
        return _true(rest[2:5] if len(rest) > 4 else rest[1:4])
    return ""


def _spread(items: Iterator[list[int]]) -> str:
    """Return the colour of ``38;5;n`` or ``38;2;r;g;b``, and consume it."""
    kind = next(items, [0])[0]
    if kind == 5:
        return _indexed(next(items, [256])[0])
    if kind == 2:
        return _true([next(items, [256])[0] for _ in range(3)])
    return ""


def _indexed(index: int) -> str:
    return str(index) if index < 256 else ""


def _true(colour: list[int]) -> str:
    return "#" + "".join(f"{c:02x}" for c in colour) if max(colour) < 256 else ""
