"""How much may be under way: credit that is absolute, and bytes that lag behind."""

from __future__ import annotations

import math
from typing import Final

from ipyproc._agent.protocol.kinds import STREAMS

#: Bytes of each job that a client keeps, and lets come without asking.
WINDOW: Final = 256 << 10
#: The least and the most that one connection may have under way.
LEAST_SESSION: Final = 64 << 10
MOST_SESSION: Final = 4 << 20
#: What a connection begins with, before it is known how fast it is.
FIRST_SESSION: Final = 256 << 10
# In seconds. What is under way delays what comes behind it, so it is to be there in so
# long; and for so long arrivals are counted to know how fast they are.
_DELAY: Final = 0.2
_MEASURE: Final = 0.1
#: For so long output may lag behind before a part of it is skipped, in seconds.
PATIENCE: Final = 0.5


class SessionCredit:
    """The receiver's side of one connection: it grants what arrives in a moment.

    A signal must not wait behind seconds of output on a slow link, nor a fast one for
    its next grant: so the grant follows the rate of what arrives.
    """

    def __init__(self, now: float) -> None:
        self.received = 0
        self.granted = FIRST_SESSION
        self._window = FIRST_SESSION
        self._mark, self._marked = now, 0

    def took(self, size: int, now: float) -> bool:
        """Note that *size* bytes came; whether a new grant is to be sent."""
        self.received += size
        elapsed = now - self._mark
        if elapsed >= _MEASURE:
            rate = (self.received - self._marked) / elapsed
            wanted = int(rate * _DELAY)
            self._window = max(LEAST_SESSION, min(wanted, MOST_SESSION))
            self._mark, self._marked = now, self.received
        if self.received + self._window < self.granted + self._window // 2:
            return False
        self.granted = self.received + self._window
        return True


class Position:
    """How far the streams of one job have come on one side; gaps count."""

    def __init__(self, offsets: list[int] | None = None) -> None:
        self.offsets = offsets or [0] * STREAMS

    @property
    def total(self) -> int:
        """Both streams together."""
        return sum(self.offsets)

    def reached(self, offsets: list[int]) -> bool:
        """Whether all streams have come as far as *offsets*."""
        return all(map(int.__ge__, self.offsets, offsets))


class Backlog:
    """What the sender has of one job and did not send yet."""

    def __init__(self, position: Position, credit: int) -> None:
        self.sent = position
        #: Up to which total the client lets it come.
        self.credit = credit
        self._behind_since: float | None = None

    def hurry(self) -> None:
        """Wait no longer for what lags behind."""
        self._behind_since = -math.inf

    def lag(self, totals: tuple[int, int], now: float) -> int:
        """Return how many bytes are left, and note since when there are any."""
        left = sum(totals) - self.sent.total
        if left <= 0:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now
        return left

    def skips(self, totals: tuple[int, int], now: float) -> list[int]:
        """Return the streams of which a part is skipped, and move on behind that.

        That is what the window of the client will not show any more, once the lag has
        lasted too long for it to be caught up with.
        """
        since = self._behind_since
        if since is None or now - since <= PATIENCE:
            return []
        starts = [max(0, total - WINDOW) for total in totals]
        skipped = [
            stream
            for stream, start in enumerate(starts)
            if start > self.sent.offsets[stream]
        ]
        for stream in skipped:
            self.sent.offsets[stream] = starts[stream]
        if skipped:
            self._behind_since = now
        return skipped
