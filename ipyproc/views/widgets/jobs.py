"""The table of jobs: a widget that lists them, live, and can kill each."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from contextlib import suppress
from itertools import count
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from ipyproc._jobs.job import Job
from ipyproc._jobs.output import search
from ipyproc._jobs.request import HERE
from ipyproc._jobs.runner import JobStatus
from ipyproc.errors import ProcessDoneError
from ipyproc.session import jobs
from ipyproc.views import assets
from ipyproc.views.render import console, format, html
from ipyproc.views.transport.actions import Act
from ipyproc.views.transport.protocol import Asked, JobFields
from ipyproc.views.transport.rate_limiter import Publisher, shared
from ipyproc.views.transport.row_changes import Fields, Rows
from ipyproc.views.transport.usage_feed import has_proxy, listens
from ipyproc.views.widgets import farewell
from ipyproc.views.widgets.rows import RowsView

#: How many rows there are at most, unless more jobs run or all are asked for.
MOST: Final = 200

# The last line is looked for in so many bytes, and shown up to so many characters.
_LOOK_BACK = 1024
_LAST_LINE = 200
_COMMAND = 300
# What the status of a job says that runs, and runs on when the kernel ends.
_DETACHED = "detached"


class JobsView(RowsView):
    """All jobs that run and the last that ended, *most* in all; None: all of them.

    *listed* yields the jobs that there are, each time that it is iterated.
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
        # A name or a pid can be used again; a key belongs to one job for ever.
        self._numbers = count()
        self._keys: WeakKeyDictionary[Job, str] = WeakKeyDictionary()
        # The last row of each job, and how much it had printed then.
        self._known: WeakKeyDictionary[Job, tuple[int, JobFields]] = WeakKeyDictionary()
        self._ends = False  # the kernel
        self._leaving = _Leaving(self)  # kept here: others refer to it weakly
        super().__init__(publisher)

    def measure(self) -> Iterator[None]:
        """Measure what each job uses, and find the last line that it printed."""
        for job in shown(self._listed, self._most)[0]:
            self._update(job, measure=True)
            yield

    def poll(self) -> tuple[Rows, Fields]:
        """Return the rows, and the number of ended jobs that are not shown."""
        chosen, more = shown(self._listed, self._most)
        notes = {"more": more, "proxy": has_proxy()}
        return {self._key(j): dict(self._update(j)) for j in chosen}, notes

    def summary(self) -> Hashable:
        """Return the jobs, and the label and the status of each."""
        texts = tuple((k, r["label"], r["text"]) for k, r in self.rows.items())
        return self._notes["more"], texts

    def details(self) -> Hashable:
        """Return the last line of each job."""
        return tuple(row["last"] for row in self.rows.values())

    @property
    def quiet(self) -> bool:
        """Whether all jobs have ended."""
        return all(row["ended"] is not None for row in self.rows.values())

    # --- the end of the kernel

    def display(self, shell: Any) -> None:
        """Show it in the current cell of *shell*, as it is now."""
        super().display(shell)
        farewell.shared.expect(self._leaving)

    @property
    def is_over(self) -> bool:
        """Whether all jobs ended, and all that they printed is there."""
        return all(job.finished for job in shown(self._listed, self._most)[0])

    def kernel_ends(self) -> None:
        """Note that what still runs ends because the kernel ends, unless it goes on."""
        self._ends = True

    def farewell(self) -> None:
        """Show it as it is now, for ever."""
        self._poll()
        for place in self._places:
            place.update(now=True)
        self.to_file(self.static(), final=True)

    # --- what is shown

    def text(self) -> str:
        """Return the table as text."""
        return console.jobs(self._rows(), self._notes["more"], self.taken)

    def html(self) -> str:
        """Return the table as HTML."""
        return html.jobs(self._rows(), self._notes["more"], self.taken)

    def act(self, asked: Asked) -> Act | None:
        """Kill the job whose key a page names, or end all; and what they started."""
        if asked["action"] == "end_all":
            return self._end_all
        if asked["action"] != "kill" or "job" not in asked:
            return None
        for job in self._listed:
            if self._keys.get(job) == asked["job"]:
                return job.kill
        return None

    def _end_all(self) -> None:
        for job in list(self._listed):
            with suppress(ProcessDoneError):
                if job.state is None:
                    job.terminate()

    def _job_ended(self, _: Job) -> None:
        """Note that a job is over, on the event loop's thread."""
        self.outdated()

    def _rows(self) -> Iterable[JobFields]:
        rows = cast(Iterable[JobFields], self.rows.values())
        rows = sorted(rows, key=lambda row: row["ended"] is not None)
        return map(_at_the_end, rows) if self._ends else rows

    def _key(self, job: Job) -> str:
        if job not in self._keys:
            self._keys[job] = str(next(self._numbers))
        return self._keys[job]

    def _update(self, job: Job, measure: bool = False) -> JobFields:
        """Return the row of a job; what is not measured is as it was measured last."""
        total, known = self._known.get(job, (-1, None))
        finished = job.finished  # before anything else: it may end at any moment
        if known is None and not finished:
            job.when_finished(self._job_ended)
        if known and known.get("over"):
            known["label"] = format.label(job)  # of an older one it changes later, too
            return known
        new = row(job)
        if known:
            new["cpu"], new["memory"] = known["cpu"], known["memory"]
            new["ports"], new["last"] = known["ports"], known["last"]
        if job.as_utf8.total != total and (measure or finished or total < 0):
            total = job.as_utf8.total
            new["last"] = last_line(job)
        if new["ended"] is not None:
            new["cpu"] = new["memory"] = None
            new["ports"] = []
            new["over"] = finished
        elif measure:
            new["cpu"], new["memory"] = _used(job)
            new["ports"] = _ports(job)
        self._known[job] = total, new
        return new


class _Leaving:
    """The table at the end of the kernel: a widget of no job is never final itself."""

    def __init__(self, view: JobsView) -> None:
        self._view = view
        self._ends = False

    @property
    def final(self) -> bool:
        """Whether nothing will change any more, and the file was told so."""
        return self._view.is_over and (self._ends or self._view.is_told)

    def kernel_ends(self) -> None:
        """Note that what it shows ends because the kernel ends."""
        self._ends = True
        self._view.kernel_ends()

    def farewell(self) -> None:
        """Show how it is now, for ever."""
        self._view.farewell()


def _at_the_end(row: JobFields) -> JobFields:
    """Return a row as it is when the kernel has ended."""
    if row["ended"] is not None:
        return row
    if "detached" in row:
        return {**row, "text": f"{row['status']} when the kernel ended"}
    return {**row, "status": "lost", "text": "ended with the kernel"}


def shown(jobs: Iterable[Job], most: int | None) -> tuple[list[Job], int]:
    """Choose all jobs that run and the last of those that ended, *most* in all.

    They are in the order in which they were started; the number is that of the others.
    """
    every = list(jobs)
    if most is None or len(every) <= most:
        return every, 0
    ended = [job for job in every if job.ended_at is not None]
    hidden = set(ended[: len(every) - most])
    return [job for job in every if job not in hidden], len(hidden)


def row(job: Job) -> JobFields:
    """Return what is known of a job without measuring anything; no last line yet."""
    ended = job.ended_at
    new: JobFields = {
        "name": format.name(job),
        "number": job.number,
        "label": format.label(job),
        "host": format.host(job),
        "command": format.command(job)[:_COMMAND],
        "pid": job.pid,
        "status": str(job.status),
        "text": format.status(job),
        "success": format.success(job),
        "started": job.started_at,
        "ended": ended,
        "ran": None if ended is None else format.seconds(ended - job.started_at),
        "cpu": None,
        "memory": None,
        "ports": [],
        "last": "",
    }
    if format.detached(job):
        new["detached"] = True
        if job.status == JobStatus.RUNNING:
            new["text"] = new["text"].replace(JobStatus.RUNNING, _DETACHED, 1)
    return new


def last_line(job: Job) -> str:
    """Return the last line of the output, as a terminal would show it, unstyled.

    Of a very long one, the end of it.
    """
    return search.last_line(job.as_utf8, _LOOK_BACK)[-_LAST_LINE:]


def _ports(job: Job) -> list[int]:
    """Return the ports that a job of this machine listens on, as far as is known."""
    with suppress(OSError):
        return listens(job) if job.host is HERE else []
    return []


def _used(job: Job) -> tuple[float | None, float | None]:
    """Measure the processor and memory of a job's tree, rounded for a reader."""
    usage = job.last_usage()
    if usage is None:
        return None, None
    return round(usage.total_cpu_percent, 1), round(usage.total_memory, -5)
