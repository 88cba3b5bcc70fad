"""Megabytes of output onto a screen: what later output covers is not drawn.

A terminal shows the end of what a program printed, and of a line only what was written
over it last: of megabytes of progress bars a few lines are left. Drawing them all costs
seconds. Here they are only skimmed: each piece of text is known by its row, and those
are left out that pieces after it cover. The screen is then as if it had been fed all.

What is not understood is drawn, character by character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from heapq import merge
from typing import Final

from ipyproc._jobs.output.parser import DECEPTIVE
from ipyproc.views.terminal.covered import Unclear
from ipyproc.views.terminal.frames import ESCAPE, escapes, without_repeated
from ipyproc.views.terminal.rows import MARGIN, MOVES, Rows, Run
from ipyproc.views.terminal.screen import LINES, Screen

# Controls that are not understood.
_CONTROL = re.compile(rf"[\x00-\x06\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f{DECEPTIVE}]")
_UNDERSTOOD = re.compile(
    r"\x1b(?:\[(?:[0-9;:]*+m|[0-9]{0,3}[ABDEFGJK]|[0-9]{0,2}C"
    r"|[?<=>][0-9;]*[A-Za-z]|(?:[0-9]{0,3}(?:;[0-9]{0,3})?)?[Hf])"
    r"|\].*|[(][0-9A-Z]|[=>c])",
    re.DOTALL,
)
_FIRST_COLUMN = re.compile(r"\x1b\[[01]?G")
# What is left of a line that begins in a late column.
_FIRST_LINE = re.compile(r"[^\n\r]*[\n\r]?")
# What is shorter is drawn at once.
_SHORT: Final = 400


def skim(screen: Screen, runs: Sequence[Run], *, is_passing: bool = False) -> None:
    """Feed *runs* to *screen*; if *is_passing*, what they draw is out of it soon.

    That is so if what follows adds more lines than a screen has, and goes to none
    above them.
    """
    clean: list[Run] = []
    has_controls = _CONTROL.search("".join(text for _, text in runs)) is not None
    for stream, text in runs:
        if not has_controls and "\x1b" not in text:  # most of many small ones
            clean.append((stream, text))
            continue
        # The same as a return, and many bars are drawn so.
        text = _FIRST_COLUMN.sub("\r", text) if "\x1b[" in text else text
        at = 0
        for odd in _oddities(text, has_controls):
            if odd >= at:  # else it is a part of the one before
                _feed(screen, [*clean, (stream, text[at:odd])], False)
                clean, at = [], _completed(screen, stream, text, odd)
        clean.append((stream, text[at:]))
    if clean:
        _feed(screen, clean, is_passing)


def passes(runs: Sequence[Run]) -> bool:
    """Whether *runs* push all that is on a screen out of it, whatever it is."""
    return sum(text.count("\n") for _, text in runs) > LINES and not any(
        MOVES.search(word) or not _is_understood(word)
        for word in set().union(*(escapes(text) for _, text in runs))
    )


def _oddities(text: str, has_controls: bool) -> Iterator[int]:
    """Yield where there is something that is not understood."""
    odd = {word for word in escapes(text) if not _is_understood(word)}
    words = ESCAPE.finditer(text) if odd else ()
    controls = _CONTROL.finditer(text) if has_controls else ()
    return merge(
        (control.start() for control in controls),
        (word.start() for word in words if word[0] in odd),
    )


@lru_cache(4096)
def _is_understood(word: str) -> bool:
    return _UNDERSTOOD.fullmatch(word) is not None


def _completed(screen: Screen, name: str, text: str, at: int) -> int:
    """Draw what is at *at*, an escape as a whole; return where the rest begins."""
    stream = screen.stream(name)
    stream.write(text[at : at + 1])
    while at + 1 < len(text) and not stream.is_between:
        at += 1
        stream.write(text[at])
    return at + 1


def _feed(screen: Screen, runs: list[Run], is_passing: bool) -> None:
    """Feed what has nothing odd in it."""
    runs = _begun(screen, runs)
    if len(runs) == 1 and MOVES.search(runs[0][1]):
        runs = [(runs[0][0], without_repeated(screen, runs[0][1]))]
    try:
        if sum(len(text) for _, text in runs) < _SHORT:
            raise Unclear
        rows = Rows(screen, runs, is_passing)
        left = rows.left()
    except Unclear:
        for stream, text in runs:
            screen.stream(stream).write(text)
    else:
        rows.draw(left)


def _begun(screen: Screen, runs: list[Run]) -> list[Run]:
    """Draw the rest of what is begun: of an escape, and of a long line."""
    (stream, text), *others = runs
    if text and not screen.stream(stream).is_between:
        text = text[_completed(screen, stream, text, 0) :]
    if screen.grid.column > MARGIN and (first := _FIRST_LINE.match(text)):
        screen.stream(stream).write(first[0])
        text = text[first.end() :]
    return [(stream, text), *others]
