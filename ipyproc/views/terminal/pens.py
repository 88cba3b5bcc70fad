"""Which attributes are in force where in a long text."""

from __future__ import annotations

import re
from typing import Final

from ipyproc.views.terminal.sgr import Pen

#: What sets attributes or a link, or resets all.
STYLE: Final = r"\x1b\[[0-9;:]*m|\x1b\]8;[^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\)|\x1bc"
_STYLES = re.compile(STYLE)
_RESETS = ("\x1b[m", "\x1b[0m")
_LINK, _ALL = "\x1b]", "\x1bc"


class Pens:
    r"""The attributes that are in force along *text*, asked for from left to right.

    *kept* are those at its beginning.

    >>> pens = Pens("\x1b[1;31ma\x1b[39mb\x1b[mc", {})
    >>> pens.at(8), pens.at(14), pens.at(18)
    ({'bold': '', 'fg': '1'}, {'bold': ''}, {})
    """

    def __init__(self, text: str, kept: dict[str, str]) -> None:
        self._text = text
        self._pen = Pen("stdout")
        self._before = kept
        self._at = 0
        self._has_more = "\x1b]8;" in text or _ALL in text

    def at(self, end: int) -> dict[str, str]:
        """Return what is in force at the offset *end*."""
        start = self._at
        if not self._has_more:  # a link outlives a reset
            reset = max(self._text.rfind(word, start, end) for word in _RESETS)
            if reset >= 0:
                self._before, start = _links(self._before), reset
        self._at = end
        if words := _STYLES.findall(self._text, start, end):
            self._pen.restore(self._before)
            # A word sets the same attributes to the same values each time: of several
            # that are equal only the last one counts.
            for word in reversed(dict.fromkeys(reversed(words))):
                _obey(self._pen, word)
            self._before = self._pen.kept()
        return self._before


def _links(kept: dict[str, str]) -> dict[str, str]:
    return {"link": kept["link"]} if "link" in kept else {}


def _obey(pen: Pen, word: str) -> None:
    if word == _ALL:
        pen.reset()
    elif word.startswith(_LINK):
        command = word.removesuffix("\x07").removesuffix("\x1b\\")
        pen.link(command.partition(";")[2].partition(";")[2])
    else:
        pen.sgr(word[2:-1])
