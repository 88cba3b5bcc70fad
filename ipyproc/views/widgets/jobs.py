"""The table of jobs: a widget that lists them, live, and can kill each."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from functools import partial
from itertools import count
from typing import ClassVar
from weakref import WeakKeyDictionary

from ipyproc._jobs.job import Job
from ipyproc.session import jobs
from ipyproc.views import assets
from ipyproc.views.render import jobs_table
from ipyproc.views.transport.actions import Asked
from ipyproc.views.transport.rate_limiter import Publisher
from ipyproc.views.transport.row_changes import Fields, Rows
from ipyproc.views.widgets import rows
from ipyproc.views.widgets.job import shared
from ipyproc.views.widgets.watched import Actions, Watched

#: How many rows there are at most, unless more jobs run or all are asked for.
MOST = 200


class JobsView(Watched):
    """All jobs that run and the last that ended, *most* in all; ``None``: all.

    *listed* gives the jobs that there are, each time that it is iterated.
    """

    _esm = assets.script("jobs")
    _css = assets.style("jobs")

    def __init__(
        self,
        most: int | None = MOST,
        listed: Iterable[Job] = jobs,
        publisher: Publisher = shared,
    ) -> None:
        self._most = most
        self._listed = listed
        self._more = 0
        # A name or a pid may come again; by a key the page means one job for ever.
        self._numbers = count()
        self._keys: WeakKeyDictionary[Job, str] = WeakKeyDictionary()
        self._known: WeakKeyDictionary[Job, tuple[int, Fields]] = WeakKeyDictionary()
        super().__init__(publisher)

    def survey(self, measure: bool) -> Iterator[Rows | None]:
        """Find out the rows; with *measure* what the jobs use and print now, too."""
        chosen, self._more = rows.shown(self._listed, self._most)
        found: Rows = {}
        for job in chosen:
            found[self._key(job)] = self._row(job, measure)
            yield None
        yield found

    def notes(self) -> Fields:
        """Return how many jobs that ended are not shown."""
        return {"more": self._more}

    def gist(self) -> Hashable:
        """Return which jobs there are and how they are."""
        return self._more, tuple((key, row["text"]) for key, row in self.rows.items())

    @property
    def quiet(self) -> bool:
        """Whether all jobs have ended."""
        return all(row["ended"] is not None for row in self.rows.values())

    def text(self) -> str:
        """Return the table as text."""
        return jobs_table.text(self.rows.values(), self._more)

    def html(self) -> str:
        """Return the table as HTML."""
        return jobs_table.html(self.rows.values(), self._more)

    def _key(self, job: Job) -> str:
        if job not in self._keys:
            self._keys[job] = str(next(self._numbers))
        return self._keys[job]

    def _row(self, job: Job, measure: bool) -> Fields:
        total, known = self._known.get(job, (-1, {}))
        finished = job.finished  # before anything else: it may end at any moment
        if known.get("over"):
            return known
        row = rows.row(job)
        row |= {key: known[key] for key in _MEASURED if key in known}
        is_news = job.total != total and (measure or finished or total < 0)
        if is_news:
            total = job.total
            row["last"] = rows.last_line(job)
        if row["ended"] is not None:
            row |= {"cpu": None, "memory": None, "over": finished}
        elif measure:
            row |= rows.usage(job)
        self._known[job] = total, row
        return row

    def _kill(self, asked: Asked) -> None:
        """Kill the job whose key a page names, and all that it started."""
        key = asked.get("job")
        for job in self._listed if isinstance(key, str) else ():
            if self._keys.get(job) == key:
                self.act(asked, partial(job.kill, tree=True))
                return

    ACTIONS: ClassVar[Actions] = {"kill": _kill}


_MEASURED = ("cpu", "memory", "last")
