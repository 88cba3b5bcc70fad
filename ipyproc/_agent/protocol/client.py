"""A client of an agent as a state machine: bytes and the time in, bytes out.

It has no sockets and no threads. Its owner opens connections, passes in what arrives,
and sends what is in ``Wire.outgoing``.
"""

from __future__ import annotations

from typing import Final, Protocol

from ipyproc._agent.protocol.asked import Answer, Answered, Asked
from ipyproc._agent.protocol.flow import WINDOW, SessionCredit
from ipyproc._agent.protocol.following import Follower, Following
from ipyproc._agent.protocol.frames import (
    Body,
    Decoder,
    Fields,
    Frame,
    ProtocolError,
    encode,
    encode_json,
)
from ipyproc._agent.protocol.kinds import OFFSET, PLACE, STREAMS, VERSION, Kind
from ipyproc._agent.protocol.silence import Silence

# How often a client says that it lives, in seconds.
_PING_EVERY: Final = 1.0


class RefusedError(Exception):
    """The agent does not take this client; the text says why."""


class Wire:
    """One connection, the client's end of it."""

    def __init__(self, attempt: int, now: float) -> None:
        self.attempt = attempt
        #: What is to be sent.
        self.outgoing = bytearray()
        #: Whether a newer connection has taken its place.
        self.is_over = False
        self.decoder = Decoder()
        self.silence = Silence(now)
        self.credit = SessionCredit(now)


class Owner(Protocol):
    """What hears of the client itself."""

    def welcomed(self, fields: Fields) -> None:
        """The agent has taken the client, for the first time or again."""


class Client:
    """What a client knows of an agent and of its jobs there.

    *identity* are 128 bits in hexadecimal, chosen once: by them the agent knows it on
    all its connections. Requests may be made at any time; what is not answered is sent
    again on the next connection, and the agent does it once.
    """

    def __init__(self, identity: str, options: Body, owner: Owner) -> None:
        self._identity = identity
        self._options = options
        self._owner = owner
        self._attempt = 0
        self._current: Wire | None = None
        #: Which agent it is, once that is known: a new one knows nothing of our jobs.
        self.agent: str | None = None
        self._requests: dict[int, Asked] = {}
        self._next_request = 1
        self._next_job = 1
        self._jobs: dict[int, Following] = {}
        self._pinged = 0.0

    @property
    def current(self) -> Wire | None:
        """The connection that the agent has taken last, if it is not closed."""
        return self._current

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked, and no job is followed to its end."""
        return not self._requests and all(job.is_over for job in self._jobs.values())

    @property
    def is_unused(self) -> bool:
        """Whether nothing here refers to any job, or waits for more than a farewell."""
        kinds = {asked.kind for asked in self._requests.values()}
        return not self._jobs and kinds <= {Kind.FORGET}

    def open(self, now: float) -> Wire:
        """Begin a new connection; the one before stays until this one is taken."""
        self._attempt += 1
        wire = Wire(self._attempt, now)
        hello = {
            **self._options,
            "version": VERSION,
            "client": self._identity,
            "attempt": self._attempt,
            "agent": self.agent,
            "credit": wire.credit.granted,
            "done": self._done,
            "turns": True,
        }
        wire.outgoing += encode_json(Kind.HELLO, 0, hello)
        return wire

    def received(self, wire: Wire, data: bytes | memoryview, now: float) -> None:
        """Take in what arrived on *wire*.

        ``ProtocolError`` if that makes no sense, ``RefusedError`` if the agent refuses:
        the connection is to be closed then.
        """
        wire.silence.heard(now)
        for frame in wire.decoder.feed(data):
            if wire is self._current:
                self._take(wire, frame, now)
            elif not wire.is_over:
                self._greeted(wire, frame)

    def closed(self, wire: Wire) -> None:
        """Note the end of *wire*; the jobs run on, and so do requests."""
        wire.is_over = True
        if wire is self._current:
            self._current = None

    def tick(self, now: float) -> float:
        """Say that we live, and return for how many seconds nothing was heard."""
        wire = self._current
        if wire is None:
            return 0.0
        if not 0 <= now - self._pinged < _PING_EVERY:
            self._pinged = now
            wire.outgoing += encode_json(Kind.PING, 0, {"done": self._done})
        return wire.silence.tick(now)

    def bye(self) -> None:
        """End it in order, with all jobs that are not detached."""
        if self._current:
            self._current.outgoing += encode(Kind.BYE, 0)

    def request(
        self, kind: Kind, body: Body, answered: Answered, repeated: bool = True
    ) -> int:
        """Ask the agent; *answered* is called once, with the answer or the loss."""
        number = self._next_request
        # Now, not when it is sent: a body that is too long is an error of the caller.
        frames = encode_json(kind, number, body)
        self._next_request += 1
        self._requests[number] = request = Asked(kind, body, answered, repeated)
        if self._current:
            request.is_sent = True
            self._current.outgoing += frames
        return number

    def cancel(self, number: int | None) -> None:
        """Forget a request that waits; it is not answered any more."""
        if number is None or not self._requests.pop(number, None):
            return
        if self._current:
            self._current.outgoing += encode(Kind.CANCEL, number)

    def start(
        self,
        identity: str,
        body: Body,
        follower: Follower,
        answered: Answered,
        folder: str | None = None,
    ) -> Following:
        """Start the job *identity*, and follow it.

        If it has a *folder*, it outlives this client, and its agent.
        """
        job = Following(identity, self._next_job, follower, folder)
        return self._follow(Kind.START, job, body, answered)

    def attach(
        self, identity: str, folder: str, follower: Follower, answered: Answered
    ) -> Following:
        """Follow a job that runs already, from the end of what it printed on."""
        job = Following(identity, self._next_job, follower, folder)
        body = {"offsets": job.position.offsets, "hurry": True}
        return self._follow(Kind.ATTACH, job, body, answered)

    def _follow(
        self, kind: Kind, job: Following, body: Body, answered: Answered
    ) -> Following:
        def started(answer: Answer) -> None:
            job.is_started = not answer.failed
            job.folder = job.folder or answer.fields.optional("folder")
            if answer.failed:
                self._jobs.pop(job.number, None)
            answered(answer)

        self.request(kind, {**body, **job.place, "credit": WINDOW}, started)
        self._next_job += 1
        self._jobs[job.number] = job
        return job

    def write(self, job: Following, data: bytes) -> None:
        """Send *data* to the standard input, once and in order."""
        job.input.add(data)
        self._pump(job)

    def close_input(self, job: Following) -> None:
        """Close the standard input behind what was written."""
        job.input.close()
        self._pump(job)

    def forget(self, job: Following) -> None:
        """Let the agent forget a job; nothing is heard of it any more."""
        if self._jobs.pop(job.number, None) and job.is_started:
            self.request(Kind.FORGET, {"number": job.number}, lambda _: None)

    def abandon(self, job: Following) -> None:
        """End what may have been started all the same, and forget it."""
        kill = {"number": job.number, "sig": 9, "tree": True}
        self.request(Kind.SIGNAL, kill, lambda _: None)
        job.is_started = True  # or it would not be forgotten there
        self.forget(job)

    def tell_contact(self) -> None:
        """Tell all jobs that there is no contact, or contact again."""
        for job in list(self._jobs.values()):
            job.contact()

    def lose_all(self, reason: str) -> None:
        """Fail all requests, and lose all jobs: nobody will ever answer."""
        for request in self._requests.values():
            request.is_sent = True
        for job in self._jobs.values():
            job.folder = None
        self._lose(reason)

    def _lose(self, reason: str) -> None:
        """Fail the requests that an agent was sent, and lose the jobs that it had.

        Those that outlive it are the next one's.
        """
        lost = Answer(Fields({"class": "lost", "text": reason}), failed=True)
        waiting = {n for n, job in self._jobs.items() if job.folder and job.is_started}
        for number, request in list(self._requests.items()):
            if request.job in waiting:
                continue
            if request.is_sent and number in self._requests:
                del self._requests[number]
                request.answered(lost)
        # A START that no agent was sent yet goes to the next one.
        waiting |= {
            request.body["number"]
            for request in self._requests.values()
            if request.kind in (Kind.START, Kind.ATTACH)
        }
        for job in [each for n, each in self._jobs.items() if n not in waiting]:
            del self._jobs[job.number]
            job.lose(reason)

    @property
    def _done(self) -> int:
        """Below this number all requests are answered: the agent may forget them."""
        return next(iter(self._requests), self._next_request)

    def _greeted(self, wire: Wire, frame: Frame) -> None:
        if self._current and self._current.attempt > wire.attempt:
            return
        if frame.kind == Kind.ERROR:
            raise RefusedError(frame.json().text("text", "the agent refuses"))
        if frame.kind != Kind.WELCOME:
            raise ProtocolError(f"kind {frame.kind} before WELCOME")
        fields = frame.json()
        agent, before = fields.text("agent"), self.agent
        if self._current:
            self._current.is_over = True
        self._current, self.agent = wire, agent
        if before and not fields.flag("resumed"):
            for job in self._jobs.values():
                job.input.renew()
            self._lose(_why_lost(before == agent, fields))
        self._owner.welcomed(fields)
        self._resume(wire)

    def _resume(self, wire: Wire) -> None:
        """Say how far we have come, and ask again what was not answered."""
        gone = [n for n, each in self._requests.items() if not each.repeated]
        for number in gone:
            del self._requests[number]
        asked = list(self._requests.items())
        for job in list(self._jobs.values()):
            # What was printed is read from a new agent, too, if that can find it.
            if job.is_started and (job.folder or not job.is_over):
                self._attach(job)
        for number, request in asked:
            request.forget()
            request.is_sent = True
            wire.outgoing += encode_json(request.kind, number, request.body)
        for job in self._jobs.values():
            job.input.rewind()
            self._pump(job)

    def _attach(self, job: Following) -> None:
        job.granted = job.position.total + WINDOW
        body = {
            **job.place,
            "offsets": job.position.offsets,
            "credit": job.granted,
        }

        def attached(answer: Answer) -> None:
            if answer.failed:
                self._jobs.pop(job.number, None)
                job.lose(answer.fields.text("text", "the agent does not know it"))

        self.request(Kind.ATTACH, body, attached, repeated=False)

    def _pump(self, job: Following) -> None:
        if self._current:
            for frame in job.input.frames(job.number):
                self._current.outgoing += frame

    def _take(self, wire: Wire, frame: Frame, now: float) -> None:
        match frame.kind:
            case Kind.STARTED | Kind.REPLY | Kind.ERROR:
                self._answer(frame)
            case Kind.DATA:
                (offset,), data = frame.unpack(OFFSET)
                self._took(wire, len(data), now)
                if request := self._requests.get(frame.number):
                    request.take(offset, bytes(data))
            case Kind.PONG:
                pass
            case _:
                if frame.kind in (Kind.OUT, Kind.GAP):
                    self._took(wire, len(frame.payload) - PLACE.size, now)
                if job := self._jobs.get(frame.number):
                    self._of_job(wire, job, frame)

    def _answer(self, frame: Frame) -> None:
        fields = frame.json()
        if frame.kind == Kind.ERROR and not frame.number:
            raise RefusedError(fields.text("text", "the agent ends the connection"))
        request = self._requests.pop(frame.number, None)
        if request:
            failed = frame.kind == Kind.ERROR
            data = b"".join(request.pieces)
            request.answered(Answer(fields, failed, request.start, data))

    def _took(self, wire: Wire, size: int, now: float) -> None:
        if size and wire.credit.took(size, now):
            wire.outgoing += encode(Kind.CREDIT, 0, OFFSET.pack(wire.credit.granted))

    def _of_job(self, wire: Wire, job: Following, frame: Frame) -> None:
        match frame.kind:
            case Kind.OUT | Kind.GAP | Kind.EOF:
                (stream, offset), data = frame.unpack(PLACE)
                if stream >= STREAMS:
                    raise ProtocolError(f"stream {stream}")
                job.arrived(Kind(frame.kind), stream, offset, data)
                if grant := job.grant():
                    credit = OFFSET.pack(grant)
                    wire.outgoing += encode(Kind.CREDIT, job.number, credit)
            case Kind.TAKEN:
                (offset,), _ = frame.unpack(OFFSET)
                job.input.taken(offset)
                self._pump(job)
            case Kind.STATUS | Kind.COURSE | Kind.END:
                job.told(Kind(frame.kind), frame.json())


def _why_lost(same_agent: bool, fields: Fields) -> str:
    if same_agent:
        return "there was no contact for longer than the lease, so the agent ended it"
    return f"the agent that had it has ended; a new one has pid {fields.number('pid')}"
