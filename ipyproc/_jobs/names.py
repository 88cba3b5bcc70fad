"""Names of jobs: which job a name, a label or a pattern of labels means."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from typing import Generic, Protocol, TypeVar

#: What stands between the name and the number of a label.
HASH = "#"
#: In place of a number: all jobs of the name.
ALL = "*"
_LABEL = re.compile(rf"(?P<name>.*){HASH}(?P<number>{re.escape(ALL)}|\d+)", re.S)


class Named(Protocol):
    """A job, as its namesakes know it."""

    name: str
    number: int

    @property
    def label(self) -> str:
        """How tables show it."""

    @property
    def pid(self) -> int | None:
        """Its process; ``None`` while it is queued."""

    @property
    def ended_at(self) -> float | None:
        """When its process ended."""

    def when_finished(self, callback: Callable[..., None]) -> None:
        """Call *callback* at the end."""

    def refresh(self) -> None:
        """Tell those who show it that what they show may be old."""


_Job = TypeVar("_Job", bound=Named)


class Namesakes(Generic[_Job]):
    """The jobs of one name that the table has, by number; numbers are used once.

    No lock: a signal handler may ask while the thread that it interrupts adds a job.
    Each change is one operation, which others see as a whole.
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        self._jobs: dict[int, _Job] = {}

    def add(self, job: _Job) -> None:
        """Number *job*; the label of the newest before it changes."""
        before = self._newest()
        job.number = next(self._numbers)
        self._jobs[job.number] = job
        job.when_finished(lambda _: self._refresh(self._newest(), but=job))
        self._refresh(before, but=job)

    def discard(self, job: _Job) -> None:
        """Forget *job*; its number is not used again."""
        if self._jobs.pop(job.number, None):
            self._refresh(self._newest(), but=job)

    def is_newest(self, job: _Job) -> bool:
        """Whether no job of the name has a greater number."""
        return job.number >= max(list(self._jobs), default=0)

    def elders(self, job: _Job) -> list[_Job]:
        """Return the others that run, oldest first, if *job* is the newest."""
        if not self.is_newest(job):
            return []
        return [o for o in self.all() if o is not job and o.ended_at is None]

    def all(self) -> list[_Job]:
        """Return all of them, oldest first."""
        return [job for _, job in sorted(self._jobs.copy().items())]

    def _newest(self) -> _Job | None:
        jobs = self._jobs.copy()
        return jobs[max(jobs)] if jobs else None

    def _refresh(self, job: _Job | None, but: _Job) -> None:
        if job is not None and job is not but:
            job.refresh()


def numbered(job: Named) -> str:
    """Return the name of a job with its number: it means this job for ever."""
    return f"{job.name}{HASH}{job.number}"


def identified(job: Named) -> str:
    """Return what messages call a job: ``train (pid 12)``, ``train (queued)``."""
    return f"{job.label} ({process(job)})"


def process(job: Named) -> str:
    """Return what messages call the process of a job: ``pid 12``, or ``queued``."""
    return "queued" if job.pid is None else f"pid {job.pid}"


def split(text: str) -> tuple[str, int | str | None]:
    """Split what a user typed into a name and a number, ``ALL``, or ``None``.

    >>> split("train#2"), split("train#*"), split("train"), split("a#b")
    (('train', 2), ('train', '*'), ('train', None), ('a#b', None))
    """
    found = _LABEL.fullmatch(text)
    if found is None:
        return text, None
    number = found["number"]
    return found["name"], number if number == ALL else int(number)
