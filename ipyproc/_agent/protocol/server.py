"""The memory of an agent: its clients, its jobs, and how long they are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ipyproc._agent.protocol.attachment import Hosted
from ipyproc._agent.protocol.frames import Body, Fields, ProtocolError, encode_json
from ipyproc._agent.protocol.kinds import VERSION, Kind
from ipyproc._agent.protocol.known import LEASE, Known
from ipyproc._agent.protocol.session import LATER_KINDS, Session


class Backend(Protocol):
    """What starts and ends the jobs."""

    def start(self, identity: str, fields: Fields, side: Fields) -> Hosted:
        """Start a job; *side* is what the relay told."""

    def adopt(self, folder: str) -> Hosted | None:
        """Find a detached job by its folder, also one that has ended."""

    def listed(self, start: int, side: Fields) -> Body:
        """List the detached jobs of the user, from the one of this number on."""

    def note_seen(self, folder: str) -> None:
        """Note that a session has heard of the end of a detached job."""

    def remove(self, folder: str) -> None:
        """Delete what is kept of a detached job that has ended."""

    def check(self, fields: Fields, side: Fields) -> None:
        """Raise what ``start`` would, as far as that can be known."""

    def holder(self, port: int) -> str:
        """Say who listens on *port*."""

    def end(self, jobs: Iterable[Hosted]) -> None:
        """End *jobs* and forget them."""

    def forget(self, hosted: Hosted) -> None:
        """Forget a job, once it has ended."""


class Server:
    """An agent as a state machine: its owner passes in bytes and the time.

    *identity* tells this run of an agent from all others, *facts* are what it tells a
    client of itself.
    """

    def __init__(self, backend: Backend, identity: str, facts: Body) -> None:
        self._backend = backend
        self._identity = identity
        self._facts = facts
        self._clients: dict[str, Known] = {}
        self._sessions: dict[str, Session] = {}
        self._jobs: dict[str, Hosted] = {}

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to keep."""
        return not self._jobs and not any(map(self._session, self._clients.values()))

    def open(self, now: float) -> Session:
        """Begin a connection."""
        return Session(self, now)

    def news(self, hosted: Hosted) -> None:
        """Something happened to a job, or it printed."""
        hosted.keyboard.settle()
        for known in self._clients.values():
            attachment = known.by_job.get(hosted.identity)
            session = self._session(known) if attachment else None
            if session and attachment:
                session.news(attachment)

    def tick(self, now: float) -> None:
        """End what the lease has run out of; call it every second."""
        for known in list(self._clients.values()):
            session = self._session(known)
            if session:
                session.look_at_courses()
            # Who has no jobs is remembered only for what may be under way still.
            lease = known.lease if known.attachments else min(known.lease, LEASE)
            if known.silence.tick(now) > lease:
                self.leave(known)
        attached = {job for known in self._clients.values() for job in known.by_job}
        for hosted in list(self._jobs.values()):
            is_over = hosted.is_kept and hosted.ends() is not None
            # It is on the disk.
            if is_over and hosted.identity not in attached:
                self.forget(hosted)

    def greet(self, session: Session, hello: Fields, now: float) -> Known:
        """Find or make what is known of a client, and welcome it."""
        if hello.number("version") < VERSION:
            raise ProtocolError(f"version {hello.number('version')} is too old")
        identity, attempt = hello.text("client"), hello.number("attempt")
        known = self._clients.get(identity)
        resumed = known is not None
        if known is None:
            known = self._clients[identity] = Known(identity, now)
        elif attempt <= known.attempt:
            raise ProtocolError("a newer connection of the client is there")
        known.reconnect()
        known.attempt = attempt
        known.silence.heard(now)
        known.lease = hello.seconds("lease", LEASE) or 0.0
        known.takes_turns = hello.flag("turns")
        known.forget_answers(hello.number("done", 0))
        self._sessions[identity] = session
        welcome = {
            **self._facts,
            "version": VERSION,
            "agent": self._identity,
            "resumed": resumed,
            "knows": [*LATER_KINDS],
        }
        session.say(encode_json(Kind.WELCOME, 0, welcome))
        return known

    def find(self, identity: str) -> Hosted | None:
        """Find a job."""
        return self._jobs.get(identity)

    def start(self, session: Session, identity: str, fields: Fields) -> Hosted:
        """Start a job."""
        hosted = self._backend.start(identity, fields, session.side)
        self._jobs[identity] = hosted
        return hosted

    def adopt(self, folder: str) -> Hosted | None:
        """Find a detached job by its folder, also one that has ended."""
        hosted = self._backend.adopt(folder)
        if hosted is not None:
            self.keep(hosted)
        return hosted

    def keep(self, hosted: Hosted) -> None:
        """Note a job that runs, of any client."""
        self._jobs[hosted.identity] = hosted

    def listed(self, session: Session, start: int) -> Body:
        """List the detached jobs of the user there, from a number on."""
        return self._backend.listed(start, session.side)

    def settle(self, kind: Kind, folder: str) -> None:
        """Note that the end of a detached job was seen, or remove what is kept."""
        do = self._backend.note_seen if kind == Kind.SEEN else self._backend.remove
        do(folder)

    def check(self, session: Session, fields: Fields) -> None:
        """Check what would be started."""
        self._backend.check(fields, session.side)

    def holder(self, port: int) -> str:
        """Say who listens on *port*."""
        return self._backend.holder(port)

    def forget(self, hosted: Hosted) -> None:
        """Forget a job."""
        self._jobs.pop(hosted.identity, None)
        self._backend.forget(hosted)

    def leave(self, known: Known) -> None:
        """End the jobs of a client that does not come back."""
        self._clients.pop(known.identity, None)
        self._sessions.pop(known.identity, None)
        followed = [attachment.hosted for attachment in known.by_job.values()]
        owned = known.leave()
        for hosted in followed:
            self.news(hosted)
        for hosted in owned:
            self._jobs.pop(hosted.identity, None)
        if owned:
            self._backend.end(owned)

    def _session(self, known: Known) -> Session | None:
        session = self._sessions.get(known.identity)
        return session if session and session.known is known else None
