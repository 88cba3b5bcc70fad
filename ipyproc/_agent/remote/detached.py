"""Running a job that outlives this session: this machine's agent owns it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

from ipyproc._agent import records
from ipyproc._agent.protocol.asked import Answer
from ipyproc._agent.protocol.flow import WINDOW
from ipyproc._agent.protocol.frames import Body, Fields
from ipyproc._agent.records import Record
from ipyproc._agent.remote.capture import Keeper
from ipyproc._agent.remote.far_detached import not_on_record
from ipyproc._agent.remote.handing import handed_over
from ipyproc._agent.remote.link import Link
from ipyproc._agent.remote.runner import RemoteRunner
from ipyproc._agent.remote.source import Source
from ipyproc._agent.requests import body_of, body_of_surroundings
from ipyproc._jobs import resolve
from ipyproc._jobs.checks import PIPE
from ipyproc._jobs.io import child_stdio
from ipyproc._jobs.io.child_stdio import LOGS
from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.request import HERE, Request
from ipyproc._process import surroundings
from ipyproc._process.environment import variables
from ipyproc.errors import JobLostError
from ipyproc.process import Process, find_process

# No pid is that great: of it there is no process.
_NOBODY: Final = 2**22 + 1


class DetachedRunner(RemoteRunner):
    """What this session knows of a job that this machine's agent owns.

    What it prints is read from its files, which are there without an agent, too.
    """

    def __init__(self, request: Request, link: Link) -> None:
        """Resolve what is to run; ``OSError`` if something is missing here."""
        self._files = _Files(request.output_limit)
        super().__init__(request, HERE, link)
        self._files.source = self._source
        self._process: Process | None = None

    def check(self) -> None:
        """Raise the error of a file that cannot be opened, without emptying one."""
        child_stdio.check(self._request.stdin, reads=True)
        for file in (self._request.stdout, self._request.stderr):
            child_stdio.check(file, reads=False)

    def start(self, changed: Callable[[], None]) -> None:
        """Start the process; errors are those of a job that ends with us."""
        self._link.connect()
        folder = records.create(self._request.name)
        self._place(folder)
        told = self._told(folder)
        try:
            with handed_over(self._request, self._link) as handed:
                self._body = {**self._body, "detached": {**told, **handed}}
                super().start(changed)
            self._name_files()
            if job := self._source.job:
                self._link.hand_over(job)
        except BaseException:
            if self._source.job is None:
                records.remove(folder)
            raise

    def again(self) -> Request:
        """Return what starts the same once more."""
        return replace(super().again(), inherited=self._inherited)

    @property
    def process(self) -> Process:
        """The process; it is no child of ours."""
        if self._process is None:
            found = find_process(self.pid)
            record = records.read(self._files.folder)
            seen = proc.stat(self.pid)
            ticks = Fields(record.job).number("ticks", 0) if record else 0
            if seen is None or (ticks and seen.started_ticks != ticks):
                found.release()
                found = find_process(_NOBODY)
            self._process = found
        return self._process

    def forget(self) -> None:
        """Delete its folder."""
        records.remove(self._files.folder)

    def ended(self, fields: Fields) -> None:
        """Take over how it ended, and note that this was seen."""
        records.note_seen(self._files.folder)
        super().ended(fields)

    def lost(self, reason: str) -> None:
        """Read on the disk what became of it: its agent knows it no more.

        If it is we who leave, it runs on.
        """
        if self._link.is_closed:
            self._loop.depart(self._dependence)
            return
        record = records.read(self._files.folder)
        if record is not None and record.is_over:
            self._end_by(record)
        else:
            super().lost(reason)

    def _place(self, folder: str) -> None:
        self.id, self._folder = os.path.basename(folder), folder
        self._files.folder = folder

    def _name_files(self) -> None:
        """Say which streams have a file: what goes elsewhere has none."""
        for capture, name in zip(self._captures, LOGS, strict=True):
            path = os.path.join(self._files.folder, name)
            capture.path = path if os.path.exists(path) else None

    def _end_by(self, record: Record) -> None:
        """Take over what a record says of the end."""
        for stream, total in enumerate(self._files.totals()):
            window = (self.output.stdout, self.output.stderr)[stream]
            if missing := max(0, total - WINDOW - window.total):
                self.output.skip(stream, missing)
            if data := self._files.tail(stream, window.total, total):
                self.output.append(stream, data)
        end = Fields(record.end or {})
        elapsed = end.seconds("elapsed", 0.0) or 0.0
        if record.end and end.body.get("state"):
            told = {**record.end, "elapsed": elapsed}
        else:
            text = record.state or "nobody learnt how it ended"
            error = {"class": "lost", "text": text}
            told = {"timed_out": False, "elapsed": elapsed, "error": error}
            self._source.lost = JobLostError(text)
        self.ended(Fields(told))
        if not self.finished:
            self.complete()

    def _describe(self, request: Request) -> Body:
        """What the agent is told: all that depends on who asks is said by us."""
        _check_travels(request)
        directory = resolve.directory(request.dir)
        env = os.environ if request.inherited is None else request.inherited
        resolve.program(request.argv[0], request.env, directory, env)
        ours = variables().items()
        inherited = {os.fsdecode(key): os.fsdecode(value) for key, value in ours}
        self._inherited = dict(request.inherited or inherited)
        asked = replace(
            request,
            dir=os.path.abspath(directory) if directory else _here(),
            stdin=request.stdin if self._is_fed(request) else None,
            stdout=_absolute(request.stdout),
            stderr=_absolute(request.stderr),
        )
        keyboard = request.stdin is None or request.stdin is PIPE
        return {**body_of(asked), "keyboard": keyboard, "inherited": self._inherited}

    def _told(self, folder: str) -> Body:
        asked = self._request
        return {
            "folder": folder,
            "notebook": records.notebook(),
            "shown": asked.shown,
            "is_named": asked.is_named,
            "stdin": None if self._is_fed(asked) else _absolute(asked.stdin),
            "surroundings": body_of_surroundings(surroundings.ours()),
        }

    def _keeper(self) -> Keeper:
        return self._files

    @property
    def _has_input(self) -> bool:
        return self.terminal is not None or self._is_fed(self._request)

    def _input(self) -> bytes | None:
        return self._request.stdin if isinstance(self._request.stdin, bytes) else None

    @staticmethod
    def _is_fed(request: Request) -> bool:
        return request.stdin is PIPE or isinstance(request.stdin, bytes)


class AttachedRunner(DetachedRunner):
    """The same for a job that another session has started."""

    def __init__(self, record: Record, link: Link) -> None:
        super().__init__(records.request_of(record), link)
        self._record = record
        self.pid, self.dir = record.pid, self._request.dir
        self._place(record.folder)
        self._name_files()

    def again(self) -> Request:
        """Raise ``RuntimeError``: what it was started with is not on record."""
        raise not_on_record(self.id)

    def start(self, changed: Callable[[], None]) -> None:
        """Find it, running or ended."""
        record = self._record
        self._changed = changed
        self._started_at = record.started_at
        self._dependence = self._loop.depend(self._loop_failed)
        self.output.begin()
        if record.is_over:
            self._loop.run(partial(self._end_by, record))
            return
        try:
            self.input_open = True
            attached, answer = self._link.attach(record.id, record.folder, self)
        except OSError:
            fresh = records.read(record.folder)
            if fresh is None or not fresh.is_over:
                self._loop.depart(self._dependence)
                raise
            self._loop.run(partial(self._end_by, fresh))  # meanwhile
            return
        except BaseException:
            self._loop.depart(self._dependence)
            raise
        self._source.begin(attached)
        self.keyboard.begin(answer.fields)

    def _describe(self, request: Request) -> Body:
        return {}

    @property
    def _has_input(self) -> bool:
        return True


class _Files:
    """What a job has printed into its folder, read without its agent."""

    def __init__(self, output_limit: int) -> None:
        self.folder = ""
        self.source: Source | None = None
        # What an agent gives back to the disk lies between these two.
        self._head = output_limit - output_limit // 2
        self._tail = output_limit // 2

    def totals(self) -> list[int]:
        """How much there is of each stream."""
        return [self._size(stream) for stream in range(len(LOGS))]

    def tail(self, stream: int, start: int, end: int) -> bytes:
        """Read what a window shows."""
        return self._pread(stream, start, end - start) or b""

    def read(self, stream: int, offset: int, size: int) -> Answer:
        """Read what is kept; of a folder that was deleted, ask the agent."""
        start = offset
        if offset >= self._head:
            start = max(offset, self._size(stream) - self._tail)
        else:
            size = min(size, self._head - offset)
        data = self._pread(stream, start, size)
        if data is None and self.source is not None:
            return self.source.read(stream, offset, size)
        return Answer(Fields({}), start=start, data=data or b"")

    @property
    def searcher(self) -> None:
        """Nothing: what is on our disk is read, and searched here."""
        return None

    def times(self, stream: int, offset: int) -> Fields:
        """Ask the agent, if there is one: times are nowhere else."""
        if self.source is None:
            raise ConnectionError("its agent is not known")
        return self.source.times(stream, offset)

    def _size(self, stream: int) -> int:
        with suppress(OSError):
            return os.stat(os.path.join(self.folder, LOGS[stream])).st_size
        return 0

    def _pread(self, stream: int, offset: int, size: int) -> bytes | None:
        try:
            with open(os.path.join(self.folder, LOGS[stream]), "rb") as file:
                return os.pread(file.fileno(), max(0, size), offset)
        except OSError:
            return None


def _check_travels(request: Request) -> None:
    system = request.sys
    if system and (system.use_cgroup_fd or system.foreground):
        raise TypeError("sys: a detached job is started by the agent, not from here")


def _absolute(path: object) -> str | None:
    return os.path.abspath(path) if isinstance(path, str) else None


def _here() -> str:
    """Our working directory, by the way that the user took if that is known."""
    way = os.environ.get("PWD", "")
    with suppress(OSError):
        if os.path.isabs(way) and os.path.samefile(way, "."):
            return way
    return resolve.working_directory()
