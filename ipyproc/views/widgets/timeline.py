"""The life line of a process: what happened to it, and to its ``Process``, and when."""

from __future__ import annotations

import threading
import time
from typing import Any

import traitlets

from ipyproc._jobs.job import Job
from ipyproc._jobs.procinfo.lifecycle import Observer, observer
from ipyproc.process import Process
from ipyproc.views import assets
from ipyproc.views.render import timeline
from ipyproc.views.render.timeline import Cell, History, Moment
from ipyproc.views.transport.protocol import TimelineState
from ipyproc.views.widgets.base import LiveWidget, size_of


class LifeLine(LiveWidget):
    """Shows the life of one process, live, and changes nothing about it.

    It polls about 25 times a second, and after each cell: a shorter phase may be
    missing. While it is shown it keeps what it watches; ``close`` ends that.
    """

    _esm = assets.script("timeline")
    _css = assets.style("timeline")

    state = traitlets.Dict().tag(sync=True)

    def __init__(self, subject: Process | Job, **given: Any) -> None:
        watched = observer(subject)
        self._observer: Observer | None = watched
        self._history = History(watched.title, watched.started_at)
        self._polling = threading.RLock()
        self._poll()
        super().__init__(state=self._drawn(), **given)
        self._unwatch = watched.watch(self.catch_up)
        self._poll()

    @property
    def moments(self) -> tuple[Moment, ...]:
        """What happened so far."""
        return self._history.moments

    @property
    def final(self) -> bool:
        """Whether the process is gone, so that nothing more can happen."""
        return self._history.over

    def catch_up(self) -> None:
        """Poll the process now."""
        if self._poll():
            self.changed()

    def close(self) -> None:
        """Stop watching; what is shown stays."""
        if hasattr(self, "_unwatch"):  # else the beginning failed
            with self._polling:
                self._let_go()
        super().close()

    def text(self) -> str:
        """Return what happened, a line for each moment."""
        return timeline.text(self._history)

    def html(self) -> str:
        """Return the same as a table."""
        return timeline.html(self._history)

    def _poll(self) -> bool:
        """Poll the process; return whether there is news."""
        with self._polling:
            before = self._history.moments
            if self._observer and (sighting := self._observer.look()):
                self._history.add(sighting, time.time())
            if self.final and hasattr(self, "_unwatch"):
                self._let_go()
            return self._history.moments != before

    def _let_go(self) -> None:
        self._unwatch()
        self._observer = None

    def refresh(self, room: int) -> int:
        """Send what happened since the last time."""
        drawn = self._drawn()
        if drawn["rows"] == self.state["rows"]:
            return 0
        self.state = dict(drawn)
        return size_of(drawn)

    def _drawn(self) -> TimelineState:
        """Return all that a page needs, as JSON."""
        history = self._history
        return {
            "title": history.title,
            "summary": history.summary,
            "rows": [(row.heading, _as_json(row.cells)) for row in history.rows()],
            "lasted": max(0.0, time.time() - history.since),
        }


def life(subject: Process | Job) -> LifeLine:
    """Show the life of a process: running, stopped, a zombie, waited for.

    *subject* is a ``Process`` or a ``Job``. Beside its life stands the status of its
    ``Process``: ok, done or released. It is live until the process is gone, and never
    waits for the process itself.

    >>> from ipyproc import start_process
    >>> p = start_process("/bin/sleep", ["sleep", "60"])
    >>> view = life(p)  # at the end of a cell it is shown
    >>> p.kill()
    >>> print(p.wait())
    signal: killed
    >>> view.close()
    """
    return LifeLine(subject)


def _as_json(cells: tuple[Cell, ...]) -> list[tuple[str, str, int, str | None]]:
    return [(cell.text, cell.kind, cell.span, cell.lasted) for cell in cells]
