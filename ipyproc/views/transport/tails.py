"""The last of a job's output, for a page that gets no messages, or not all of them."""

from __future__ import annotations

from ipyproc._jobs.job import Job
from ipyproc.views.transport.output_feed import tail
from ipyproc.views.transport.output_protocol import Tail
from ipyproc.views.transport.pauses import Pauses
from ipyproc.views.transport.viewers import Viewers

# Seconds between tails: perhaps no page is there, and the server keeps for ever what is
# sent to nobody, so they come less and less often.
_TAILS = (0.25, 2.0, 60.0)
# A first tail of so few bytes is sent at once: a page can show it before it joins.
_SHORT = 2048
# Seconds after which a quiet stream is marked, and how often: a mark may be lost, too.
_MARKS = (1.0, 4.0, 60.0)
_MOST_MARKS = 3


class Tails:
    """When a tail is due, a new value of the synced trait.

    It belongs to the thread that sends.
    """

    def __init__(self, job: Job, viewers: Viewers) -> None:
        self._job = job
        self._viewers = viewers
        self._pauses = Pauses(*_TAILS)
        self._pauses.begin()  # a page that joins before that needs no long tail
        self._tailed = job.as_utf8.total

    def due(self) -> float | None:
        """Return when the next is due, on ``time.monotonic()``; None: none is."""
        return self._pauses.next if self._is_old() else None

    def next(self) -> Tail | None:
        """Return a tail, if one is due."""
        total = self._job.as_utf8.total
        is_short = self._tailed == 0 and total <= _SHORT
        now = self._pauses.over or self._job.finished or is_short
        if not now or not self._is_old():
            return None
        self._pauses.begin()
        self._tailed = self._job.as_utf8.total
        return tail(self._job)

    def _is_old(self) -> bool:
        """Whether the tail lacks something, and pages may depend on it."""
        if self._tailed == self._job.as_utf8.total:
            return False
        return self._job.finished or not self._viewers.flows


class Marks:
    """When a stream that is quiet is to be marked, for pages that missed its end."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._pauses = Pauses(*_MARKS)
        self._marked = _MOST_MARKS

    def due(self) -> float | None:
        """Return when the next is due, on ``time.monotonic()``; None: none is."""
        return self._pauses.next if self._are_left() else None

    def printed(self) -> None:
        """Note that something was sent."""
        self._marked = 0
        self._pauses.restart()

    def next(self) -> bool:
        """Whether a mark is due; then it counts as made."""
        if not self._are_left() or not self._pauses.over:
            return False
        self._marked += 1
        self._pauses.begin()
        return True

    def _are_left(self) -> bool:
        """Whether marks are needed: at the end the state says the total."""
        return self._marked < _MOST_MARKS and not self._job.finished
