"""What a command's standard input, output and error are connected to."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from contextlib import suppress
from errno import EINVAL
from typing import Any

from ipyproc._process.descriptors import USUAL_PIPE, close_all, opened
from ipyproc.attr import File
from ipyproc.errors import PathError
from ipyproc.exec import copy, pipes
from ipyproc.exec.gather import Gathering, can_gather
from ipyproc.exec.pipes import PipeEnd, PipeReader

# Their data is the data of their descriptor, no more and no less.
_PLAIN = (io.BufferedReader, io.BufferedWriter, io.BufferedRandom)


class Stdio:
    """The descriptors that a command's child gets, and their owners.

    Every one that was made here is in exactly one of *child* and *passed*, which are
    closed as soon as the child has started, and of *ours* and *gathering*, which are
    closed when the command is waited for. *tasks* is the copying to be done by threads
    while it runs.
    """

    #: Whether ``wait`` follows at once, and can take what comes.
    is_awaited = False

    def __init__(self) -> None:
        self.child: list[io.FileIO] = []
        self.passed: list[int] = []
        self.gathering = Gathering()
        self.ours: list[PipeEnd] = []
        self.tasks: list[copy.Task] = []
        self._passed_on: list[PipeEnd] = []
        self._kept: list[io.BufferedReader] = []

    def files(self, stdin: object, stdout: object, stderr: object) -> list[File]:
        """Return the child's first three files."""
        given_in = self._input(stdin)
        given_out = self._output("stdout", stdout)
        # The null device, too, is opened once for both.
        same = stderr is stdout
        given_err = given_out if same else self._output("stderr", stderr)
        return [given_in, given_out, given_err]

    def pipe_in(self) -> tuple[pipes.PipeWriter, io.FileIO]:
        """Make a pipe for the child's input: our end, and the child's."""
        ours, child = pipes.to_child()
        self.ours.append(ours)
        self.child.append(child)
        return ours, child

    def pipe_out(self) -> tuple[pipes.PipeReader, io.FileIO]:
        """Make a pipe for the child's output: our end, and the child's."""
        ours, child = pipes.from_child()
        self.ours.append(ours)
        self.child.append(child)
        return ours, child

    def buffered_pipe_out(self) -> tuple[io.BufferedReader, io.FileIO]:
        """Make a pipe for the child's output that its user reads by lines, too."""
        ours, child = self.pipe_out()
        buffered = pipes.BufferedPipe(ours, USUAL_PIPE)
        # It would close the pipe when nobody refers to it; the child may still write.
        self._kept.append(buffered)
        return buffered, child

    def close_child(self) -> None:
        """Close the child's ends; it has its own by now, or never will."""
        close_all(self.passed)
        _close(self.child)

    def close_ours(self) -> None:
        """Close our ends, and wake the threads that block in them."""
        self.gathering.close()
        _close(self.ours)

    def started(self) -> None:
        """Close what the child has taken over for good.

        A pipe from another command, if it stayed open here, would hide from that
        command that its reader is gone.
        """
        _close(self._passed_on)

    def _input(self, stdin: object) -> File:
        match stdin:
            case None:
                return self._null(os.O_RDONLY)
            case bytes() | bytearray() | memoryview():
                return self._preloaded(memoryview(stdin).cast("B"))
            case str():
                return self._preloaded(memoryview(copy.encoded(stdin)))
        if _has_descriptor(stdin):
            return self._handed_over("stdin", stdin)
        source: Any = stdin
        if not hasattr(source, "read"):
            wanted = "bytes, text or an object with read()"
            raise TypeError(_expected("stdin", wanted, stdin))
        ours, child = self.pipe_in()
        end = _raw(source)
        if isinstance(end, PipeEnd):  # one that we have read from already
            self.ours.append(end)
            self.tasks.append(copy.move_in(ours, source))
        else:
            self.tasks.append(copy.copy_in(ours, source))
        return child

    def _preloaded(self, data: memoryview) -> File:
        """Write what fits into the pipe at once; a thread writes the rest, if any."""
        ours, child = self.pipe_in()
        rest = data[ours.write_now(data) :]
        if rest:
            self.tasks.append(copy.feed(ours, rest))
        else:
            ours.close()
        return child

    def _output(self, name: str, sink: Any) -> File:
        if sink is None:
            return self._null(os.O_WRONLY)
        if self.is_awaited and can_gather(sink):
            return self.gathering.pipe(sink, self.passed)
        if _has_descriptor(sink):
            return self._handed_over(name, sink)
        if not hasattr(sink, "write"):
            raise TypeError(_expected(name, "an object with write()", sink))
        ours, child = self.pipe_out()
        self.tasks.append(copy.copy_out(ours, sink))
        return child

    def _null(self, flags: int) -> int:
        try:
            return opened(self.passed, os.open, os.devnull, flags | os.O_CLOEXEC)
        except OSError as error:
            raise PathError("open", os.devnull, error.errno or EINVAL) from None

    def _handed_over(self, name: str, stream: Any) -> File:
        if isinstance(stream, int):
            if stream < 0:
                raise ValueError(f"{name}: {stream} is no descriptor")
            return int(stream)
        end = _raw(stream)
        if isinstance(end, PipeEnd):
            self._passed_on.append(end)
        if getattr(stream, "closed", False):
            return None
        _synchronize(stream)
        file: File = stream
        return file


def _has_descriptor(stream: Any) -> bool:
    """Whether a child can have the descriptor of *stream* instead of its data.

    Not if Python code changes the data on the way, as in a ``GzipFile``, nor if some
    of it may be in a buffer and cannot be put back.
    """
    inner = getattr(stream, "buffer", stream)
    if isinstance(inner, io.BufferedIOBase) and not isinstance(inner, _PLAIN):
        return False
    end = _raw(stream)
    if isinstance(end, PipeReader) and end.was_read:
        return False
    try:
        return isinstance(stream, int) or isinstance(stream.fileno(), int)
    except (AttributeError, io.UnsupportedOperation):
        return False
    except ValueError:  # a closed file: a closed descriptor in the child, as in Go
        return True


def _raw(stream: object) -> object:
    """Return what is below the buffers of *stream*, text or binary."""
    inner = getattr(stream, "buffer", stream)
    return getattr(inner, "raw", stream)


def _synchronize(stream: Any) -> None:
    """Move the descriptor to where a user of *stream* believes it is."""
    if hasattr(stream, "flush"):
        stream.flush()
    if isinstance(stream, io.BufferedReader | io.TextIOWrapper) and stream.readable():
        # What was read ahead; some streams cannot tell or seek, and keep it.
        with suppress(OSError, ValueError, OverflowError):
            os.lseek(stream.fileno(), stream.tell(), os.SEEK_SET)


def _expected(name: str, what: str, got: object) -> str:
    return f"{name}: expected None, {what}, not {type(got).__name__}"


def _close(files: Sequence[io.RawIOBase]) -> None:
    for file in files:
        file.close()
