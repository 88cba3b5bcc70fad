"""Running a job's process on another machine, by the agent there."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from errno import E2BIG
from functools import partial
from typing import Final, TypeVar

from ipyproc._agent import facts
from ipyproc._agent.protocol.asked import Answer
from ipyproc._agent.protocol.errors import error_of
from ipyproc._agent.protocol.flow import WINDOW, Position
from ipyproc._agent.protocol.following import Following
from ipyproc._agent.protocol.frames import Body, Fields
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._agent.remote.capture import FarCapture, Keeper, told
from ipyproc._agent.remote.keyboard import FarKeyboard
from ipyproc._agent.remote.link import Link
from ipyproc._agent.remote.output import FarOutput
from ipyproc._agent.remote.ready import FarCheck, match_of
from ipyproc._agent.remote.source import Source
from ipyproc._agent.remote.terminal import FarTerminal
from ipyproc._agent.requests import body_of, input_of
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.output.find import compiled
from ipyproc._jobs.output.interleaved import Interleaved, Output
from ipyproc._jobs.output.search import not_printed
from ipyproc._jobs.procinfo.course import Course
from ipyproc._jobs.procinfo.ports import Ports, checked_port, not_listening
from ipyproc._jobs.procinfo.usage import Usage
from ipyproc._jobs.request import Host, Request
from ipyproc._jobs.runner import (
    Check,
    JobStatus,
    loop_failure,
    no_input,
    status_at_end,
)
from ipyproc.errors import JobLostError, NoHandleError, PathError, ProcessDoneError
from ipyproc.process import Process
from ipyproc.state import ProcessState

_Found = TypeVar("_Found")
# How old a measurement may be before another one is asked for.
_FRESH: Final = 1.0


class RemoteRunner:
    """What this session knows of a process that an agent started, owns and reaps.

    The event loop's thread hears of it; other threads ask, and wait for the answers.
    """

    def __init__(self, request: Request, host: Host, link: Link | None) -> None:
        """Check what makes sense here only; ``TypeError`` names it.

        Without a *link* it begins later, by way of the one that ``_begun`` is given.
        """
        self._request = request
        self._body = self._describe(request)
        self._source = Source(link)
        self.keyboard = FarKeyboard(self._source)
        self.host = host
        self.id: str | None = None
        self.ender = ""
        self.dir = request.dir
        self.pid = 0
        # Twice the window: the beginning stays, and so does the newest.
        self.output = Output(2 * WINDOW, 2 * WINDOW, request.encoding)
        windows, keeper = (self.output.stdout, self.output.stderr), self._keeper()
        self._captures = [
            FarCapture(window, stream, request.output_limit, keeper)
            for stream, window in enumerate(windows)
        ]
        self.whole: Interleaved = FarOutput(self.output, self._captures, keeper)
        self.course = Course()
        self.state: ProcessState | None = None
        self.error: OSError | None = None
        self.ended_at: float | None = None
        self.finished = False
        self.timed_out = False
        self.terminal: FarTerminal | None = None
        if request.pty is not None:
            self.terminal = FarTerminal(self._source, request.pty, self)
        self.ends_in_time = True
        self.is_queued = False
        self.input_open = False
        self._loop = event_loop()
        self._changed: Callable[[], None] = lambda: None
        self._status = JobStatus.RUNNING
        self._started_at = 0.0
        self._folder: str | None = None
        self._dependence: object = None
        self._usage: Usage | None = None
        self._measured = 0.0

    def check(self) -> None:
        """Raise what can be known there before a start."""
        self._link.connect()
        self._link.call(Kind.CHECK, self._body)

    def again(self) -> Request:
        """Return what starts the same once more, on the same host."""
        size = self._request.pty
        if self.terminal is not None:
            size = self.terminal.rows, self.terminal.columns
        return replace(self._request, append=True, replace=False, pty=size)

    def start(self, changed: Callable[[], None]) -> None:
        """Start the process there; errors are those of a start here."""
        data = self._input()
        self._open(changed)
        self._clock()
        try:
            identity = self.id or secrets.token_hex(16)
            job, answer = self._link.start(identity, self._body, self, self._folder)
        except BaseException as error:
            self._loop.depart(self._dependence)
            if isinstance(error, ValueError) and "bytes of JSON" in str(error):
                raise PathError("fork/exec", self._request.argv[0], E2BIG) from None
            raise
        self._begun(job, answer, data)

    @property
    def _link(self) -> Link:
        return self._source.link

    def _open(self, changed: Callable[[], None]) -> None:
        """Hold the event loop open for it, which tells of *changed* from now on."""
        self._changed = changed
        self._dependence = self._loop.depend(self._loop_failed)
        self.input_open = self._has_input

    def _clock(self) -> None:
        """Count time from now on, the start of the process."""
        self._started_at = time.time()
        self.output.begin()

    def _begun(self, job: Following, answer: Answer, data: bytes | None) -> None:
        """Note the process that was started; *data* is its input."""
        self._source.begin(job)
        self.pid = answer.fields.number("pid")
        self.dir = answer.fields.optional("dir")
        if data is not None:
            self._link.write(job, data)
            self.close_input()

    def forget(self) -> None:
        """Delete nothing: it ends with the session."""

    def _describe(self, request: Request) -> Body:
        """What the agent is told of the request."""
        return body_of(request)

    def _keeper(self) -> Keeper:
        """What has all that it printed."""
        return self._source

    @property
    def process(self) -> Process:
        """There is none that could be signalled here."""
        raise NoHandleError

    @property
    def status(self) -> JobStatus:
        """What the process does, as far as that is known here."""
        if self.state:
            return status_at_end(self.state)
        return JobStatus.LOST if self.error else self._status

    def write(self, data: bytes) -> None:
        """Write *data* to the standard input, without waiting for that."""
        job, has_ended = self._source.job, self.ended_at is not None
        if job is None or has_ended or not self.input_open:
            raise no_input(is_pipe=self._has_input, has_ended=has_ended)
        self.keyboard.ask()
        if self.terminal is not None:
            self.terminal.type(data)
        else:
            self._link.write(job, data)

    def close_input(self) -> None:
        """Close the standard input, once all is written, or type its end."""
        job = self._source.job
        if self.terminal is not None:
            self.terminal.type_end()
            return
        if self.input_open and job:
            self.input_open = False
            self.keyboard.ask()
            self._link.close_input(job)

    def signal(self, sig: int, tree: bool | None) -> int:
        """Let the agent send *sig*."""
        self._check_there()
        return self._source.ask(Kind.SIGNAL, sig=int(sig), tree=tree).number("count")

    def end(self, grace: float) -> int:
        """Let the agent end it, in stages."""
        self._check_there()
        return self._source.ask(Kind.TERMINATE, grace=grace).number("count")

    def left(self) -> int:
        """Count the processes there that have not ended."""
        if self._is_gone:
            return 0
        return self._source.ask(Kind.LEFT).number("left")

    def daemons(self) -> int:
        """Count those that left it."""
        if self._is_gone:
            return 0
        return self._source.ask(Kind.LEFT).number("daemons")

    def usage(self) -> Usage | None:
        """Measure what it uses there; ``None`` after its end."""
        if self.ended_at is not None:
            return None
        if time.monotonic() - self._measured >= _FRESH:
            self._measured_now(Answer(self._source.ask(Kind.USAGE)))
        return self._usage

    def last_usage(self) -> Usage | None:
        """Return what was measured last, and ask for more if that is old."""
        job = self._source.job
        if self.ended_at is not None or job is None:
            return None
        if time.monotonic() - self._measured >= _FRESH:
            self._measured = time.monotonic()
            asked = {"number": job.number}
            self._link.ask(Kind.USAGE, asked, self._measured_now)
        return self._usage

    def ports(self) -> Ports:
        """Look at the ports there."""
        return facts.ports_of(self._source.ask(Kind.PORTS))

    def printed(self, pattern: str | re.Pattern[str]) -> Check[re.Match[str]]:
        """Make what lets the agent look for *pattern*."""
        return self._printed(compiled(pattern))

    def listening(self, port: int | None) -> Check[int]:
        """Make what lets the agent look at ports."""
        return self._listening(None if port is None else checked_port(port))

    def _printed(self, expression: re.Pattern[str]) -> FarCheck[re.Match[str]]:
        flags = expression.flags & ~re.DEBUG
        return self._far_check(
            Kind.UNTIL,
            {"pattern": expression.pattern, "flags": int(flags)},
            partial(match_of, expression),
            not_printed,
        )

    def _listening(self, port: int | None) -> FarCheck[int]:
        def holder(port: int) -> str:
            with suppress(OSError):
                answer = self._link.call(Kind.HOLDER, {"port": port})
                return answer.fields.text("holder")
            return ""

        return self._far_check(
            Kind.LISTENING,
            {"port": port or 0},
            lambda fields: fields.number("port"),
            partial(not_listening, port, holder=holder),
        )

    def let_go(self) -> None:
        """Leave it to its agent."""

    # What the client tells, on the event loop's thread.

    def out(self, stream: int, data: memoryview) -> None:
        """Keep what was printed."""
        self.output.append(stream, data)
        self._changed()

    def gap(self, stream: int, size: int) -> None:
        """Count what stays with the agent."""
        self.output.skip(stream, size)
        self._changed()

    def told(self, kind: Kind, fields: Fields) -> None:
        """Take over its status, or what it used."""
        if kind == Kind.COURSE:
            facts.restore_course(self.course, fields)
            told(self._captures, fields)
            return
        status = fields.text("status")
        self.keyboard.told(fields)
        self.input_open = self.input_open and fields.flag("input")
        if self.terminal is not None:
            self.terminal.told(fields)
        self._status = (
            JobStatus.STOPPED if status == JobStatus.STOPPED else JobStatus.RUNNING
        )
        self._changed()

    def ended(self, fields: Fields) -> None:
        """Take over how it ended."""
        self.timed_out = fields.flag("timed_out")
        self.input_open = False
        elapsed = fields.seconds("elapsed", 0.0) or 0.0
        if fields.body.get("state"):
            state = facts.state_of(fields.fields("state"))
            self.ended_at, self.state = self._started_at + elapsed, state
        else:
            error = error_of(fields.fields("error"))
            known = error if isinstance(error, OSError) else OSError(str(error))
            self.ended_at, self.error = self._started_at + elapsed, known
        self._changed()

    def complete(self) -> None:
        """Note that nothing more comes."""
        self.output.finish()
        self.finished = True
        self._loop.depart(self._dependence)
        changed, self._changed = self._changed, lambda: None
        changed()

    def lost(self, reason: str) -> None:
        """Note that nobody will learn more."""
        self._source.lost = JobLostError(reason)
        self._lose(self._source.lost)

    def contact(self) -> None:
        """Pass on that ``silence`` has changed."""
        self._changed()

    @property
    def silence(self) -> float:
        """For how many seconds there was no contact with the agent."""
        if self.ended_at is not None or not self._source.has_link:
            return 0.0
        return self._link.silence

    def _lose(self, error: OSError) -> None:
        if self.ended_at is None:
            self.input_open = False
            self.ended_at, self.error = time.time(), error
        if not self.finished:
            self.complete()

    def _loop_failed(self, error: BaseException) -> None:
        self._lose(loop_failure(error))

    @property
    def _is_gone(self) -> bool:
        """Whether nothing of it can be left: its agent has ended, or ended it all."""
        source, is_over = self._source, self.ended_at is not None
        if source.lost is not None or not source.has_link:
            return True
        return is_over and source.link.is_closed

    @property
    def _has_input(self) -> bool:
        return self.terminal is not None or self._request.stdin is not None

    def _check_there(self) -> None:
        if self._is_gone:
            raise ProcessDoneError

    def _measured_now(self, answer: Answer) -> None:
        if not answer.failed:
            found = answer.fields.body.get("usage")
            self._measured = time.monotonic()
            self._usage = facts.usage_of(Fields(found)) if found else None

    def _far_check(
        self,
        kind: Kind,
        body: Body,
        read: Callable[[Fields], _Found],
        missed: Callable[[float], str],
    ) -> FarCheck[_Found]:
        asked = {**body, "number": self._source.number()}
        link, changed = self._link, lambda: self._changed()
        return FarCheck(link, kind, asked, read, self._has_come, changed, missed)

    def _has_come(self, offsets: list[int]) -> bool:
        """Whether each stream is here as far as that."""
        here = Position([capture.total for capture in self._captures])
        return here.reached(offsets)

    def _input(self) -> bytes | None:
        """What is written to the standard input; a file is read here."""
        return input_of(self._request)
