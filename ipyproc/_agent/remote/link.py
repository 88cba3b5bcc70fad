"""The way to one agent: connections that come and go, and requests that wait."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from ipyproc._agent.protocol.asked import Answer, Answered
from ipyproc._agent.protocol.client import Client
from ipyproc._agent.protocol.errors import error_of
from ipyproc._agent.protocol.following import Follower, Following
from ipyproc._agent.protocol.frames import Body, Fields
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._agent.remote.contact import NO_CONTACT, Contact
from ipyproc._agent.remote.stream import Dialer, End, Stream
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.io.timers import Once, Timer
from ipyproc._jobs.shutdown import shutdown

_TICK: Final = 1.0
# Between two attempts to connect.
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
# How long an orderly end may take.
_ENDING: Final = 2.0
# How long a connection waits for its welcome.
_GREETING: Final = 10.0
# How often who waits for an answer looks whether there is contact.
_LOOK_EVERY: Final = 0.2
_LOOK_SOON: Final = 0.005


class Link:
    """What all jobs on one host share; its client belongs to the event loop's thread.

    *connect*, *call*, *start* and *close* wait, and are for other threads.
    """

    def __init__(self, name: str, dialer: Dialer, lease: float) -> None:
        self.name = name
        self._dialer = dialer
        self._loop = event_loop()
        # JSON has a number for infinity in Python only, on both sides.
        identity = secrets.token_hex(16)
        self._client = Client(identity, {"lease": lease}, self)
        self._ends: list[End] = []
        # Of connections that were closed: what is left of them.
        self._going: list[Once] = []
        self._is_dialing = False
        self._pause = _FIRST_PAUSE
        # The next attempt to connect; or, once closed, the end of the patience.
        self._redial: Timer | None = None
        self._ticker: Timer | None = None
        self._waiting: list[Callable[[OSError | None], None]] = []
        self._ended = Once()
        self._pid = os.getpid()
        self.is_closed = False
        #: What the agent told of itself.
        self.welcome = Fields({})
        self._contact = Contact()

    @property
    def silence(self) -> float:
        """For how many seconds nothing was heard, if that is longer than it should."""
        return self._contact.silence

    def connect(self) -> None:
        """Wait until there is a connection; ``OSError`` says why there is none."""
        self._check_usable()
        if self._client.current:
            return
        done = Once()
        errors: list[OSError | None] = []

        def tell(error: OSError | None) -> None:
            errors.append(error)
            done.set()

        self._loop.call_soon(partial(self._await, tell))
        while not done.wait(_LOOK_EVERY):
            self._check_contact()
        if errors[0]:
            raise errors[0]

    def call(self, kind: Kind, body: Body) -> Answer:
        """Ask the agent, and return its answer, or raise the error that it sends.

        ``TimeoutError`` if there is no contact, ``ConnectionError`` if the host was
        closed.
        """
        self._check_usable()
        return self._wait(partial(self._client.request, kind, body))

    def ask(self, kind: Kind, body: Body, answered: Callable[[Answer], None]) -> None:
        """Ask the agent, and do not wait. From any thread."""
        with suppress(RuntimeError):  # the event loop has ended
            self.post(lambda: self._client.request(kind, body, answered))

    def start(
        self, identity: str, body: Body, follower: Follower, folder: str | None = None
    ) -> tuple[Following, Answer]:
        """Start a job, and return it with the answer."""
        # An interrupt: what is started all the same is ended, and forgotten.
        return self._follow(
            lambda told: self._client.start(identity, body, follower, told, folder),
            self._client.abandon,
        )

    def attach(
        self, identity: str, folder: str, follower: Follower
    ) -> tuple[Following, Answer]:
        """Follow a job that outlives its clients, and return it with the answer."""
        return self._follow(
            lambda told: self._client.attach(identity, folder, follower, told),
            self._client.forget,
        )

    def _follow(
        self, begin: Callable[[Answered], Following], undo: Callable[[Following], None]
    ) -> tuple[Following, Answer]:
        self.connect()
        jobs: list[Following] = []
        try:
            answer = self._wait(lambda told: jobs.append(begin(told)))
        except BaseException:
            self.post(lambda: [*map(undo, jobs)])
            raise
        return jobs[0], answer

    def hand_over(self, job: Following) -> None:
        """Wait until the agent has all the input of a job: we may end then."""
        while job.input.waiting and not job.is_over:
            self._check_contact()
            time.sleep(_LOOK_SOON)

    def reach(self, tell: Callable[[OSError | None], None]) -> None:
        """Call *tell* once there is a connection, or with why there is none.

        On the event loop's thread.
        """
        shutdown.before_end(self.close)
        self._await(tell)

    def start_now(
        self, identity: str, body: Body, follower: Follower, answered: Answered
    ) -> Following:
        """Start a job, and do not wait; on the event loop's thread."""
        job = self._client.start(identity, body, follower, answered)
        self._flush()
        return job

    def post(self, change: Callable[[], object]) -> None:
        """Call *change*, which asks the client for something, on the loop's thread."""

        def do() -> None:
            change()
            self._ensure()
            self._flush()

        self._loop.call_soon(do)

    def write(self, job: Following, data: bytes) -> None:
        """Write to the standard input of a job."""
        self.post(lambda: self._client.write(job, data))

    def close_input(self, job: Following) -> None:
        """Close the standard input of a job."""
        self.post(lambda: self._client.close_input(job))

    def forget(self, job: Following) -> None:
        """Let the agent forget what a job printed. From the garbage collector, too."""
        if self._pid == os.getpid() and self._loop.is_open and not self.is_closed:
            with suppress(RuntimeError):
                self._loop.call_soon(partial(self._forget, job))

    def leave(self) -> bool:
        """Begin to end it in order; whether it was open. From any thread."""
        if self.is_closed or self._pid != os.getpid():
            return False
        self.is_closed = True
        if self._loop.is_open:
            self._loop.call_soon(self._bye)
        return self._loop.is_open

    def close(self) -> None:
        """End the connection in order, and with it the jobs that run."""
        if self.leave():
            self._ended.wait(2 * _ENDING)
            # Or who ends now would leave commands behind that nobody has waited for.
            for gone in list(self._going):
                gone.wait(_ENDING)

    def welcomed(self, fields: Fields) -> None:
        """The agent has taken us."""
        self.welcome = fields
        self._pause = _FIRST_PAUSE
        self._contact.heard()
        self._tell_contact()
        self._tell(None)

    @property
    def is_needed(self) -> bool:
        """Whether a job is followed that has not ended, or a request waits."""
        return not self._client.is_idle

    @property
    def is_unused(self) -> bool:
        """Whether nothing here refers to a job of its any more."""
        return self._client.is_unused and not self._waiting

    def _wait(self, begin: Callable[[Answered], int | None]) -> Answer:
        done = Once()
        answers: list[Answer] = []

        def answered(answer: Answer) -> None:
            answers.append(answer)
            done.set()

        begun: list[int | None] = []
        self.post(lambda: begun.append(begin(answered)))
        try:
            while not done.wait(_LOOK_EVERY):
                self._check_contact()
        except BaseException:
            self.post(lambda: [*map(self._client.cancel, begun)])
            raise
        if answers[0].failed:
            raise error_of(answers[0].fields)
        return answers[0]

    def _check_usable(self) -> None:
        if self._loop.is_current:
            raise RuntimeError("a callback of a job cannot wait for another machine")
        if self._pid != os.getpid():
            raise ConnectionError(f"the connection to {self.name} is another process's")
        if self.is_closed:
            raise ConnectionError(f"the connection to {self.name} is closed")
        self._loop.check_open()
        shutdown.before_end(self.close)

    def _check_contact(self) -> None:
        self._loop.check_open()
        if self.is_closed:
            raise ConnectionError(f"the connection to {self.name} is closed")
        if silent := self.silence:
            raise TimeoutError(f"no contact with {self.name} for {silent:.0f} s")

    # From here on, on the event loop's thread.

    def request(
        self, kind: Kind, body: Body, answered: Callable[[Answer], None]
    ) -> int:
        """Ask the agent."""
        return self._client.request(kind, body, answered)

    def cancel(self, number: int) -> None:
        """Drop a request that waits."""
        self._client.cancel(number)

    def _await(self, tell: Callable[[OSError | None], None]) -> None:
        if self._client.current:
            tell(None)
            return
        self._waiting.append(tell)
        self._ensure()

    def _tell(self, error: OSError | None) -> None:
        waiting, self._waiting = self._waiting, []
        for tell in waiting:
            tell(error)

    def _ensure(self) -> None:
        """See to it that there is a connection, or that one is being made."""
        if self._client.current or self._is_dialing or self.is_closed or self._ends:
            return
        if self._redial:
            self._redial.cancel()
            self._redial = None
        else:  # it broke while nobody needed it, and nobody has tried since
            self._contact.heard()
        self._dial()

    def _dial(self) -> None:
        self._is_dialing = True
        if self._ticker is None:
            self._tick()
        self._dialer.dial(self._opened, self._failed)

    def _opened(self, stream: Stream) -> None:
        self._is_dialing = False
        if self.is_closed:
            stream.close()
            return
        if self._client.current is None:
            self._contact.none_for(0.0)
        end = End(self._loop, self._client, stream, self._heard, self._closed)
        self._ends.append(end)
        end.begin()

    def _failed(self, error: OSError) -> None:
        self._is_dialing = False
        self._tell(error)
        self._dial_later()

    def _closed(self, end: End, reason: str) -> None:
        self._ends = [each for each in self._ends if each is not end]
        self._going = [each for each in self._going if not each.happened] + [end.gone]
        if self.is_closed:
            if not self._ends:
                self._finish()
            return
        if self._client.current is None:
            self._contact.none_for(0.0)
            self._dial_later()

    def _heard(self) -> None:
        self._contact.heard()
        self._tell_contact()
        for end in [each for each in self._ends if each.wire.is_over]:
            end.close("a newer one is there")

    def _tell_contact(self) -> None:
        """Tell the jobs each second that there is no contact, and when there is."""
        if self._contact.is_news():
            self._client.tell_contact()

    def _dial_later(self) -> None:
        """Try again, as long as a job or a request waits for it."""
        idle = self._client.is_idle and not self._waiting
        if self.is_closed or self._is_dialing or idle or self._redial:
            return
        self._redial = self._loop.call_later(self._pause, self._try_again)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _try_again(self) -> None:
        self._redial = None
        if not self.is_closed and not self._is_dialing and not self._is_greeting():
            self._dial()

    def _is_greeting(self) -> bool:
        """Whether a connection waits for its welcome; one that has for long ends."""
        waiting = [end for end in self._ends if end.wire is not self._client.current]
        for end in waiting:
            if time.monotonic() - end.opened_at > _GREETING:
                end.close("the agent does not answer")
        return any(end in self._ends for end in waiting)

    def _tick(self) -> None:
        """Say that we live, and look whether the agent does."""
        self._ticker = None
        silent = self._client.tick(time.monotonic())
        if silent > NO_CONTACT:
            self._contact.none_for(silent)
            # The one that is silent stays until a new one is there.
            self._dial_later()
        self._is_greeting()
        self._tell_contact()
        self._flush()
        if not self.is_closed and (self._ends or self._is_dialing or self._redial):
            self._ticker = self._loop.call_later(_TICK, self._tick)

    def _flush(self) -> None:
        for end in list(self._ends):
            end.flush()

    def _forget(self, job: Following) -> None:
        self._client.forget(job)
        self._flush()

    def _bye(self) -> None:
        for timer in (self._redial, self._ticker):
            if timer:
                timer.cancel()
        self._client.bye()
        self._flush()
        self._tell(ConnectionError(f"the connection to {self.name} is closed"))
        self._client.lose_all("the connection to its host was closed")
        for end in list(self._ends):
            end.end_output()
        if not self._ends:
            self._finish()
            return
        self._redial = self._loop.call_later(_ENDING, self._close_all)

    def _close_all(self) -> None:
        for end in list(self._ends):
            end.close("it took too long")

    def _finish(self) -> None:
        if self._redial:
            self._redial.cancel()
        shutdown.no_more(self.close)
        self._ended.set()
