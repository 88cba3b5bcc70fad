"""Frames that a program draws again and again, such as bars that move up and down.

Such a program goes up, writes the same rows in the same columns, and comes back to
where it was. If a later frame writes all that an earlier one wrote, the earlier one can
be left out: the screen is the same in the end.

Two frames are alike if they differ in nothing but in which plain characters they write.
Of frames that are alike the last one is kept, for what it shows, and the first one, for
the rows that it begins and the attributes that it resets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from operator import add
from typing import Final

from ipyproc._jobs.output.grid import Grid
from ipyproc.views.terminal.covered import ONE_COLUMN
from ipyproc.views.terminal.moves import Effect, Path
from ipyproc.views.terminal.pens import STYLE, Pens
from ipyproc.views.terminal.screen import CELLS, LINES, Screen

#: An escape sequence, or what is there of one.
ESCAPE: Final = re.compile(
    r"\x1b(?:\[[0-?]*+[@-~]|\][^\x00-\x1f\x7f-\x9f]{0,2000}(?:\x07|\x1b\\)"
    r"|[(].|.)?"
)
_CUT: Final = "\0"
#: Where frames begin: at the top, or where the cursor goes up.
_TOP = re.compile(r"(\x1b\[[01]?(?:;[01]?)?[Hf])")
_GOING = r"\x1b\[[0-9]*[AF](?:(?:\x1b\[2K|\r)*\x1b\[[0-9]*[AF])*"
_UP = re.compile(f"({_GOING})")
_RETURN_AND_UP = re.compile(rf"(\r(?:\x1b\[2K)?{_GOING}|{_GOING})")
# It has to pay, for so many characters of the beginning first.
_FEWEST: Final = 16
_SAMPLE: Final = 1 << 14
# Bytes that neither UTF-8 nor text without odd controls has, one for each escape.
_MARKS: Final = [
    *range(0x01, 0x07),
    *range(0x0E, 0x1A),
    0xC0,
    0xC1,
    *range(0xF5, 0x100),
]
_ALIKE: Final = bytes(ord("x") if 0x20 <= byte < 0x7F else byte for byte in range(256))
_TOKENS = re.compile(rb"x+|[\x80-\xbf\xc2-\xf4]+|.", re.DOTALL)
_STYLES = re.compile(STYLE)


@lru_cache(4)
def escapes(text: str) -> frozenset[str]:
    """Return the escape sequences in *text*."""
    return frozenset(ESCAPE.findall(text))


def without_repeated(screen: Screen, text: str) -> str:
    """Return *text* without frames that later ones repeat.

    It has nothing odd in it. On *screen* what is left does what all of it would.
    """
    if not text.isascii() and not ONE_COLUMN.fullmatch(text):
        return text
    used = escapes(text)
    if len(used) > len(_MARKS):
        return text
    has_top = any(map(_TOP.fullmatch, used))
    up = _up_to_going_up, partial(_from, _RETURN_AND_UP)
    for way in (partial(_from, _TOP),) if has_top else up:
        if len(text) > 2 * _SAMPLE and not _left(screen, way(text[:_SAMPLE]), used):
            continue
        if left := _left(screen, way(text), used):
            return left
    return text


def _from(begin: re.Pattern[str], text: str) -> list[str]:
    first, *parts = begin.split(text)
    return [first, *map(add, parts[::2], parts[1::2])]


def _up_to_going_up(text: str) -> list[str]:
    *parts, last = _UP.split(text)
    return [*map(add, parts[::2], parts[1::2]), last]


def _left(screen: Screen, frames: list[str], used: frozenset[str]) -> str | None:
    """Return what is left, if it is much less."""
    if len(frames) < _FEWEST:
        return None
    found = _Frames(screen, frames, used).left()
    return "".join([frames[at] for at in found]) if found else None


class _Frames:
    def __init__(
        self, screen: Screen, frames: Sequence[str], used: frozenset[str]
    ) -> None:
        self._grid = screen.grid
        # The longest first: it may begin as another does.
        used_first = sorted(used, key=len, reverse=True)
        self._marks = dict(zip(_MARKS, used_first, strict=False))
        data = _CUT.join(frames).encode()
        for mark, escape in self._marks.items():
            data = data.replace(escape.encode(), bytes([mark]))
        #: What frames that are alike have in common.
        self._shapes = data.translate(_ALIKE).split(_CUT.encode())

    def left(self) -> list[int]:
        """Return the indices of the frames that are needed; none if it is the most."""
        shapes = self._shapes
        effects = {shape: self._effect(shape) for shape in set(shapes[1:])}
        alike = _repeatable(effects)
        # The first one is the rest of what began before.
        others = [0, *(at for at in range(1, len(shapes)) if shapes[at] not in alike)]
        here = _Cursor.of(self._grid)
        begin = self._effect(shapes[0], lowest=here.above)
        cursor: _Cursor | None = here
        if not self._has_room(alike, others):
            return []
        left: list[int] = []
        for other, following in pairwise([*others, len(shapes)]):
            left.append(other)
            effect = effects[shapes[other]] if other else begin
            cursor = cursor and cursor.after(effect)
            stretch = range(other + 1, following)
            found = dict(zip(shapes[other + 1 : following], stretch, strict=True))
            is_sure = True
            for effect in map(alike.__getitem__, found):
                cursor = cursor and cursor.after(effect)
                is_sure = effect.is_absolute or cursor is not None
            if is_sure:
                backward = shapes[following - 1 : other : -1]
                first = dict(zip(backward, reversed(stretch), strict=True))
                left += sorted({*found.values(), *first.values()})
            else:
                left += stretch
        return left if len(left) < len(shapes) // 2 else []

    def _has_room(self, alike: dict[bytes, Effect], others: list[int]) -> bool:
        """Whether certainly no line is dropped for want of cells."""
        cells = self._grid.cells + sum(len(self._shapes[at]) for at in others) * 170
        if alike:
            rows = 1 + max(e.depth for e in alike.values())
            rows += max(e.height for e in alike.values())
            cells += rows * max(e.columns for e in alike.values())
        return cells < CELLS

    def _effect(self, shape: bytes, lowest: int = 0) -> Effect | None:
        """Return what frames of a shape do; ``None`` if that depends on the screen.

        So many rows are certainly there below the one that they begin in.
        """
        path = Path(lowest)
        styles = []
        for token in _TOKENS.findall(shape):
            if len(token) == 1 and (escape := self._marks.get(token[0])):
                if _STYLES.fullmatch(escape):
                    styles.append(escape)
                elif not path.obey(escape):
                    return None
            else:
                path.write(token)
        if path.is_unlimited:
            return None
        after = Pens("".join(styles), {}).at(sum(map(len, styles)))
        return path.effect(is_neutral=not after)


def _repeatable(effects: dict[bytes, Effect | None]) -> dict[bytes, Effect]:
    """Return the shapes whose frames overwrite an earlier frame of the same shape."""
    fixed = {shape: e for shape, e in effects.items() if e and e.is_fixed}
    is_absolute = any(effect.is_absolute for effect in fixed.values())
    return {
        shape: effect
        for shape, effect in fixed.items()
        if effect.is_absolute == is_absolute and (is_absolute or not effect.net)
    }


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where the cursor is, at least so many rows below the top.

    It is at most *above* rows above the lowest row.
    """

    row: int
    above: int

    @classmethod
    def of(cls, grid: Grid) -> _Cursor:
        """Return where it is in *grid*."""
        return cls(grid.row - grid.top, grid.bottom - grid.row)

    def after(self, effect: Effect | None) -> _Cursor | None:
        """Return where it is then; ``None`` if that is not known."""
        if effect is None or effect.is_absolute or self.row < effect.depth:
            return None
        above = max(self.above, effect.height) - effect.net
        # Lines may have been dropped.
        return _Cursor(min(self.row + effect.net, LINES - 1 - above), above)
