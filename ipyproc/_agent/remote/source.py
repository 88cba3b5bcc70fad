"""One job at its agent, as long as anything here refers to it."""

from __future__ import annotations

import weakref

from ipyproc._agent import searching
from ipyproc._agent.protocol.asked import Answer, knows
from ipyproc._agent.protocol.following import Following
from ipyproc._agent.protocol.frames import Body, Fields
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._agent.remote.link import Link
from ipyproc._agent.searching import Found, Wanted
from ipyproc.errors import JobLostError


class Source:
    """What is asked of a job. When it is collected, the agent forgets the job.

    The runner and its captures refer to it, and it to none of them: so what is kept
    there is freed as soon as nobody here can read it any more.
    """

    def __init__(self, link: Link | None) -> None:
        self._link = link
        self.job: Following | None = None
        #: Set when nobody will ever answer.
        self.lost: JobLostError | None = None

    @property
    def has_link(self) -> bool:
        """Whether there is a way to it, or was."""
        return self._link is not None

    @property
    def link(self) -> Link:
        """The way to it; ``JobLostError`` if it has none yet."""
        if self._link is None:
            raise JobLostError("it was not started")
        return self._link

    def reach(self, link: Link) -> None:
        """Note the way to it."""
        self._link = link

    def begin(self, job: Following) -> None:
        """Note the job, once it was started."""
        self.job = job
        weakref.finalize(self, self.link.forget, job).atexit = False

    def number(self) -> int:
        """Return the number of the job; ``JobLostError`` if there is none."""
        if self.lost:
            raise self.lost
        if self.job is None:
            raise JobLostError("it was not started")
        return self.job.number

    def ask(self, kind: Kind, **body: object) -> Fields:
        """Ask the agent, and wait for the answer; see ``Link.call``."""
        return self.link.call(kind, {"number": self.number(), **body}).fields

    @property
    def searcher(self) -> Source | None:
        """The agent, if it can search; those of earlier versions cannot."""
        return self if self._knows(Kind.FIND) else None

    def read(self, stream: int, offset: int, size: int) -> Answer:
        """Fetch a part of what a stream printed."""
        return self._fetch(Kind.READ, stream, {"offset": offset, "size": size})

    def times(self, stream: int, offset: int) -> Fields:
        """Ask when a stream printed what is at *offset*, and what follows."""
        if not self._knows(Kind.TIMES):
            raise ConnectionError("its agent does not tell times")
        return self._fetch(Kind.TIMES, stream, {"offset": offset}).fields

    def find(self, stream: int, wanted: Wanted) -> Found:
        """Let the agent search a part of what a stream printed."""
        body = searching.body_of_wanted(wanted)
        return searching.found_of(self._fetch(Kind.FIND, stream, body).fields)

    def _knows(self, kind: Kind) -> bool:
        return self._link is not None and knows(self._link.welcome, kind)

    def _fetch(self, kind: Kind, stream: int, body: Body) -> Answer:
        """Ask for something of a stream; ``ConnectionError`` if it is lost."""
        try:
            number = self.number()
            return self.link.call(kind, {"number": number, "stream": stream, **body})
        except JobLostError as error:
            raise ConnectionError(str(error)) from None
