"""The detached jobs of this user on one machine: listed, found, and taken over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

from ipyproc._agent import records
from ipyproc._agent.records import Record
from ipyproc._agent.remote.detached import AttachedRunner, DetachedRunner
from ipyproc._jobs import replacing
from ipyproc._jobs.job import Job, adopt
from ipyproc._jobs.registry import Jobs
from ipyproc._jobs.request import HERE, Request
from ipyproc._jobs.runner import JobStatus, Runner
from ipyproc.hosts import _local

# How many an error lists.
_LISTED: Final = 5


class Keeper(ABC):
    """Where a table takes the detached jobs of one machine from."""

    #: What errors say of where that is.
    where = ""

    @abstractmethod
    def runner(self, request: Request) -> Runner:
        """Make what runs a detached job."""

    @abstractmethod
    def detached(self) -> list[Record]:
        """List them, the eldest first; ``OSError`` if nobody can tell."""

    @abstractmethod
    def remove(self, record: Record) -> None:
        """Delete what is kept of a job that has ended."""

    @abstractmethod
    def has(self, job: Job) -> bool:
        """Whether a job of a table is one of these."""

    @abstractmethod
    def _attached(self, record: Record) -> Runner:
        """Make what follows a job that was started before."""

    def running(self, name: str | None = None) -> list[Record]:
        """List those of this notebook that run, of all names or of one."""
        ours = records.of_notebook(self.detached())
        named = [r for r in ours if name is None or r.name == name]
        return [record for record in named if not record.is_over]

    def find(self, text: str) -> Record:
        """Find one by its id, or by its name; ``KeyError``."""
        known = self.detached()
        for record in known:
            if record.id == text:
                return record
        named = [record for record in known if record.name == text]
        same = records.of_notebook(named) or named
        best = [record for record in same if not record.is_over] or same
        if len(best) == 1:
            return best[0]
        if best:
            several = f"{len(best)} detached jobs are called {text!r}"
            raise KeyError(f"{several}{self.where}: {_list(best)}")
        raise KeyError(_complaint(text, known, self.where))

    def attach(self, text: str, table: Jobs) -> Job:
        """Take one into *table*, unless it is there already."""
        if (known := self._known(text, table)) is not None:
            return known
        record = self.find(text)
        if (known := self._known(record.id, table)) is not None:
            return known
        if record.status == records.UNKNOWN:
            raise OSError(f"{record.id} is on {record.host}: {record.state}")
        runner = self._attached(record)
        return adopt(records.request_of(record), runner, table, record.started_at)

    def replace(self, name: str, table: Jobs) -> None:
        """End the jobs of this notebook called *name*, and wait until they are gone."""
        for record in self.running(name):
            self.attach(record.id, table)
        replacing.end([job for job in table.of_name(name) if self.has(job)])

    def _known(self, identity: str, table: Iterable[Job]) -> Job | None:
        """The job of the table that has this id, unless it was let go."""
        for job in table:
            is_let_go = job.status is JobStatus.RELEASED
            if job.id == identity and self.has(job) and not is_let_go:
                return job
        return None


class LocalKeeper(Keeper):
    """The detached jobs of this machine, which are on its disk."""

    def runner(self, request: Request) -> DetachedRunner:
        """Make what runs a detached job."""
        return DetachedRunner(request, _local.agent.link)

    def detached(self) -> list[Record]:
        """List them, the eldest first, without any agent."""
        return records.read_all()

    def remove(self, record: Record) -> None:
        """Delete its folder."""
        records.remove(record.folder)

    def has(self, job: Job) -> bool:
        """Whether it runs here, and is detached."""
        return job.id is not None and job.host is HERE

    def _attached(self, record: Record) -> AttachedRunner:
        return AttachedRunner(record, _local.agent.link)

    def retire(self) -> None:
        """End the connection to the agent, if nothing here needs it."""
        _local.agent.retire()

    def trouble(self) -> str:
        """Say what keeps the agent from answering; empty if nothing does."""
        pid = _local.stopped_agent()
        if pid is None:
            return ""
        return f"{_local.NAME} (pid {pid}) is stopped: kill -CONT {pid} lets it go on"


def _list(known: Sequence[Record]) -> str:
    return ", ".join(f"{r.id} ({r.status})" for r in known[-_LISTED:])


def _complaint(text: str, known: Sequence[Record], where: str) -> str:
    if not known:
        return f"no detached job {text!r}{where}: there are none"
    names = [word for record in known for word in (record.id, record.name)]
    near = get_close_matches(text, names, n=1, cutoff=0.5)
    if near:
        return f"no detached job {text!r}{where}; did you mean {near[0]!r}?"
    return f"no detached job {text!r}{where}; there are {_list(known)}"
