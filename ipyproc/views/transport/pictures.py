"""A thread that draws what is to be in the file.

Drawing megabytes takes a while. It delays neither cells nor buttons nor what is sent.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Final, Protocol

from ipyproc.views.transport.worker import OnDemandThread, Step

#: The name of the thread.
NAME: Final = "ipyproc-pictures"

# After drawing what can wait there is a rest of so many times as long.
_REST = 9.0
# When what is not urgent is due at once.
_NOW = 1e-9
# As long as the thread waits for more.
_LINGER = 1.0


class Drawable(Protocol):
    """A view as this thread sees it."""

    def draw(self) -> None:
        """Draw what is new."""


class Pictures:
    """Draws views in turn; what is urgent comes first, and the rest takes a tenth of
    the time at most. Methods may be called from any thread and return at once.
    """

    def __init__(self, linger: float = _LINGER) -> None:
        self._thread = OnDemandThread(NAME, self._take, linger)
        #: When each is due, on ``time.monotonic()``; what is urgent is due at 0.
        self._due: dict[Drawable, float] = {}
        self._rested_at = 0.0

    def ask(self, view: Drawable, due: float = 0.0) -> bool:
        """Draw *view* when it is *due*, on ``time.monotonic()``; 0: before all others.

        Returns False if no thread can start.
        """
        with self._thread.changed:
            self._due[view] = min(due, self._due.get(view, due))
            if self._thread.wake():
                return True
            del self._due[view]
            return False

    def forget(self, view: Drawable) -> None:
        """Do not draw *view*, unless it is asked for again."""
        with self._thread.changed:
            if self._due.pop(view, None) is not None:
                self._thread.changed.notify_all()

    def retire(self, timeout: float) -> bool:
        """Draw at once what waits, and end the thread; as `OnDemandThread.retire`."""
        with self._thread.changed:
            self._due = {view: min(due, _NOW) for view, due in self._due.items()}
            self._rested_at = 0.0
        return self._thread.retire(timeout)

    def _take(self) -> Step | float | None:
        if not self._due:
            return None
        view, due = min(self._due.items(), key=lambda item: item[1])
        pause = max(due, self._rested_at) - time.monotonic()
        if due and pause > 0:
            return pause
        del self._due[view]
        return partial(self._draw, view, not due)

    def _draw(self, view: Drawable, is_urgent: bool) -> None:
        begin = time.thread_time()
        view.draw()
        spent = time.thread_time() - begin
        if not is_urgent:
            self._rested_at = time.monotonic() + _REST * spent


#: The one of this kernel.
shared: Final = Pictures()
