"""The tables of jobs, one widget however often it is shown; and processes found."""

from __future__ import annotations

import threading

from IPython.display import display

from ipyproc.views.process import Found
from ipyproc.views.widgets.jobs import MOST, JobsView
from ipyproc.views.widgets.process import FoundView
from ipyproc.views.widgets.watched import Watched


class _Tables:
    """The tables, by how many rows they may have, made when they are first shown."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._views: dict[int | None, JobsView] = {}
        self._found: list[FoundView] = []

    def get(self, most: int | None) -> JobsView:
        """Return the widget, or another one if somebody closed it."""
        with self._lock:
            view = self._views.get(most)
            if view is None or view.comm is None:
                view = self._views[most] = JobsView(most)
            return view

    def add(self, view: FoundView) -> FoundView:
        """Take in what is to be closed with the others."""
        with self._lock:
            self._found = [view, *(v for v in self._found if not v.final)]
        return view

    def close(self) -> None:
        """Close what was made."""
        with self._lock:
            views: list[Watched] = [*self._views.values(), *self._found]
            self._views, self._found = {}, []
        for view in views:
            view.close()


_tables = _Tables()


def show_jobs(every: bool = False) -> None:
    """Show the table of jobs in the current cell; *every*: all that ended, too."""
    display(_tables.get(None if every else MOST))


def show_found(found: Found) -> None:
    """Show a process that was found in the current cell."""
    display(_tables.add(FoundView(found)))


def close() -> None:
    """Close all of them: they show what there was, and change no more."""
    _tables.close()
