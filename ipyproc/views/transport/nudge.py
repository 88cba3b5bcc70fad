"""Making a program draw its screen anew: its terminal has another size for a moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

# In seconds. A program that has drawn and is quiet for so long waits for keys; one
# that has drawn nothing for the longer time ignores what size it has.
_QUIET: Final = 0.06
_MOST: Final = 0.3
# A program may overhear that its terminal has changed, when that comes just before it
# waits for a key. So often it is told once more.
_AGAIN: Final = 2


class Nudge:
    """What belongs to one terminal; times are those of ``time.monotonic()``.

    *printed* tells how much was printed; *resize* makes the terminal smaller, or, with
    ``False``, gives it its own size, and returns ``False`` if that cannot be done now.
    """

    def __init__(
        self, printed: Callable[[], int], resize: Callable[[bool], bool]
    ) -> None:
        self._printed = printed
        self._resize = resize
        self._left = 0
        # Since when it is smaller, or has its own size again, and how much was printed
        # then.
        self._small: tuple[float, int] | None = None
        self._restored: tuple[float, int] | None = None
        # How much was printed when it was looked at last, and since when.
        self._total = 0
        self._since = 0.0

    def begin(self) -> None:
        """Let the program draw anew, with the next steps."""
        self._left = 1 + _AGAIN

    def step(self, now: float) -> None:
        """Do what is due."""
        total = self._printed()
        if total != self._total:
            self._total, self._since = total, now
        if self._small is not None:
            self._restore(now, total, *self._small)
        elif self._restored is not None:
            since, before = self._restored
            if total > before:
                self._restored, self._left = None, 0
            elif now >= since + _MOST:
                self._restored = None
        elif self._left:
            self._left -= 1
            if self._resize(True):
                self._small = now, total
            else:
                self._left = 0

    @property
    def due(self) -> float | None:
        """Return when a step is due; ``None`` if there is none."""
        if self._small is not None:
            since, before = self._small
            quiet = max(since, self._since) + _QUIET
            return min(quiet, since + _MOST) if self._total > before else since + _MOST
        if self._restored is not None:
            return self._restored[0] + _MOST
        return 0.0 if self._left else None

    def _restore(self, now: float, total: int, since: float, before: int) -> None:
        has_drawn = total > before
        is_quiet = now >= max(since, self._since) + _QUIET
        if now < since + _MOST and not (has_drawn and is_quiet):
            return
        if not self._resize(False):
            self._small = now, before  # it is tried again
            return
        self._small = None
        if has_drawn:
            self._restored = now, total
        else:
            self._left = 0
