"""How long nothing was heard, in time in which one ran oneself."""

from __future__ import annotations

from typing import Final

#: A longer gap between two of one's own ticks was no silence of the other side: the
#: machine slept, the process was stopped, or a C call held the interpreter.
LONGEST_TICK: Final = 3.0


class Silence:
    """Counts seconds since the other side was heard; a gap in ticks restarts it."""

    def __init__(self, now: float) -> None:
        self._since = self._ticked = now

    def heard(self, now: float) -> None:
        """Note a byte: any byte proves life."""
        self._since = self._ticked = now

    def tick(self, now: float) -> float:
        """Note that one runs, and return for how long nothing was heard."""
        if now - self._ticked > LONGEST_TICK:
            self._since = now
        self._ticked = now
        return now - self._since
