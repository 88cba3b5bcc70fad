"""How many jobs of this kernel run, for the front end's status item."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final
from weakref import WeakSet

from ipyproc._jobs.job import Job
from ipyproc.session import jobs
from ipyproc.views.transport.document import Document
from ipyproc.views.transport.document import shared as document
from ipyproc.views.widgets.place import accepts_input


class RunningCount:
    """Counts the jobs that run; any thread may have it look.

    *listed* yields the jobs that there are, each time that it is iterated.
    """

    def __init__(self, listed: Iterable[Job] = jobs, told: Document = document) -> None:
        self._listed = listed
        self._told = told
        # Those whose end will be noticed.
        self._known: WeakSet[Job] = WeakSet()

    def look(self, opens: bool = False) -> None:
        """Count them now, and again whenever one of them is over.

        If it *opens*, pages can hear of those that run though nothing was shown.
        """
        running = [job for job in self._listed if not job.finished]
        for job in running:
            if job not in self._known:
                self._known.add(job)
                job.when_finished(self._over)
        if running and opens:
            self._told.open()
        self._told.count(len(running))

    def follow(self, shell: Any) -> Callable[[], None]:
        """Look after each cell of *shell*; returns what ends that."""

        def after_a_cell(*_: object) -> None:
            # Jobs without a pane count, too, if somebody is there to read it.
            self.look(opens=accepts_input(shell))

        shell.events.register("post_run_cell", after_a_cell)
        return lambda: shell.events.unregister("post_run_cell", after_a_cell)

    def _over(self, _: Job) -> None:
        """Count again, on the event loop's thread."""
        self.look()


#: The one of this kernel.
shared: Final = RunningCount()
