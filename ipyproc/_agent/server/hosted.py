"""A job of the agent, as the protocol asks for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from ipyproc._agent import facts
from ipyproc._agent.protocol.attachment import Cancel, Course, Found
from ipyproc._agent.protocol.errors import body_of
from ipyproc._agent.protocol.frames import Body, Fields, ProtocolError
from ipyproc._agent.protocol.keyboard import Keyboard
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._agent.server.finding import Finding
from ipyproc._agent.server.watch import Watch
from ipyproc._jobs.job import Job
from ipyproc._jobs.output.capture import Capture
from ipyproc._jobs.procinfo.ender import ender_of
from ipyproc._jobs.runner import Runner, Terminal

# The most points of an answer to TIMES.
_MOST_TIMES: Final = 4000
# What ends the line of a terminal, or drops it: Ctrl-C, D, J, M, U, Z and backslash.
_ENDS_TYPED = b"\x03\x04\n\r\x15\x1a\x1c"


class HostedJob:
    """One job. Everything happens on the event loop's thread.

    *news* is called when there is something to say of it.
    """

    def __init__(
        self, identity: str, job: Job, runner: Runner, news: Callable[[], None]
    ) -> None:
        self.identity = identity
        self.job = job
        self.is_kept = False
        #: That of a detached job.
        self.folder: str | None = None
        #: Called once nobody needs it any more.
        self.when_forgotten: Callable[[], None] = lambda: None
        self.keyboard = Keyboard(self)
        self._runner = runner
        self._streams = (runner.output.stdout, runner.output.stderr)
        self._news = news
        self._course = Course({}, ())
        self._end: Body | None = None
        self._watches: set[Watch | Finding] = set()
        self._unsubscribe = job.subscribe(self._happened)

    @property
    def is_typed(self) -> bool:
        """Whether what is written is typed into a terminal."""
        return self._runner.terminal is not None

    @property
    def line_ends(self) -> bytes | None:
        """The bytes that end a line of input; ``None`` if each is for itself."""
        terminal = self._runner.terminal
        if terminal is None:
            return b"\n"
        return None if terminal.reads_keys else _ENDS_TYPED

    @property
    def totals(self) -> tuple[int, int]:
        """How many bytes each stream has printed."""
        stdout, stderr = self._streams
        return stdout.total, stderr.total

    def read(self, stream: int, offset: int, size: int) -> tuple[int, bytes]:
        """Return the first offset kept from *offset* on, and at most *size* bytes."""
        return self._streams[stream].read(offset, size)

    def next_of(self, sent: list[int]) -> tuple[int, int]:
        """Which stream comes next when so much was sent of both, and how much."""
        return self._runner.output.next_of(sent)

    def write(self, data: bytes) -> None:
        """Write to the standard input; who has closed that gets nothing more."""
        if self.job.stdin_open:
            # The client does not let so much be typed that a terminal refuses it.
            with suppress(BlockingIOError):
                self._runner.write(data)

    def close_input(self) -> None:
        """Close it."""
        self._runner.close_input()

    def status(self) -> Body:
        """What it does now."""
        terminal = self._runner.terminal
        doing = {} if terminal is None else facts.body_of_terminal(terminal)
        return {
            "status": str(self.job.status),
            "input": self.job.stdin_open,
            **doing,
        }

    def course(self) -> Course:
        """What it used so far, and what is no longer kept of its output."""
        told = {
            **facts.body_of_course(self.job.course),
            "dropped": [stream.dropped for stream in self._streams],
            "errors": [each.error and str(each.error) for each in self._streams],
        }
        history = self.job.history
        known = self._course
        if told != known.facts or len(history) != len(known.points):
            points = tuple(
                (point.elapsed, point.memory, point.cpu_time, point.processes)
                for point in history
            )
            self._course = Course(told, points)
        return self._course

    def end(self) -> Body | None:
        """How it ended: noted when that is seen first, with where its streams are."""
        job = self.job
        if self._end is None and job.ended_at is not None:
            error = self._runner.error
            self._end = {
                "offsets": list(self.totals),
                "elapsed": job.elapsed,
                "timed_out": job.timed_out,
                "state": job.state and facts.body_of_state(job.state),
                "error": error and body_of(error),
                "status": str(job.status),
            }
        return self._end

    def ends(self) -> tuple[int, int] | None:
        """Where the streams end, once the last writer is gone."""
        return self.totals if self.job.finished else None

    def ask(self, kind: Kind, fields: Fields) -> Body:
        """Do what a request asks for."""
        job = self.job
        match kind:
            case Kind.START:
                started = {"pid": job.pid, "dir": job.dir, "elapsed": job.elapsed}
                return {**started, **self._keeping()}
            case Kind.SIGNAL:
                tree = None if fields.body.get("tree") is None else fields.flag("tree")
                number = fields.body.get("sig")
                if not isinstance(number, int):
                    raise ProtocolError("sig: expected a number")
                return {"count": job.signal(number, tree)}
            case Kind.TERMINATE:
                return {"count": job.terminate(fields.seconds("grace"))}
            case Kind.USAGE:
                usage = job.usage()
                return {"usage": usage and facts.body_of_usage(usage)}
            case Kind.PORTS:
                return facts.body_of_ports(job.ports())
            case Kind.PROMPT:
                terminal = self._terminal()
                doing = facts.body_of_terminal(terminal)
                return {**doing, "ahead": terminal.typed_ahead}
            case Kind.RESIZE:
                self.job.resize(fields.number("rows"), fields.number("columns"))
                return {}
            case Kind.INTERRUPT:
                self._terminal().interrupt()
                return {}
            case Kind.TYPE_END:
                self._runner.close_input()
                self.keyboard.line_over()
                return {}
            case Kind.TIMES:
                capture = self._stream(fields)
                offset = fields.number("offset", most=1 << 63)
                points, end = capture.timeline.points(offset, _MOST_TIMES)
                return {"points": points, "end": end or capture.total}
            case Kind.LEFT:
                return {"left": job.left(), "daemons": job.daemons()}
            case _:
                course = self.course()
                return {**course.facts, "from": 0, "points": course.points}

    def watch(self, kind: Kind, fields: Fields, found: Found) -> Cancel:
        """Call *found* with what a client waits for, and how much was printed then."""

        def tell(body: Body) -> None:
            found({**body, "offsets": self.totals})

        watch: Watch | Finding
        if kind == Kind.FIND:
            watch = Finding(self._stream(fields), fields, tell)
        else:
            watch = Watch(self._runner, kind, fields, tell)
        self._watches.add(watch)
        watch.begin()

        def cancel() -> None:
            self._watches.discard(watch)
            watch.cancel()

        return cancel

    def forget(self) -> None:
        """Stop looking at it."""
        self._unsubscribe()
        for watch in self._watches:
            watch.cancel()
        self._watches.clear()
        self.when_forgotten()

    def _stream(self, fields: Fields) -> Capture:
        return self._streams[fields.number("stream", most=len(self._streams))]

    def _keeping(self) -> Body:
        """Where a detached job is found again, and what ends it all the same."""
        if self.folder is None:
            return {}
        return {"folder": self.folder, "ender": ender_of(self.job.pid or 0)}

    def _terminal(self) -> Terminal:
        terminal = self._runner.terminal
        if terminal is None:
            raise ProtocolError("the job has no terminal")
        return terminal

    def _happened(self, _: object) -> None:
        self.end()  # where the streams are now is where they were at its end
        for watch in [each for each in self._watches if each.is_over]:
            self._watches.discard(watch)
        for watch in self._watches:
            watch.soon()
        self._news()
