"""Running a job that outlives this session on another machine, by the agent there."""

from __future__ import annotations

from collections.abc import Callable

from ipyproc._agent import records
from ipyproc._agent.protocol.asked import Answer, knows
from ipyproc._agent.protocol.following import Following
from ipyproc._agent.protocol.frames import Body, Fields
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._agent.records import Record
from ipyproc._agent.remote.link import Link
from ipyproc._agent.remote.runner import RemoteRunner
from ipyproc._agent.requests import body_of
from ipyproc._jobs.request import Host, Request
from ipyproc._jobs.runner import JobStatus
from ipyproc._jobs.shutdown import shutdown
from ipyproc.errors import JobLostError


class FarDetachedRunner(RemoteRunner):
    """What this session knows of a job that its agent keeps when we have gone.

    It is resolved there as every job on a host, and what it prints is in files there.
    """

    def __init__(self, request: Request, host: Host, link: Link) -> None:
        super().__init__(request, host, link)
        self._kept_in = ""
        self._is_released = False

    @property
    def status(self) -> JobStatus:
        """What the process does, as far as that is known here."""
        return JobStatus.RELEASED if self._is_released else super().status

    def start(self, changed: Callable[[], None]) -> None:
        """Start the process there; the agent has all of its input then."""
        check_agent(self._link)
        super().start(changed)
        if job := self._source.job:
            self._link.hand_over(job)

    def forget(self) -> None:
        """Delete its folder there."""
        self._link.call(Kind.REMOVE, {"folder": self._kept_in})

    def ended(self, fields: Fields) -> None:
        """Take over how it ended, and say that this was seen."""
        super().ended(fields)
        self._note_seen()

    def lost(self, reason: str) -> None:
        """Note that nobody will learn more; if it is we who leave, it runs on."""
        if shutdown.is_under_way:
            self._loop.depart(self._dependence)
        elif self._link.is_closed:
            self._is_released = True
            text = f"the connection to {self.host.name} was closed, and {self.id} runs"
            self._lose(JobLostError(f"{text} on: jobs.attach has it again"))
        else:
            super().lost(reason)

    def _describe(self, request: Request) -> Body:
        kept = {
            "notebook": records.notebook(),
            "shown": request.shown,
            "is_named": request.is_named,
        }
        return {**body_of(request), "detached": kept}

    def _begun(self, job: Following, answer: Answer, data: bytes | None) -> None:
        super()._begun(job, answer, data)
        self._kept_in = answer.fields.text("folder")
        self.id = records.identity(self._kept_in)
        self.ender = answer.fields.text("ender", "")
        self._note_seen()

    def _note_seen(self) -> None:
        """Say that the end was seen: once it was, and once we know of which job.

        A short job ends, on the event loop's thread, before its start is over here. It
        may be said twice.
        """
        if self._kept_in and self.ended_at is not None:
            self._link.ask(Kind.SEEN, {"folder": self._kept_in}, lambda _: None)


class FarAttachedRunner(FarDetachedRunner):
    """The same for a job that another session has started, running or ended."""

    def __init__(self, record: Record, host: Host, link: Link) -> None:
        super().__init__(records.request_of(record), host, link)
        self._started_at = record.started_at
        self.id, self._kept_in = record.id, record.folder
        self.pid, self.dir = record.pid, self._request.dir

    def again(self) -> Request:
        """Raise ``RuntimeError``: what it was started with is not on record."""
        raise not_on_record(self.id)

    def start(self, changed: Callable[[], None]) -> None:
        """Find it."""
        self._open(changed)
        self.output.begin()
        try:
            attached, _ = self._link.attach(str(self.id), self._kept_in, self)
        except BaseException:
            self._loop.depart(self._dependence)
            raise
        self._source.begin(attached)

    def _describe(self, request: Request) -> Body:
        return {}

    @property
    def _has_input(self) -> bool:
        return True


def check_agent(link: Link) -> None:
    """Raise ``ConnectionError`` if its version of the agent keeps no such jobs."""
    link.connect()
    if not knows(link.welcome, Kind.LISTED):
        text = f"the agent of {link.name} is of an earlier version"
        raise ConnectionError(f"{text}, and keeps no jobs for other machines")


def not_on_record(identity: str | None) -> RuntimeError:
    """Make the error of who wants to start once more what another session started."""
    return RuntimeError(
        f"{identity} was started by another session, "
        "and its environment is not on record: start it as it was"
    )
