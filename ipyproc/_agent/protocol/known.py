"""What an agent remembers of a client, whichever of its connections is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ipyproc._agent.protocol.attachment import Attachment, Cancel, Found, Hosted
from ipyproc._agent.protocol.frames import Body, encode_json
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._agent.protocol.silence import Silence

#: How long jobs run on without a client, if that does not say otherwise; in seconds.
LEASE: Final = 600.0


class Known:
    """A client: its jobs, and what it was answered.

    *say* sends to its present connection, if there is one.
    """

    def __init__(self, identity: str, now: float) -> None:
        self.identity = identity
        self.lease = LEASE
        #: Whether it asks for a keyboard before it writes; who does not has it at once.
        self.takes_turns = False
        #: The greatest number of a connection that was seen.
        self.attempt = 0
        self.say: Callable[[bytes], None] | None = None
        #: Ends the present connection, without ending anything else.
        self.drop: Callable[[], None] | None = None
        self.silence = Silence(now)
        #: The jobs that it started, and that end with it.
        self.owned: dict[str, Hosted] = {}
        self.attachments: dict[int, Attachment] = {}
        #: The same, by the identities of the jobs.
        self.by_job: dict[str, Attachment] = {}
        self._answers: dict[int, bytes] = {}
        self._watches: dict[int, Cancel] = {}

    def attach(self, attachment: Attachment) -> None:
        """Let the client follow a job, from where it says that it is."""
        attachment.hosted.keyboard.rejoin(self.identity)
        attachment.client, attachment.takes_turns = self.identity, self.takes_turns
        self.attachments[attachment.number] = attachment
        self.by_job[attachment.hosted.identity] = attachment

    def reconnect(self) -> None:
        """Take a new connection: of each job the client says first how far it is."""
        self._drop()
        for attachment in self.attachments.values():
            attachment.is_live = False

    def answered(self, request: int) -> bool:
        """Say once more what was answered before; whether it was."""
        answer = self._answers.get(request)
        if answer is not None:
            self._say(answer)
        return answer is not None

    def answer(
        self, request: int, kind: Kind, body: Body, remember: bool = False
    ) -> None:
        """Answer a request, and *remember* it for one that comes again."""
        frames = encode_json(kind, request, body)
        if remember:
            self._answers[request] = frames
        self._say(frames)

    def forget_answers(self, below: int) -> None:
        """Forget what the client has heard: all before this number."""
        for request in [n for n in self._answers if n < below]:
            del self._answers[request]

    def watch(self, request: int, begin: Callable[[Found], Cancel]) -> None:
        """Begin what is answered later, if it was not begun before."""
        if request in self._watches:
            return

        def found(body: Body) -> None:
            if self._watches.pop(request, None):
                self.answer(request, Kind.REPLY, body)

        # Before it begins: it may find at once what it looks for.
        self._watches[request] = lambda: None
        cancel = begin(found)
        if request in self._watches:
            self._watches[request] = cancel

    def cancel(self, request: int) -> None:
        """Drop a request that waits."""
        if cancel := self._watches.pop(request, None):
            cancel()

    def forget(self, number: int) -> Hosted | None:
        """Forget a job; return it if the client was its owner."""
        attachment = self.attachments.pop(number, None)
        if attachment is None:
            return None
        attachment.is_live = False
        attachment.hosted.keyboard.leave(self.identity)
        self.by_job.pop(attachment.hosted.identity, None)
        return self.owned.pop(attachment.hosted.identity, None)

    def leave(self) -> list[Hosted]:
        """End all that concerns the client; return the jobs that are to end."""
        for request in list(self._watches):
            self.cancel(request)
        self._drop()
        for attachment in self.by_job.values():
            attachment.hosted.keyboard.leave(self.identity)
        self.attachments.clear()
        self.by_job.clear()
        owned, self.owned = self.owned, {}
        return list(owned.values())

    def disconnected(self) -> None:
        """Note that the present connection is none any more."""
        self.say = self.drop = None

    def _drop(self) -> None:
        if self.drop:
            self.drop()
        self.disconnected()

    def _say(self, frames: bytes) -> None:
        if self.say:
            self.say(frames)
