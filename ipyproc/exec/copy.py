"""Copying between a child's pipes and Python objects, in threads."""

from __future__ import annotations

import codecs
import io
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from ipyproc.errors import WaitDelayError
from ipyproc.exec.pipes import USUAL_SIZE, PipeReader, PipeWriter

_ENDS_KEPT = 32 << 10


class Reader(Protocol):
    """Anything to read bytes or text from."""

    def read(self, size: int, /) -> bytes | str:
        """Return at most *size* bytes or characters; none at the end."""


class Writer(Protocol):
    """Anything to write bytes to."""

    def write(self, data: bytes, /) -> object:
        """Write all of *data*."""


class Copying:
    """What is copied while a command runs, each task in a thread of its own.

    *close* closes the pipes, which ends every task that blocks in one. A method that an
    interrupt cut short may be called again.
    """

    def __init__(
        self, tasks: list[Callable[[], object]], close: Callable[[], None]
    ) -> None:
        self._close = close
        self._threads = [
            threading.Thread(
                target=self._run, args=[task], name="ipyproc-copy", daemon=True
            )
            for task in tasks
        ]
        self._lock = threading.Lock()
        self._left = len(tasks)
        self._gave_up = False
        self._counts = True
        #: The first error of any task.
        self.error: BaseException | None = None
        #: Set when all tasks have ended.
        self.ended = threading.Event()
        if not tasks:
            self.ended.set()

    def __bool__(self) -> bool:
        """Whether there is anything to copy."""
        return bool(self._threads)

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def outcome(self, deadline: float | None) -> BaseException | None:
        """Wait for the end, up to *deadline* if there is one; return the first error.

        Past the deadline, on the monotonic clock, the pipes are closed and the error is
        a ``WaitDelayError``.
        """
        if not self._counts:
            return None
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not self.ended.wait(left):
            self.give_up()
        return WaitDelayError() if self._gave_up else self.error

    def give_up(self) -> None:
        """Close the pipes and wait until no task runs."""
        self._gave_up = True
        self._close()
        self.ended.wait()

    def discount(self) -> None:
        """Report no outcome any more: the caller has dealt with it."""
        self._counts = False

    def join(self) -> None:
        """Wait until the threads themselves are gone; the tasks must have ended."""
        for thread in self._threads:
            thread.join()

    def _run(self, task: Callable[[], object]) -> None:
        error: BaseException | None = None
        try:
            task()
        except BaseException as raised:  # noqa: BLE001 - a writer may raise anything
            error = raised
        with self._lock:
            self.error = self.error or error
            self._left -= 1
            if self._left == 0:
                self.ended.set()


def feed(pipe: PipeWriter, data: memoryview) -> None:
    """Write *data* into a child's input and end it there."""
    with pipe:
        _write(pipe, data)


def copy_in(pipe: PipeWriter, source: Reader) -> None:
    """Write what *source* returns into a child's input, up to the end of either."""
    # read1 returns what is there now; read of many files waits for the full size.
    read = getattr(source, "read1", source.read)
    with pipe:
        while chunk := read(USUAL_SIZE):
            if isinstance(chunk, str):
                chunk = encoded(chunk)
            if not isinstance(chunk, bytes | bytearray | memoryview):
                kind = type(chunk).__name__
                raise TypeError(f"stdin: read() returned {kind}, not bytes or text")
            if not _write(pipe, chunk):
                return


def encoded(text: str) -> bytes:
    """Encode *text* for a child's input: UTF-8, odd bytes as they came."""
    return text.encode("utf-8", "surrogateescape")


def move_in(pipe: PipeWriter, source: io.BufferedReader) -> None:
    """Copy the rest of another pipe, whose writer is told when nobody reads on."""
    with source:
        copy_in(pipe, source)


def copy_out(pipe: PipeReader, sink: Writer | io.TextIOBase) -> None:
    """Write a child's output to *sink*, up to its end or the sink's first error."""
    with pipe:
        if isinstance(sink, io.TextIOBase):
            text = TextWriter(sink)
            pipe.copy_to(text.write)
            text.finish()
        else:
            pipe.copy_to(_taking_all(sink))


def _write(pipe: PipeWriter, data: bytes | bytearray | memoryview) -> bool:
    """Write *data* and return true, or false if the child reads no more, as it may."""
    try:
        pipe.write(data)
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


class HeadAndTail:
    """Keeps the first and the last 32 KiB of what is written to it."""

    def __init__(self, limit: int = _ENDS_KEPT) -> None:
        self._limit = limit
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0

    def write(self, data: bytes | memoryview) -> int:
        """Write all of *data*."""
        self._total += len(data)
        room = self._limit - len(self._head)
        self._head += data[:room]
        self._tail += data[room:][-self._limit :]
        del self._tail[: -self._limit]
        return len(data)

    def getvalue(self) -> bytes:
        """Return what was kept, with a note of how much is missing between."""
        omitted = self._total - len(self._head) - len(self._tail)
        note = b"\n... omitting %d bytes ...\n" % omitted if omitted else b""
        return bytes(self._head + note + self._tail)


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
