"""Copying between a child's pipes and Python objects that may block, in threads."""

from __future__ import annotations

import codecs
import io
import select
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import NamedTuple, Protocol

from ipyproc._process.descriptors import USUAL_PIPE
from ipyproc._process.threads import LONGEST_DEAF, Event, ShutdownError, start_thread
from ipyproc.errors import WaitDelayError
from ipyproc.exec.gather import HeadAndTail
from ipyproc.exec.pipes import PipeReader, PipeWriter


class Reader(Protocol):
    """Anything to read bytes or text from."""

    def read(self, size: int, /) -> bytes | str:
        """Return at most *size* bytes or characters; none at the end."""


class Writer(Protocol):
    """Anything to write bytes to."""

    def write(self, data: bytes, /) -> object:
        """Write all of *data*."""


class Task(NamedTuple):
    """Copying to or from one pipe; each step waits for the pipe once at most."""

    pipe: PipeReader | PipeWriter
    steps: Iterator[None]


class _Countdown:
    """How many of *tasks* are left; *over* is set when there is none."""

    def __init__(self, tasks: list[Task]) -> None:
        self._left = [*tasks]
        self.over = Event()
        if not tasks:
            self.over.set()

    def one_less(self) -> None:
        """Note that one of them has ended, on any thread."""
        self._left.pop()
        if not self._left:
            self.over.set()


class Copying:
    """What is copied while a command runs, each task in a thread of its own.

    At the end of the interpreter, where no thread can be started, the caller of
    ``work`` copies.

    *close* closes the pipes, which ends every task that blocks in one. A method that an
    interrupt cut short may be called again.
    """

    def __init__(self, tasks: list[Task], close: Callable[[], None]) -> None:
        self._close = close
        self._tasks = tasks
        self._threads: list[Thread] = []
        # Those that no thread does.
        self._undone: list[Task] = []
        self._reading = [task for task in tasks if isinstance(task.pipe, PipeReader)]
        self._all, self._readers = _Countdown(tasks), _Countdown(self._reading)
        self._errors: list[BaseException] = []
        self._gave_up = False
        self._counts = True
        #: Set when all tasks have ended.
        self.ended = self._all.over

    @property
    def is_left_to_us(self) -> bool:
        """Whether some of it is for the caller of ``work``."""
        return bool(self._undone)

    @property
    def error(self) -> BaseException | None:
        """The first error of any task."""
        return self._errors[0] if self._errors else None

    def start(self) -> None:
        """Start the threads."""
        for task in self._tasks:
            try:
                run = partial(self._run, task)
                self._threads.append(start_thread(run, "ipyproc-copy"))
            except ShutdownError:
                self._undone.append(task)

    def work(self, timeout: float | None) -> bool:
        """Do what no thread does, for *timeout* seconds; return whether some is left.

        It is the caller's own thread that copies, so it returns soon, or when all is
        done if *timeout* is ``None``.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while self._undone and (end is None or time.monotonic() < end):
            ready = _ready(self._undone, end)
            for task in [task for task in self._undone if task in ready]:
                if not self._step(task):
                    self._undone.remove(task)
        return bool(self._undone)

    def outcome(self, deadline: float | None) -> BaseException | None:
        """Wait for the end, up to *deadline* if there is one; return the first error.

        Past the deadline, on the monotonic clock, the pipes are closed and the error is
        a ``WaitDelayError``.
        """
        if not self._counts:
            return None
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        self.work(left)
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if self._undone or not self.ended.wait(left):
            self.give_up()
        return WaitDelayError() if self._gave_up else self.error

    def give_up(self) -> None:
        """Copy what was printed so far, close the pipes and wait until no task runs."""
        self._gave_up = True
        for task in self._reading:
            with suppress(ValueError, OSError):  # it is closed already
                task.pipe.finish()  # type: ignore[union-attr]
        for task in [task for task in self._undone if task in self._reading]:
            self._run(task)
            self._undone.remove(task)
        self._readers.over.wait()
        self._close()
        self.work(None)
        self.ended.wait()

    def discount(self) -> None:
        """Report no outcome any more: the caller has dealt with it."""
        self._counts = False

    def join(self) -> None:
        """Wait until the threads themselves are gone; the tasks must have ended."""
        for thread in self._threads:
            thread.join()

    def _run(self, task: Task) -> None:
        while self._step(task):
            pass

    def _step(self, task: Task) -> bool:
        """Do one step of a task, and return whether there is another."""
        try:
            next(task.steps)
        except StopIteration:
            pass
        except BaseException as error:  # noqa: BLE001 - a writer may raise anything
            self._errors.append(error)
        else:
            return True
        if task in self._reading:
            self._readers.one_less()
        self._all.one_less()
        return False


def _ready(tasks: list[Task], end: float | None) -> list[Task]:
    """Return the tasks whose next step does not block, or none after *end*."""
    poll, by_fd = select.poll(), {}
    for task in tasks:
        if task.pipe.closed:
            return [task]  # its next step finds that out
        fd = task.pipe.fileno_unshared()
        by_fd[fd] = task
        reads = isinstance(task.pipe, PipeReader)
        poll.register(fd, select.POLLIN if reads else select.POLLOUT)
    left = None if end is None else max(0.0, end - time.monotonic())
    found = poll.poll(None if left is None else min(left, LONGEST_DEAF) * 1000)
    return [by_fd[fd] for fd, _ in found]


def feed(pipe: PipeWriter, data: memoryview) -> Task:
    """Write *data* into a child's input and end it there."""
    return Task(pipe, _feeding(pipe, data))


def _feeding(pipe: PipeWriter, data: memoryview) -> Iterator[None]:
    with pipe:
        yield from _writing(pipe, data)


def copy_in(pipe: PipeWriter, source: Reader) -> Task:
    """Write what *source* returns into a child's input, up to the end of either."""
    return Task(pipe, _copying_in(pipe, source))


def _copying_in(pipe: PipeWriter, source: Reader) -> Iterator[None]:
    # read1 returns what is there now; read of many files waits for the full size.
    read = getattr(source, "read1", source.read)
    with pipe:
        while chunk := read(USUAL_PIPE):
            if isinstance(chunk, str):
                chunk = encoded(chunk)
            if not isinstance(chunk, bytes | bytearray | memoryview):
                kind = type(chunk).__name__
                raise TypeError(f"stdin: read() returned {kind}, not bytes or text")
            if not (yield from _writing(pipe, chunk)):
                return


def encoded(text: str) -> bytes:
    """Encode *text* for a child's input: UTF-8, odd bytes as they came."""
    return text.encode("utf-8", "surrogateescape")


def move_in(pipe: PipeWriter, source: io.BufferedReader) -> Task:
    """Copy the rest of another pipe, whose writer is told when nobody reads on."""
    return Task(pipe, _moving_in(pipe, source))


def _moving_in(pipe: PipeWriter, source: io.BufferedReader) -> Iterator[None]:
    with source:
        yield from _copying_in(pipe, source)


def copy_out(pipe: PipeReader, sink: Writer | io.TextIOBase) -> Task:
    """Write a child's output to *sink*, up to its end or the sink's first error."""
    return Task(pipe, _copying_out(pipe, sink))


def _copying_out(pipe: PipeReader, sink: Writer | io.TextIOBase) -> Iterator[None]:
    with pipe:
        text = TextWriter(sink) if isinstance(sink, io.TextIOBase) else None
        write = text.write if text else _taking_all(sink)  # type: ignore[arg-type]
        yield
        for piece in pipe.pieces():
            write(piece)
            yield
        if text:
            text.finish()


def _writing(
    pipe: PipeWriter, data: bytes | bytearray | memoryview
) -> Generator[None, None, bool]:
    """Write *data* and return true, or false if the child reads no more, as it may."""
    left = memoryview(data).cast("B")
    while left:
        yield
        try:
            left = left[pipe.write_some(left) :]
        except BrokenPipeError:
            return False
    return True


def _taking_all(sink: Writer) -> Callable[[memoryview], object]:
    if type(sink) in (io.BytesIO, HeadAndTail):
        return sink.write  # type: ignore[return-value]  # copies what it is given
    if isinstance(sink, io.RawIOBase):
        return partial(_write_raw, sink)
    # Any other may keep the piece, whose memory is used again.
    return lambda piece: sink.write(bytes(piece))


def _write_raw(raw: io.RawIOBase, piece: memoryview) -> None:
    data = bytes(piece)
    while data:
        taken = raw.write(data)
        if not taken:
            raise OSError("short write")
        data = data[taken:]


class TextWriter:
    """Writes bytes to a stream of text, as UTF-8; what is none becomes U+FFFD."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes | memoryview) -> None:
        """Write what *data* completes; the rest of a character may be still to come."""
        self._stream.write(self._decoder.decode(data))

    def finish(self) -> None:
        """Write what is left of a character that was never completed."""
        if rest := self._decoder.decode(b"", final=True):
            self._stream.write(rest)
