"""The view of a job, which the layer above makes when it is first asked for."""

from __future__ import annotations

import os
import threading
from typing import Protocol

from ipyproc import _jobs
from ipyproc._jobs.io.timers import Once


class View(Protocol):
    """A picture of a job, as the job knows it."""

    def forget(self) -> None:
        """Stop following the job; what the page shows stays."""


class _Making:
    """A thread that makes the view of a job."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.done = Once()


class LazyView:
    """One view, however many threads and signal handlers ask for it at once."""

    def __init__(self) -> None:
        self._view: View | None = None
        # Of the thread that makes the view, by process: a fork has no such thread.
        self._making: dict[int, _Making] = {}

    def of(self, job: object) -> View:
        """Return the view of *job*, made at the first use."""
        while self._view is None:
            making = _Making()
            first = self._making.setdefault(os.getpid(), making)
            if first is not making and first.thread != making.thread:
                first.done.wait()
                continue
            try:
                made: View = _jobs.make_widget(job)
                if self._view is not None:  # a signal handler asked for it meanwhile
                    made.forget()
                    break
                self._view = made
            finally:
                self._making.pop(os.getpid(), None)
                first.done.set()
        return self._view

    def forget(self) -> None:
        """Drop the view, if there is one."""
        view, self._view = self._view, None
        if view is not None:
            view.forget()
