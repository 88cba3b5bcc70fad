"""A job that is queued in a cluster, and then runs on the machine of a worker."""

from __future__ import annotations

import re
import secrets
import signal as signals
import time
from collections.abc import Callable
from errno import E2BIG
from typing import Final, Protocol

from ipyproc._agent.protocol.asked import Answer
from ipyproc._agent.protocol.errors import error_of
from ipyproc._agent.protocol.following import Following
from ipyproc._agent.protocol.frames import Fields, encode_json
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._agent.remote.link import Link
from ipyproc._agent.remote.runner import RemoteRunner
from ipyproc._jobs.output.find import compiled
from ipyproc._jobs.procinfo.ports import Ports, checked_port
from ipyproc._jobs.procinfo.usage import Usage
from ipyproc._jobs.request import Host, Request
from ipyproc._jobs.runner import Check, JobStatus, no_input
from ipyproc.errors import (
    JobLostError,
    PathError,
    ProcessNotInitializedError,
)
from ipyproc.hosts._dask.later import Later

# Those that end a program that does nothing about them, and so what is queued.
_ENDING: Final = frozenset(
    {
        signals.SIGHUP,
        signals.SIGINT,
        signals.SIGQUIT,
        signals.SIGKILL,
        signals.SIGTERM,
    }
)
_CANCELLED: Final = "it was cancelled while it was queued"


class Queue(Protocol):
    """What finds a place for a job."""

    def enter(self, runner: DaskRunner) -> None:
        """Queue a job. In the caller's thread; ``OSError`` if that is not possible."""

    # On the event loop's thread:

    def begun(self, runner: DaskRunner) -> None:
        """Its process has started."""

    def over(self, runner: DaskRunner) -> None:
        """It needs no place any more, whether or not it was started."""


class DaskRunner(RemoteRunner):
    """Waits for a place, and starts a process there, at most once.

    What other threads ask of it while it is queued, the event loop's thread does.
    """

    def __init__(self, request: Request, host: Host, queue: Queue) -> None:
        super().__init__(request, host, None)
        #: The job, for the cluster and for the agent.
        self.identity = secrets.token_hex(16)
        #: What it is called.
        self.name = request.name
        self.is_queued = True
        #: Whether a place was taken.
        self.is_placed = False
        # Whether the process is to be ended as soon as it is there.
        self._is_doomed = False
        self._queue = queue
        # What was sent before there is a process, and whether that is all.
        self._early: list[bytes] = []
        self._ends_early = False

    def check(self) -> None:
        """Nothing can be known before there is a place."""

    def start(self, changed: Callable[[], None]) -> None:
        """Enter the queue."""
        if (data := self._input()) is not None:
            self._early, self._ends_early = [data], True
        try:
            encode_json(Kind.START, 0, self._body)
        except ValueError:
            raise PathError("fork/exec", self._request.argv[0], E2BIG) from None
        self._open(changed)
        self.input_open = self.input_open and not self._ends_early
        try:
            self._queue.enter(self)
        except BaseException:
            self._loop.depart(self._dependence)
            raise

    @property
    def ran(self) -> float:
        """For how many seconds the process has been running, or ran."""
        return (self.ended_at or time.time()) - self._started_at

    @property
    def status(self) -> JobStatus:
        """What it does."""
        return JobStatus.QUEUED if self.is_queued else super().status

    def take(self, host: Host, link: Link, failed: Callable[[OSError], None]) -> None:
        """Start the process on *host*, by way of *link*.

        *failed* is called if there is no connection: then nothing was started.
        """
        self.is_placed = True

        def reached(error: OSError | None) -> None:
            if self._is_doomed:
                error = JobLostError(_CANCELLED)
            if error is None:
                job = link.start_now(
                    self.identity, self._body, self, lambda answer: begun(job, answer)
                )
                return
            self.is_placed = False
            failed(error)

        def begun(job: Following, answer: Answer) -> None:
            if answer.failed:
                self.fail(error_of(answer.fields))
                return
            self.host = host
            self._has_begun(link, job, answer)

        link.reach(reached)

    def _has_begun(self, link: Link, job: Following, answer: Answer) -> None:
        self._clock()
        self._source.reach(link)
        self._begun(job, answer, None)
        for data in self._early:
            link.write(job, data)
        if self._ends_early:
            link.close_input(job)
        self.is_queued = False
        if self._is_doomed:
            self._kill()
        self._queue.begun(self)
        self._changed()

    def fail(self, error: Exception) -> None:
        """End it before its start."""
        if self.is_queued:
            self.is_queued = False
            self._lose(error if isinstance(error, OSError) else OSError(str(error)))

    def ended(self, fields: Fields) -> None:
        """Take over how it ended; its place is free."""
        super().ended(fields)
        self._queue.over(self)

    def complete(self) -> None:
        """Note that nothing more comes."""
        super().complete()
        self._queue.over(self)

    def write(self, data: bytes) -> None:
        """Write *data* to the standard input, or keep it until there is one."""
        if not self.is_queued:
            super().write(data)
            return
        if not self.input_open:
            is_pipe = self._request.stdin is not None
            raise no_input(is_pipe=is_pipe, has_ended=False)
        # In turn: it may begin at this moment.
        self._loop.call_soon(lambda: self._write_in_turn(data))

    def _write_in_turn(self, data: bytes) -> None:
        if self.is_queued:
            self._early.append(data)
        elif job := self._source.job:
            self._source.link.write(job, data)

    def close_input(self) -> None:
        """Close the standard input, once all is written."""
        if not self.is_queued:
            super().close_input()
        elif self.input_open:
            self.input_open = False
            self._loop.call_soon(self._close_in_turn)

    def _close_in_turn(self) -> None:
        if self.is_queued:
            self._ends_early = True
        elif job := self._source.job:
            self._source.link.close_input(job)

    def signal(self, sig: int, tree: bool | None) -> int:
        """Send *sig*; while it is queued, one that ends programs cancels it."""
        if not self.is_queued:
            return super().signal(sig, tree)
        if sig not in _ENDING:
            raise ProcessNotInitializedError
        self._loop.call_soon(self._cancel)
        return 0

    def end(self, grace: float) -> int:
        """Let the agent end it, or cancel it."""
        return (
            self.signal(signals.SIGTERM, None) if self.is_queued else super().end(grace)
        )

    def _cancel(self) -> None:
        if self.is_queued and not self.is_placed:
            self.fail(JobLostError(_CANCELLED))
        elif self.is_queued:
            self._is_doomed = True
        elif self.ended_at is None:
            self._kill()

    def _kill(self) -> None:
        number = self._source.number()
        kill = {"number": number, "sig": int(signals.SIGKILL), "tree": True}
        self._source.link.ask(Kind.SIGNAL, kill, lambda _: None)

    def usage(self) -> Usage | None:
        """Measure what it uses there; ``None`` while it is queued."""
        return None if self._source.job is None else super().usage()

    def ports(self) -> Ports:
        """Look at the ports there."""
        if self._source.job is None:
            return Ports(frozenset(), frozenset())
        return super().ports()

    def printed(self, pattern: str | re.Pattern[str]) -> Check[re.Match[str]]:
        """Make what lets the agent look for *pattern*."""
        expression = compiled(pattern)  # now: what is wrong with it is an error
        return Later(self._has_process, lambda: self._printed(expression))

    def listening(self, port: int | None) -> Check[int]:
        """Make what lets the agent look at ports."""
        if port is not None:
            checked_port(port)
        return Later(self._has_process, lambda: self._listening(port))

    def _has_process(self) -> bool:
        return self._source.job is not None
