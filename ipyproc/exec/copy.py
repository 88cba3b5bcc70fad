"""Copying between a child's pipes and Python objects."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from functools import partial
from typing import Protocol

from ipyproc.exec.pipes import USUAL_SIZE, PipeReader, PipeWriter

_ENDS_KEPT = 32 << 10


class Reader(Protocol):
    """Anything to read bytes from."""

    def read(self, size: int, /) -> bytes:
        """Return at most *size* bytes; none at the end."""


class Writer(Protocol):
    """Anything to write bytes to."""

    def write(self, data: bytes, /) -> object:
        """Take all of *data*."""


def feed(pipe: PipeWriter, data: memoryview) -> None:
    """Write *data* into a child's input and end it there."""
    with pipe:
        _write(pipe, data)


def copy_in(pipe: PipeWriter, source: Reader) -> None:
    """Write what *source* gives into a child's input, up to the end of either."""
    # read1 gives what there is now; read of many files waits for the full size.
    read = getattr(source, "read1", source.read)
    with pipe:
        while chunk := read(USUAL_SIZE):
            if not isinstance(chunk, bytes | bytearray | memoryview):
                kind = type(chunk).__name__
                raise TypeError(f"stdin: read() gave {kind} where bytes are due")
            if not _write(pipe, chunk):
                return


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
    """Write *data* unless the child reads no more, as it may; say whether it did."""
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
    # Anything else may keep it, and the memory is used again.
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
        """Take all of *data*."""
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
