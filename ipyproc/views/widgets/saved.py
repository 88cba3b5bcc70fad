"""What the file is to hold of a job: as it was drawn last, and when that is drawn.

While the job runs it is drawn some seconds after it changed, and at once at the end; by
a thread of its own (see `transport.pictures`), or by who needs it now.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from ipyproc._jobs.job import Job
from ipyproc.views.render import format
from ipyproc.views.render.html import LINES
from ipyproc.views.render.recent import Kept, Recent
from ipyproc.views.terminal.picture import Redrawn
from ipyproc.views.transport.pictures import Pictures, shared
from ipyproc.views.widgets.place import Bundle

#: Seconds from one picture of a running job to the next.
EVERY: Final = 5.0
# Seconds after the end of a process in which its output ends, too, as a rule.
_SOON: Final = 1.0


class Stage(IntEnum):
    """How far a job is."""

    RUNS = 0
    #: Its process ended, and others can still print.
    IS_OPEN = 1
    IS_OVER = 2


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn, of which stage, with what status, and of how much output."""

    bundle: Bundle
    stage: Stage
    status: str
    total: int


class Saved:
    """What the file is to hold of one job.

    *make* draws it, from the last lines and the time, which is ``None`` if nothing will
    change any more; *tell* is told of what was drawn. Any thread may call the methods.
    """

    def __init__(
        self,
        job: Job,
        make: Callable[[Recent, float | None], Bundle],
        tell: Callable[[Drawn], None],
        pictures: Pictures = shared,
    ) -> None:
        self._job = job
        self._make = make
        self._tell = tell
        self._pictures = pictures
        self._kept = Kept(job)
        # Re-entrant, for a signal handler may meet it held.
        self._lock = threading.RLock()
        self._newest: Drawn | None = None
        # The stage at which it was asked for, and is not drawn yet.
        self._asked: Stage | None = None
        #: What was drawn first after the process ended, or after all was over.
        self.end: Drawn | None = None

    @property
    def stage(self) -> Stage:
        """How far the job is."""
        if self._job.finished:
            return Stage.IS_OVER
        return Stage.RUNS if self._job.ended_at is None else Stage.IS_OPEN

    @property
    def is_drawn(self) -> bool:
        """Whether the end is drawn, if there is one."""
        stage = self.stage
        return stage < Stage.IS_OVER or (
            self.end is not None and self.end.stage == stage
        )

    def now(self) -> Drawn:
        """Return what is to be saved, drawn now if something changed."""
        with self._lock:
            stage, status = self.stage, format.status(self._job)
            total, newest = self._job.as_utf8.total, self._newest
            seen = newest and (newest.stage, newest.status, newest.total)
            if newest and seen == (stage, status, total):
                return newest
            is_over = stage == Stage.IS_OVER
            bundle = self._make(self.recent(), None if is_over else time.time())
            self._newest = newest = Drawn(bundle, stage, status, total)
            if stage and (self.end is None or self.end.stage < stage):
                self.end = newest
            if is_over:
                self._kept.clear()
            return newest

    def outdated(self) -> None:
        """Have it drawn anew, for something else is to be said."""
        with self._lock:
            self._newest = self.end = None

    def recent(self) -> Recent:
        """Return the last lines of the output as they are now."""
        return self._kept.recent(LINES)

    def ask(self) -> None:
        """Have it drawn: the end at once, else when some seconds have passed."""
        stage = self.stage
        if self._asked == stage:
            return
        self._asked = stage
        has_ended = stage == Stage.IS_OPEN and self.end is None
        pause = _SOON if has_ended else EVERY
        due = 0.0 if stage == Stage.IS_OVER else time.monotonic() + pause
        if not self._pictures.ask(self, due):
            self.draw()

    def draw(self) -> None:
        """Draw it, on the thread for that."""
        self._asked = None  # before it is drawn: what comes meanwhile counts anew
        self._tell(self.now())

    def redraw(self, then: Callable[[Redrawn | None], None]) -> bool:
        """Draw all that it shows anew, before all others, and call *then* with it.

        That is ``None`` if it cannot be drawn.

        Returns False if no thread can start.
        """
        return self._pictures.ask(_Anew(self._kept, then))

    def close(self) -> None:
        """Draw nothing more by itself."""
        self._pictures.forget(self)


@dataclass(eq=False, slots=True)
class _Anew:
    kept: Kept
    then: Callable[[Redrawn | None], None]

    def draw(self) -> None:
        """Draw it, on the thread for that."""
        drawn = None
        try:
            drawn = self.kept.redrawn()
        finally:
            self.then(drawn)
