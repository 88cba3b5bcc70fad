"""One connection of a client, the agent's end of it: bytes in, bytes out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from ipyproc._agent.protocol.attachment import OF_ONE, Attachment, Hosted, Reading
from ipyproc._agent.protocol.errors import body_of
from ipyproc._agent.protocol.flow import MOST_SESSION, WINDOW, Position
from ipyproc._agent.protocol.frames import (
    JSON_MOST,
    Body,
    Decoder,
    Fields,
    Frame,
    ProtocolError,
    encode,
    encode_json,
)
from ipyproc._agent.protocol.kinds import OFFSET, STREAMS, Kind
from ipyproc._agent.protocol.known import Known

# More than this in answers that nobody takes, and no more is read.
_CHOKED: Final = 1 << 20
# The most that one READ gets.
_MOST_READ: Final = 1 << 20
# What changes something is done once, so its answer is kept.
_ONCE: Final = {Kind.SIGNAL, Kind.TERMINATE, Kind.INTERRUPT, Kind.TYPE_END}
_OF_A_JOB: Final = _ONCE | {
    Kind.HISTORY,
    Kind.USAGE,
    Kind.PORTS,
    Kind.LEFT,
    Kind.PROMPT,
    Kind.RESIZE,
    Kind.TIMES,
    Kind.TAKE,
}
_LATER: Final = {Kind.UNTIL, Kind.LISTENING, Kind.FIND}
#: What an agent may be asked that those of an earlier version of ours did not know.
LATER_KINDS: Final = (
    Kind.FIND,
    Kind.TIMES,
    Kind.LISTED,
    Kind.SEEN,
    Kind.REMOVE,
    Kind.TAKE,
    Kind.HAND,
)
_FORGOTTEN: Final = "the agent does not know the job any more"


class Owner(Protocol):
    """What a session needs of its agent."""

    def greet(self, session: Session, hello: Fields, now: float) -> Known:
        """Find or make what is known of a client; ``ProtocolError`` to refuse it."""

    def find(self, identity: str) -> Hosted | None:
        """Find a job."""

    def start(self, session: Session, identity: str, fields: Fields) -> Hosted:
        """Start a job; ``OSError``, ``ValueError`` or ``TypeError`` if that fails."""

    def adopt(self, folder: str) -> Hosted | None:
        """Find a detached job that runs, by its folder."""

    def check(self, session: Session, fields: Fields) -> None:
        """Raise what ``start`` would, as far as that can be known."""

    def holder(self, port: int) -> str:
        """Say who listens on *port*."""

    def listed(self, session: Session, start: int) -> Body:
        """List the detached jobs of the user there, from a number on."""

    def settle(self, kind: Kind, folder: str) -> None:
        """Note that the end of a detached job was seen, or remove what is kept."""

    def forget(self, hosted: Hosted) -> None:
        """Forget a job."""

    def news(self, hosted: Hosted) -> None:
        """Tell all clients what has changed of a job."""

    def leave(self, known: Known) -> None:
        """A client has left in order: end its jobs."""


class Session:
    """What one connection says, in which order.

    Answers and changes go before output; output of all jobs takes turns.
    """

    def __init__(self, owner: Owner, now: float) -> None:
        self._owner = owner
        self._decoder = Decoder()
        self._now = now
        self.known: Known | None = None
        #: What the relay told of its side.
        self.side = Fields({})
        self.is_relayed = False
        #: The word for the open files that came, from who is no client.
        self.handed = ""
        #: Whether the connection is to be closed, once all was sent.
        self.is_over = False
        #: Wakes who sends.
        self.wake: Callable[[], None] = lambda: None
        self._answers: deque[bytes] = deque()
        self._in_answers = 0
        self._changed: dict[int, Attachment] = {}
        self._turns: deque[Attachment | Reading] = deque()
        self._waiting: set[int] = set()
        self._sent = 0
        self._credit = 0

    @property
    def is_choked(self) -> bool:
        """Whether nothing more is to be read, until answers were taken."""
        return self._in_answers > _CHOKED

    def received(self, data: bytes | memoryview, now: float) -> None:
        """Take in what arrived; ``is_over`` if that was nonsense."""
        self._now = now
        if self.known:
            self.known.silence.heard(now)
        try:
            for frame in self._decoder.feed(data):
                if self.is_over:
                    return
                self._take(frame)
        except ProtocolError as error:
            self._refuse(str(error))

    def ended(self, orderly: bool) -> None:
        """Note the end of the connection; an orderly one ends jobs, too."""
        known = self._leave()
        if known and orderly:
            self._owner.leave(known)

    def news(self, attachment: Attachment) -> None:
        """Something happened to a job, or it printed."""
        if attachment.is_live:
            self._changed[attachment.number] = attachment
            self._queue(attachment)
            self.wake()

    def look_at_courses(self) -> None:
        """Note the jobs of which the client has not heard what they used since."""
        for attachment in self.known.attachments.values() if self.known else ():
            if attachment.is_live and attachment.course_is_old:
                self.say(b"".join(attachment.used()))

    def pull(self, room: int, now: float) -> bytes:
        """Return what is to be sent next: some *room* bytes, empty if there is none."""
        self._now = now
        parts: list[bytes] = []
        size = 0
        while size < room and (part := self._next_control() or self._next_output()):
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    def _next_control(self) -> bytes:
        if self._answers:
            answer = self._answers.popleft()
            self._in_answers -= len(answer)
            return answer
        while self._changed:
            _, attachment = self._changed.popitem()
            if events := b"".join(attachment.events()):
                return events
        return b""

    def _next_output(self) -> bytes:
        while self._turns and self._sent < self._credit:
            each = self._turns.popleft()
            if isinstance(each, Reading):
                frame, size = each.output()
                goes_on = not each.is_over
            else:
                frame, size = each.output(self._now)
                goes_on = bool(frame)
                self._waiting.discard(each.number)
            if goes_on and isinstance(each, Attachment):
                self._queue(each)
            elif goes_on:
                self._turns.append(each)
            self._sent += size
            if frame:
                return frame
        return b""

    def _queue(self, attachment: Attachment) -> None:
        if attachment.is_live and attachment.number not in self._waiting:
            self._waiting.add(attachment.number)
            self._turns.append(attachment)

    def say(self, frames: bytes) -> None:
        self._answers.append(frames)
        self._in_answers += len(frames)
        self.wake()

    def _refuse(self, text: str) -> None:
        """End the connection, and say why; that is no orderly end."""
        self.say(encode_json(Kind.ERROR, 0, {"class": "protocol", "text": text}))
        self._leave()

    def _leave(self) -> Known | None:
        """Speak for the client no more; return it."""
        self.is_over = True
        known, self.known = self.known, None
        if known:
            known.disconnected()
        return known

    def _drop(self) -> None:
        """A newer connection of the client has come."""
        self.known, self.is_over = None, True
        self.wake()

    def _take(self, frame: Frame) -> None:
        known = self.known
        if known is None:
            self._take_first(frame)
        elif frame.kind in (Kind.INPUT, Kind.CLOSE, Kind.CREDIT):
            self._take_data(known, frame)
        elif frame.kind == Kind.PING:
            known.forget_answers(frame.json().number("done", 0))
            self.say(encode(Kind.PONG, 0))
        elif frame.kind == Kind.CANCEL:
            known.cancel(frame.number)
        elif frame.kind == Kind.BYE:
            self.ended(orderly=True)
        elif not known.answered(frame.number):
            self._take_request(known, frame)

    def _take_first(self, frame: Frame) -> None:
        if frame.kind == Kind.RELAY:
            self.side, self.is_relayed = frame.json(), True
        elif frame.kind == Kind.HELLO:
            hello = frame.json()
            self._credit = hello.number("credit")
            if self._credit > MOST_SESSION:
                raise ProtocolError("credit: too much")
            self.known = self._owner.greet(self, hello, self._now)
            self.known.say, self.known.drop = self.say, self._drop
        elif frame.kind == Kind.HAND:
            self.handed = frame.json().text("word")
            self.say(encode_json(Kind.REPLY, frame.number, {}))
        else:
            raise ProtocolError(f"kind {frame.kind} before HELLO")

    def _take_data(self, known: Known, frame: Frame) -> None:
        (offset,), data = frame.unpack(OFFSET)
        if frame.kind == Kind.CREDIT and not frame.number:
            if offset > self._sent + MOST_SESSION:
                raise ProtocolError("credit: too much")
            self._credit = max(self._credit, offset)
            self.wake()
            return
        attachment = known.attachments.get(frame.number)
        if attachment is None:  # it was forgotten while this was under way
            return
        if frame.kind == Kind.CREDIT:
            attachment.allow(offset)
            self._queue(attachment)
            self.wake()
            return
        attachment.input(Kind(frame.kind), offset, data)
        self._owner.news(attachment.hosted)

    def _take_request(self, known: Known, frame: Frame) -> None:
        """Answer a request, now or later; what fails is answered with ERROR."""
        kind, fields = frame.kind, frame.json()
        # A START that comes again finds its job; one that failed fails again.
        once = kind in _ONCE
        try:
            answer = self._do(known, frame.number, kind, fields)
        except ProtocolError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, we serve others
            body = body_of(error)
            failed_once = once or kind == Kind.START
            known.answer(frame.number, Kind.ERROR, body, remember=failed_once)
            return
        if answer is not None:
            reply = Kind.STARTED if kind == Kind.START else Kind.REPLY
            known.answer(frame.number, reply, answer, remember=once)

    def _do(
        self, known: Known, request: int, kind: int, fields: Fields
    ) -> dict[str, object] | None:
        match kind:
            case Kind.START:
                return self._start(known, fields)
            case Kind.CHECK:
                self._owner.check(self, fields)
                return {}
            case Kind.ATTACH:
                hosted = self._owner.find(fields.text("job"))
                folder = fields.optional("folder")
                if hosted is None and folder:
                    hosted = self._owner.adopt(folder)
                if hosted is None:
                    raise LookupFailedError(_FORGOTTEN)
                attachment = self._attach(known, hosted, fields)
                facts = hosted.ask(Kind.START, fields)
                return {**facts, "keyboard": attachment.has_keyboard}
            case Kind.HOLDER:
                port = fields.number("port", most=1 << 16)
                return {"holder": self._owner.holder(port)}
            case Kind.LISTED:
                return dict(self._owner.listed(self, fields.number("from", 0)))
            case Kind.SEEN | Kind.REMOVE:
                self._owner.settle(Kind(kind), fields.text("folder"))
                return {}
            case Kind.FORGET:
                followed = known.attachments.get(fields.number("number"))
                if hosted := known.forget(fields.number("number")):
                    self._owner.forget(hosted)
                elif followed is not None:  # and its keyboard is free
                    self._owner.news(followed.hosted)
                return {}
            case _:
                return self._ask(known, request, kind, fields)

    def _ask(
        self, known: Known, request: int, kind: int, fields: Fields
    ) -> dict[str, object] | None:
        if kind not in _OF_A_JOB | _LATER | {Kind.READ}:
            raise LookupFailedError(f"kind {kind} is not known here")
        attachment = known.attachments.get(fields.number("number"))
        if attachment is None:
            raise LookupFailedError(_FORGOTTEN)
        hosted, asked = attachment.hosted, Kind(kind)
        if asked == Kind.READ:
            self._read(request, hosted, fields)
            return None
        if asked in _LATER:
            known.watch(request, lambda found: hosted.watch(asked, fields, found))
            return None
        if asked in OF_ONE:
            answer = attachment.use(asked, fields)
            self._owner.news(hosted)
            # Before the answer: a client that has that knows whose the keyboard is.
            self.say(b"".join(attachment.events()))
            return dict(answer)
        return dict(hosted.ask(asked, fields))

    def _start(self, known: Known, fields: Fields) -> dict[str, object]:
        identity = fields.text("job")
        hosted = self._owner.find(identity)
        if hosted is None:
            hosted = self._owner.start(self, identity, fields)
            hosted.keyboard.take(known.identity)
            if not hosted.is_kept:
                known.owned[identity] = hosted
        self._attach(known, hosted, Fields({**fields.body, "offsets": [0, 0]}))
        return dict(hosted.ask(Kind.START, fields))

    def _attach(self, known: Known, hosted: Hosted, fields: Fields) -> Attachment:
        number = fields.number("number", most=1 << 32)
        position = Position(fields.numbers("offsets", STREAMS))
        if not number or not Position(list(hosted.totals)).reached(position.offsets):
            raise ProtocolError("ATTACH: no such place")
        credit = fields.number("credit", position.total + WINDOW)
        attachment = Attachment(hosted, number, position, credit)
        if fields.flag("hurry"):
            attachment.hurry()
        known.attach(attachment)
        self._turns = deque(
            each
            for each in self._turns
            if isinstance(each, Reading) or each.number != number
        )
        self._waiting.discard(number)
        self.news(attachment)
        return attachment

    def _read(self, request: int, hosted: Hosted, fields: Fields) -> None:
        stream = fields.number("stream", most=STREAMS)
        offset = fields.number("offset", most=1 << 63)
        size = fields.number("size", most=_MOST_READ + 1)
        self._turns.append(Reading(request, hosted, stream, offset, size))
        self.wake()


class LookupFailedError(OSError):
    """The agent does not know what was asked for."""


assert JSON_MOST <= _CHOKED
