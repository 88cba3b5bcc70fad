"""What is known of a terminal without asking it: its sizes, and what was typed."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

# What may wait until it is read: more than anybody types or pastes.
_MOST_TYPED: Final = 4 << 20
# How many changes of its size are remembered: a page may send them without end.
_MOST_SIZES: Final = 1000


class Sized:
    """A terminal, here or elsewhere, that was given some sizes."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = self._first = size
        self._later: deque[tuple[float, int, int, int]] = deque(maxlen=_MOST_SIZES)

    @property
    def rows(self) -> int:
        """How many rows it was given last."""
        return self._size[0]

    @property
    def columns(self) -> int:
        """How many columns it was given last."""
        return self._size[1]

    @property
    def sizes(self) -> Sequence[tuple[float, int, int, int]]:
        """Its first size and the newest later ones.

        Since when, in seconds, and how much had been printed then; rows, columns.
        """
        return [(0.0, 0, *self._first), *self._later.copy()]

    def _resized(self, size: tuple[int, int], now: tuple[float, int]) -> None:
        """Note its *size*, and *now* how long it has been there and what it printed."""
        if size != self._size:
            self._later.append((*now, *size))
        self._size = size


def check_room(waiting: int, data: bytes) -> None:
    """Raise ``BlockingIOError`` if *waiting* bytes and *data* are too much to type.

    Then the program has read nothing for long: a page may send keys without end.
    """
    if waiting + len(data) > _MOST_TYPED:
        raise BlockingIOError("the program does not read what is typed")
