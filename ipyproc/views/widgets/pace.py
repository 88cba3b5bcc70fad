"""How often the file is told of a table.

At once of what happens first; then the less often, the larger the table is, so that two
hundred rows that end one after the other are not told two hundred times.
"""

from __future__ import annotations

import math
import time
from collections.abc import Hashable
from typing import Final

#: Characters a second, over time, that a table tells of what happens in it.
RATE: Final = 24_000
# Seconds from one telling to the next, at least: what happened, and what else changed.
_SOON = 1.0
_LATER = 5.0
# Of what only changed there is so much less.
_RARELY = 2


class Pace:
    """What the file was told of a table, and when it is to be told again."""

    def __init__(self) -> None:
        self._summary: Hashable = None
        self._details: Hashable = None
        self._size = 0
        self._at = -math.inf

    def told(self, summary: Hashable, details: Hashable, size: int) -> None:
        """Note that the file was just told, and how many characters it took."""
        self._summary, self._details, self._size = summary, details, size
        self._at = time.monotonic()

    def knows(self, summary: Hashable, details: Hashable) -> bool:
        """Whether the file was told of this."""
        return (summary, details) == (self._summary, self._details)

    @property
    def soon(self) -> float:
        """When it may be told of what happened, on ``time.monotonic()``."""
        return self._at + max(_SOON, self._size / RATE)

    def due(self, summary: Hashable, details: Hashable) -> float | None:
        """Return when to tell it of this, on ``time.monotonic()``; None: it knows."""
        if summary != self._summary:
            return self.soon
        if details != self._details:
            return self._at + max(_LATER, _RARELY * self._size / RATE)
        return None
