"""What is known of a job: its process, its output, what it used."""

from __future__ import annotations

import os
import time

from ipyproc._jobs.output.capture import Capture
from ipyproc._jobs.output.interleaved import Chunk, Interleaved, Output
from ipyproc._jobs.procinfo.course import Course, Peak, UsagePoint
from ipyproc._jobs.procinfo.ports import Ports
from ipyproc._jobs.procinfo.usage import Usage
from ipyproc._jobs.request import Host, Request
from ipyproc._jobs.runner import JobStatus, Runner, Terminal
from ipyproc._jobs.saving import save
from ipyproc.process import Process
from ipyproc.state import ProcessState


class Facts:
    """The part of a ``Job`` that asks and changes nothing."""

    def __init__(self, request: Request, runner: Runner) -> None:
        self.name = request.name
        self.argv = request.argv
        self.shown = request.shown
        self.started_at = time.time()
        self._started = time.monotonic()
        self._request = request
        self._runner = runner

    @property
    def is_named(self) -> bool:
        """Whether somebody chose its name; else it is that of its program."""
        return self._request.is_named

    @property
    def id(self) -> str | None:
        """By what a detached job is known to all sessions, for ever: ``train@3f2a``.

        ``None`` for a job that ends with this session.
        """
        return self._runner.id

    @property
    def host(self) -> Host:
        """Where it runs; the ``name`` is ``localhost`` if that is this machine."""
        return self._runner.host

    @property
    def ender(self) -> str:
        """What will end a detached job of another machine all the same, or empty."""
        return self._runner.ender

    def is_on(self, name: str) -> bool:
        """Whether it runs on the host called *name*, or was given to that to run."""
        given = self._request.on
        return name == self.host.name or (given is not None and name == given.name)

    @property
    def dir(self) -> str | None:
        """The directory that it started in, if one was given."""
        return self._runner.dir

    @property
    def pid(self) -> int | None:
        """The process id, on the machine that it runs on; ``None`` while queued."""
        return self._runner.pid or None

    @property
    def process(self) -> Process:
        """The process itself.

        The job waits for it. If other code waits for it or releases it, the job does
        not learn how it ended: its status is then ``lost`` or ``released``. Raises
        ``NoHandleError`` if it runs on another machine.
        """
        return self._runner.process

    @property
    def status(self) -> JobStatus:
        """What the process does at this moment, or how it ended."""
        return self._runner.status

    @property
    def state(self) -> ProcessState | None:
        """What ``wait`` learnt, once the process ended."""
        return self._runner.state

    @property
    def error(self) -> OSError | None:
        """Why nobody knows how it ended, or why it was not started: ``wait`` raises it.

        ``None`` while it runs, and where its ``state`` is known.
        """
        return self._runner.error

    @property
    def ended_at(self) -> float | None:
        """When the process ended, in seconds on the clock of ``started_at``.

        Setting the clock meanwhile changes nothing: the difference of both is the time
        for which the process ran.
        """
        return self._runner.ended_at

    @property
    def elapsed(self) -> float:
        """How many seconds the process has run so far, or ran until it ended.

        While it is queued, how long it has been waiting.
        """
        ended_at = self.ended_at
        if ended_at is None:
            return time.monotonic() - self._started
        return max(0.0, ended_at - self.started_at)

    @property
    def finished(self) -> bool:
        """Whether the process ended and all its output is captured.

        Output may come after the end from what the process started.
        """
        return self._runner.finished

    @property
    def stdout(self) -> Capture:
        """What the process printed, unless ``stdout=`` sent it elsewhere."""
        return self._runner.whole.stdout

    @property
    def stderr(self) -> Capture:
        """What it printed on its standard error; nothing with ``merge=True``."""
        return self._runner.whole.stderr

    @property
    def total(self) -> int:
        """How many bytes it printed on both streams."""
        return self._runner.output.total

    def read(self, offset: int, size: int) -> list[Chunk]:
        """Return what it printed on both streams, in order of arrival.

        Starts at the first byte still kept at or after *offset* and gives at most
        *size* bytes. A chunk that begins later than the one before it ended shows that
        something between was dropped.

        What is kept elsewhere is fetched: ``TimeoutError`` if there is no contact with
        the host, ``ConnectionError`` if there never will be.
        """
        return self._runner.whole.read(offset, size)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what it printed so far to a file at *path*, whose ending says as what.

        ``.cast`` is a recording that asciinema plays, version 3, with the times at
        which it was printed, the sizes of the terminal, and the exit code; it holds
        nothing that was typed. ``.html`` is a page with the last picture of it. All
        else gets the bytes of both streams, in order of arrival. Raises what ``read``
        raises, and ``OSError`` if the file cannot be written.
        """
        save(self, self._runner.whole, path)

    @property
    def as_utf8(self) -> Output:
        """What it printed on both streams, in UTF-8, whatever its ``encoding``."""
        return self._runner.output.as_utf8

    @property
    def whole_as_utf8(self) -> Interleaved:
        """The same, with what is kept elsewhere: reading that waits, and may fail.

        It has the same offsets. Of what is not in UTF-8 it is what arrived here.
        """
        runner = self._runner
        is_utf8 = runner.output.as_utf8 is runner.output
        return runner.whole if is_utf8 else runner.output.as_utf8

    @property
    def in_memory(self) -> int:
        """How many bytes of memory all that it printed takes up."""
        return self._runner.output.in_memory

    @property
    def stdin_open(self) -> bool:
        """Whether ``send`` is possible."""
        return self._runner.input_open

    @property
    def has_keyboard(self) -> bool:
        """Whether no other session has the keyboard of a detached job; see ``send``."""
        return self._runner.keyboard.is_here

    @property
    def terminal(self) -> Terminal | None:
        """Its terminal, if it was started with ``pty``; for views."""
        return self._runner.terminal

    @property
    def password_prompt(self) -> bool:
        """Whether its terminal reads a line and does not show it.

        That is so at the prompts of ``getpass`` and ``sudo``, and not at those of
        shells.
        """
        return self.terminal is not None and self.terminal.password_prompt

    def ports(self) -> Ports:
        """Look at the TCP ports that it listens on, and at new ones of others."""
        return self._runner.ports()

    def usage(self) -> Usage | None:
        """Measure what the process and those below it use; ``None`` after its end.

        At most once a second: until then, the last measurement is returned.
        """
        return self._runner.usage()

    @property
    def silence(self) -> float:
        """For how many seconds there was no contact with its host; 0.0 if there is.

        The job runs on meanwhile, and its output is kept there. Below 4 s it is 0.0.
        """
        return self._runner.silence

    def last_usage(self) -> Usage | None:
        """Return what was measured last; unlike ``usage`` it never blocks.

        Of a job on this machine that is ``usage``. Elsewhere another measurement is
        asked for, which is there a moment later.
        """
        return self._runner.last_usage()

    @property
    def peak(self) -> Peak:
        """The most that the process and all that it started were seen to use so far.

        They are sampled soon after the start and then every 5 s, less often while
        nothing changes, whether or not anybody looks.
        """
        return self._runner.course.peak

    @property
    def history(self) -> tuple[UsagePoint, ...]:
        """What they used in the course of time: at most 600 points, from the start on.

        The longer the job runs, the longer are the spans between them.
        """
        return self._runner.course.history

    @property
    def course(self) -> Course:
        """What peak and history are made of, for the views."""
        return self._runner.course
