"""Taking what a child prints in the thread that waits for it, without another one.

Signal handlers run in that thread. They may raise, and nothing that was printed may be
lost; they may wait for the same command, and nothing may be read from a descriptor that
is another file's by then.
"""

from __future__ import annotations

import io
import os
import select
from collections.abc import Iterable
from errno import EINVAL
from typing import Protocol
from weakref import WeakSet

from ipyproc._process.descriptors import (
    LARGE_PIPE,
    USUAL_PIPE,
    close_all,
    move_last,
    opened_pipe,
    resize_pipe,
)
from ipyproc._process.threads import LONGEST_DEAF
from ipyproc.errors import SyscallError

_ENDS_KEPT = 32 << 10


class Sink(Protocol):
    """Takes pieces as they are made, each in the same step as it is made."""

    def writelines(self, pieces: Iterable[bytes], /) -> None:
        """Take all of *pieces*."""

    def tell(self) -> int:
        """Return how much was taken."""


def can_gather(sink: object) -> bool:
    """Whether *sink* is known to take pieces so, and never to block."""
    if type(sink) is io.BytesIO:
        return not sink.closed
    return type(sink) is HeadAndTail


class Gathering:
    """The pipes of one command whose data is gathered, up to the end of each."""

    def __init__(self) -> None:
        self._pipes: list[_Pipe] = []
        #: What a sink refused to take.
        self.error: BaseException | None = None

    def pipe(self, sink: Sink, child: list[int]) -> int:
        """Make a pipe into *sink*; append the child's end to *child* and return it."""
        _gatherings.add(self)
        made = _Pipe(sink)
        self._pipes.append(made)
        try:
            opened_pipe(made.ends)
        except OSError as error:
            raise SyscallError("pipe2", error.errno or EINVAL) from None
        return move_last(made.ends, child)

    def work(self, timeout: float | None) -> bool:
        """Gather all there is to come, or return ``True`` if none comes in *timeout*.

        *timeout* is in seconds, up to 1. After an interrupt, call again.
        """
        longest = 1000 * (LONGEST_DEAF if timeout is None else timeout)
        while pipes := {fd: pipe for pipe in self._pipes for fd in pipe.ends}:
            poll = select.poll()
            for fd in pipes:
                poll.register(fd, select.POLLIN)
            ready = poll.poll(longest)
            for fd, _ in ready:
                self.error = pipes[fd].take() or self.error
            if not ready and timeout is not None:
                return True
        return False

    def close(self) -> None:
        """Close the pipes, whatever is still to come."""
        for pipe in self._pipes:
            close_all(pipe.ends)


class _Pipe:
    """A pipe that is gathered."""

    def __init__(self, sink: Sink) -> None:
        #: The descriptor to read from, until the end.
        self.ends: list[int] = []
        self._sink = sink
        self._size = USUAL_PIPE

    def take(self) -> Exception | None:
        """Take what is there now; return why the sink took nothing.

        Closes the pipe then, and at its end.
        """
        before = self._sink.tell()
        try:
            # The descriptor is looked up and read, and the data taken, in one step.
            self._sink.writelines(map(os.read, self.ends, (self._size,)))
        except (BufferError, MemoryError) as error:
            if error.__traceback__ and error.__traceback__.tb_next:
                raise  # it comes from a signal handler
            close_all(self.ends)
            return error
        taken = self._sink.tell() - before
        if not taken:
            close_all(self.ends)
        elif taken == USUAL_PIPE == self._size:  # the pipe was full
            self._size = LARGE_PIPE
            resize_pipe(self.ends, LARGE_PIPE)
        return None


#: Those that exist, for the forks of this process.
_gatherings: WeakSet[Gathering] = WeakSet()


def _close_all_in_fork() -> None:
    """Close a forked child's copies: a command would not see that nobody reads on."""
    for gathering in list(_gatherings):
        gathering.close()


os.register_at_fork(after_in_child=_close_all_in_fork)


class HeadAndTail:
    """Keeps the first and the last 32 KiB of what is written to it."""

    def __init__(self, limit: int = _ENDS_KEPT) -> None:
        self._limit = limit
        # How much is missing, and what is there: the ends, and what came since.
        self._kept = 0, io.BytesIO()

    def write(self, piece: bytes | memoryview) -> int:
        """Write all of *piece*."""
        self.writelines([piece])
        return len(piece)

    def writelines(self, pieces: Iterable[bytes | memoryview], /) -> None:
        """Write all of *pieces*; each is kept in the same step as it is made."""
        self._kept[1].writelines(pieces)
        if self._kept[1].tell() > 4 * self._limit:
            head, omitted, tail = self._ends()
            kept = io.BytesIO()
            kept.writelines([head, tail])
            self._kept = omitted, kept

    def tell(self) -> int:
        """Return how much was written."""
        omitted, kept = self._kept
        return omitted + kept.tell()

    def getvalue(self) -> bytes:
        """Return what was kept, with a note of how much is missing between."""
        head, omitted, tail = self._ends()
        note = b"\n... omitting %d bytes ...\n" % omitted if omitted else b""
        return head + note + tail

    def _ends(self) -> tuple[bytes, int, bytes]:
        """Return the head, the number of bytes that are missing, and the tail."""
        omitted, kept = self._kept
        there = kept.getvalue()
        head, rest = there[: self._limit], there[self._limit :]
        tail = rest[-self._limit :]
        return head, omitted + len(rest) - len(tail), tail
