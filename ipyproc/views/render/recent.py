"""The last lines of a job's output, as text and HTML show them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ipyproc._jobs.job import Job
from ipyproc._jobs.output.line import Run
from ipyproc.views.render.format import size
from ipyproc.views.terminal.picture import MOST, Picture, Redrawn
from ipyproc.views.terminal.played import Played

_Drawn = TypeVar("_Drawn")


@dataclass(frozen=True, slots=True)
class Recent:
    """The last *lines* of a job's output, and how much came before them.

    *dropped* counts lines that a terminal would show above them, and *before* bytes
    that were not looked at.
    """

    lines: list[list[Run]]
    dropped: int
    before: int

    def missing(self, cut: int = 0) -> str:
        """Return a note about what is not shown, with *cut* lines more; or nothing."""
        dropped = self.dropped + cut
        parts = [f"{dropped:,} line{'s' * (dropped != 1)}"] if dropped else []
        parts += [size(self.before)] if self.before else []
        return f"not shown: {' and '.join(parts)} before this" if parts else ""


def recent(job: Job, lines: int, most: int = MOST) -> Recent:
    """Return the last *lines* of the output, as a terminal would show them.

    They are what the last *most* bytes draw.
    """
    return _update(_picture(job), job, lines, most)


class Kept:
    """The picture of a job, kept so that only what is new has to be read."""

    def __init__(self, job: Job) -> None:
        self._job = job
        # Re-entrant, for a signal handler may meet it held.
        self._lock = threading.RLock()
        self._is_busy = False
        self._picture = _picture(job)

    def recent(self, lines: int) -> Recent:
        """Return the last *lines* of the output; any thread may ask."""
        return self._drawn(lambda picture: _update(picture, self._job, lines, MOST))

    def redrawn(self) -> Redrawn:
        """Return what draws all of it on a new screen; any thread may ask."""

        def redraw(picture: Picture | Played) -> Redrawn:
            # A page that shows a log draws lines, whatever size the terminal has.
            picture = picture if isinstance(picture, Picture) else Picture()
            picture.update(self._job.as_utf8, final=self._job.finished)
            return picture.redrawn()

        return self._drawn(redraw)

    def _drawn(self, use: Callable[[Picture | Played], _Drawn]) -> _Drawn:
        """Return what *use* makes of the picture, or of a new one."""
        with self._lock:
            if self._is_busy:  # it was interrupted by a handler, which is who asks
                return use(_picture(self._job))
            self._is_busy = True
            try:
                return use(self._picture)
            except BaseException:  # an interrupt, perhaps in the middle of a line
                self._picture = _picture(self._job)
                raise
            finally:
                self._is_busy = False

    def clear(self) -> None:
        """Forget the picture; if it is asked for again, it is drawn anew."""
        with self._lock:
            if not self._is_busy:
                self._picture = _picture(self._job)


def _picture(job: Job) -> Picture | Played:
    """Return an empty picture; that of a terminal has its size."""
    return Picture() if job.terminal is None else Played(job.terminal)


def _update(picture: Picture | Played, job: Job, lines: int, most: int) -> Recent:
    picture.update(job.as_utf8, final=job.finished, most=most)
    seen = picture.last(lines)
    return Recent(seen.lines, seen.above, seen.before)
