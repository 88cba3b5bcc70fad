"""The table of detached jobs: a widget that lists them, live, and can take each."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import partial
from typing import Any, cast

from ipyproc._agent import records
from ipyproc._agent.records import Record
from ipyproc._jobs.job import Job
from ipyproc.session import jobs
from ipyproc.views import assets
from ipyproc.views.render import detached
from ipyproc.views.transport.actions import Act
from ipyproc.views.transport.protocol import Asked
from ipyproc.views.transport.rate_limiter import Publisher, shared
from ipyproc.views.transport.row_changes import Fields, Rows
from ipyproc.views.widgets.job import JobView
from ipyproc.views.widgets.rows import RowsView


class DetachedView(RowsView):
    """The detached jobs of all notebooks of a user.

    They are read from the disk while a page shows the table, without any agent.
    """

    _esm = assets.script("detached")
    _css = assets.style("detached")

    def __init__(self, publisher: Publisher = shared) -> None:
        self._known = jobs.detached()
        super().__init__(publisher)

    def measure(self) -> Iterator[None]:
        """Read what there is on the disk."""
        self._known = jobs.detached()
        yield

    def poll(self) -> tuple[Rows, Fields]:
        """Return the rows of what was read last."""
        rows = {record.id: dict(detached.row(record)) for record in self._known}
        return cast(Rows, rows), {}

    def summary(self) -> Hashable:
        """Return the jobs, and the status of each."""
        return tuple((key, row["text"]) for key, row in self.rows.items())

    @property
    def quiet(self) -> bool:
        """Whether all jobs have ended."""
        return all(record.is_over for record in self._known)

    def display(self, shell: Any) -> None:
        """Show it in the current cell of *shell*, as it is now."""
        self._known = jobs.detached()
        super().display(shell)

    def text(self) -> str:
        """Return the table as text."""
        return detached.text(self._known)

    def html(self) -> str:
        """Return the table as HTML."""
        return detached.html(self._known)

    def act(self, asked: Asked) -> Act | None:
        """Take, end or forget the job whose id a page names."""
        found = [record for record in self._known if record.id == asked.get("job")]
        if not found:
            return None
        match asked["action"]:
            case "attach":
                return partial(self._attach, found[0])
            case "terminate":
                return lambda: _taken(found[0]).terminate()
            case "forget":
                return partial(records.forget, found[0].folder)
        return None

    def _attach(self, record: Record) -> None:
        """Take a job into this kernel; its pane is shown where the table was last."""
        view = _taken(record).widget
        if isinstance(view, JobView):
            self._post(partial(self.hand_over, view))


def _taken(record: Record) -> Job:
    try:
        return jobs.attach(record.id)
    except KeyError as error:  # somebody has forgotten it meanwhile
        raise OSError(error.args[0]) from None
