"""Doing something again after longer and longer pauses."""

from __future__ import annotations

import time


class Pauses:
    """When something is due again: after longer and longer pauses."""

    def __init__(self, first: float, factor: float, longest: float) -> None:
        self._first = first
        self._factor = factor
        self._longest = longest
        self._pause = first
        self._next = 0.0

    @property
    def next(self) -> float:
        """When it is due, on ``time.monotonic()``."""
        return self._next

    @property
    def over(self) -> bool:
        """Whether it is due now."""
        return time.monotonic() >= self._next

    def begin(self) -> None:
        """Begin the next pause."""
        self._next = time.monotonic() + self._pause
        self._pause = min(self._pause * self._factor, self._longest)

    def restart(self) -> None:
        """Begin with the first pause again."""
        self._pause = self._first
        self.begin()
