"""The detached jobs of this user: listed, found, and taken into a session."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from ipyproc._agent import records
from ipyproc._agent.records import Record
from ipyproc._agent.remote.detached import AttachedRunner, DetachedRunner
from ipyproc._jobs import replacing
from ipyproc._jobs.job import Job, adopt
from ipyproc._jobs.registry import Jobs
from ipyproc._jobs.request import Request
from ipyproc.hosts import _local

# How many an error lists.
_LISTED: Final = 5


class Keeper:
    """Where a table takes detached jobs from."""

    def runner(self, request: Request) -> DetachedRunner:
        """Make what runs a detached job."""
        return DetachedRunner(request, _local.agent.link)

    def detached(self) -> list[Record]:
        """List them, the eldest first, without any agent."""
        return records.read_all()

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
            raise KeyError(f"{several}: {_list(best)}")
        raise KeyError(_complaint(text, known))

    def attach(self, text: str, table: Jobs) -> Job:
        """Take one into *table*, unless it is there already."""
        for job in table:
            if job.id is not None and text == job.id:
                return job
        record = self.find(text)
        for job in table:
            if job.id == record.id:
                return job
        if record.status == records.UNKNOWN:
            raise OSError(f"{record.id} is on {record.host}: {record.state}")
        runner = AttachedRunner(record, _local.agent.link)
        return adopt(records.request_of(record), runner, table, record.started_at)

    def replace(self, name: str, table: Jobs) -> None:
        """End the jobs of this notebook called *name*, and wait until they are gone."""
        for record in self.running(name):
            self.attach(record.id, table)
        ours = [job for job in table.of_name(name) if job.id is not None]
        replacing.end(ours)

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


def _complaint(text: str, known: Sequence[Record]) -> str:
    if not known:
        return f"no detached job {text!r}: there are none"
    names = [word for record in known for word in (record.id, record.name)]
    near = get_close_matches(text, names, n=1, cutoff=0.5)
    if near:
        return f"no detached job {text!r}; did you mean {near[0]!r}?"
    return f"no detached job {text!r}; there are {_list(known)}"
