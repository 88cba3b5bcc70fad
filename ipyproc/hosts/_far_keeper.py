"""The detached jobs of this user on a host: its agent keeps them, and is asked."""

from __future__ import annotations

import time

from ipyproc._agent import listing
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._agent.records import Record
from ipyproc._agent.remote.far_detached import (
    FarAttachedRunner,
    FarDetachedRunner,
    check_agent,
)
from ipyproc._agent.remote.link import Link
from ipyproc._jobs.job import Job
from ipyproc._jobs.request import Host, Request
from ipyproc.hosts._keeper import Keeper


class FarKeeper(Keeper):
    """The detached jobs on *host*, by way of *link*."""

    def __init__(self, host: Host, link: Link) -> None:
        self._host = host
        self._link = link
        self.where = f" on {host.name}"

    def runner(self, request: Request) -> FarDetachedRunner:
        """Make what runs a detached job there."""
        return FarDetachedRunner(request, self._host, self._link)

    def detached(self) -> list[Record]:
        """List them, the eldest first; ``OSError`` if there is no way to the host."""
        check_agent(self._link)
        found: list[Record] = []
        start: int | None = 0
        while start is not None:
            answer = self._link.call(Kind.LISTED, {"from": start}).fields
            found += listing.records_of(answer, self._host.name, time.time())
            start = answer.count("next")
        return found

    def remove(self, record: Record) -> None:
        """Delete its folder there."""
        self._link.call(Kind.REMOVE, {"folder": record.folder})

    def has(self, job: Job) -> bool:
        """Whether it is a detached job of a host that is called so."""
        return job.id is not None and job.host.name == self._host.name

    def _attached(self, record: Record) -> FarAttachedRunner:
        return FarAttachedRunner(record, self._host, self._link)
