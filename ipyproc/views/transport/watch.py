"""Whether somebody looks, and how often it is worth measuring and sending for them.

A page that shows something says so, says it again before its lease is over, and says
when it is out of sight. A kernel too busy to hear that goes on for a while, less and
less often: who cannot be heard may still be there.
"""

from __future__ import annotations

import threading
import time
from typing import Final

#: Seconds between two measurements while a page looks.
INTERVAL: Final = 1.0
#: Seconds for which a page looks after it said so.
LEASE: Final = 25.0
#: Seconds after which a page that was not heard of is given up.
PATIENCE: Final = 300.0
#: Seconds between two glances at what is on a page, but out of sight.
GLANCE: Final = 10.0

#: Whoever looks before the first page has said so.
ANYONE: Final = "*"
_MOST = 16


class Watch:
    """The pages that look at one thing. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Until when each looks, on `time.monotonic()`.
        self._until: dict[str, float] = {}
        self._hidden: set[str] = set()

    @property
    def heard(self) -> bool:
        """Whether a page has ever said that it is there, and did not leave."""
        with self._lock:
            return bool(self._hidden or self._until.keys() - {ANYONE})

    def expect(self) -> None:
        """Reckon with a page that is about to look, and may not be heard."""
        with self._lock:
            if not self._until.keys() - {ANYONE}:
                self._until[ANYONE] = time.monotonic() + LEASE

    def look(self, page: str) -> bool:
        """Take down that *page* looks; tell whether it did not before."""
        with self._lock:
            is_new = page not in self._until
            self._until.pop(ANYONE, None)
            self._until.pop(page, None)
            self._until[page] = time.monotonic() + LEASE
            self._hidden.discard(page)
            if len(self._until) > _MOST:
                self._until.pop(next(iter(self._until)))
        return is_new

    def away(self, page: str) -> None:
        """Take down that *page* still has the thing, but nobody can see it."""
        with self._lock:
            if self._until.pop(page, None) is not None and len(self._hidden) < _MOST:
                self._hidden.add(page)

    def leave(self, page: str) -> None:
        """Take down that *page* does not have the thing any more."""
        with self._lock:
            self._until.pop(page, None)
            self._hidden.discard(page)

    @property
    def pause(self) -> float | None:
        """Seconds between two measurements; ``None`` if nobody looks."""
        now = time.monotonic()
        with self._lock:
            for page, until in list(self._until.items()):
                if now - until > PATIENCE:
                    del self._until[page]
            if not self._until:
                return None
            return max(INTERVAL, now - max(self._until.values()))
