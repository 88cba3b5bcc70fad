"""Our ends of the pipes to and from a child, as binary file objects.

An ordinary file object must not be closed while another thread blocks on it: the thread
sleeps on, and when it wakes, the number of its descriptor may be another file's. Here a
close wakes who blocks, and the descriptor is given back when the last user is gone.
"""

from __future__ import annotations

import fcntl
import io
import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from ipyproc.errors import PathError

#: What the kernel gives a new pipe, if the user does not have too many.
USUAL_SIZE = 1 << 16
#: For a stream that fills the usual size: the most that a user may ask for.
LARGE_SIZE = 1 << 20


class PipeEnd(io.RawIOBase):
    """An end of a pipe that any thread may close at any time.

    Who then blocks in it gets the ``ValueError`` of a closed file.
    """

    def __init__(self, fd: int, name: str) -> None:
        super().__init__()
        self.name = name
        self._fd = self._bell = -1
        self._users: set[object] = set()
        self._lock = threading.RLock()  # a signal handler may close, too
        self._bell = os.eventfd(0)
        self._fd = fd

    def __repr__(self) -> str:
        where = "closed" if self.closed else f"fd {self._fd}"
        return f"<{type(self).__name__} {self.name} {where}>"

    def fileno(self) -> int:
        """Return the descriptor."""
        self._check_open()
        return self._fd

    def close(self) -> None:
        """Close this end, and wake who blocks in it; again does nothing."""
        with self._lock:
            super().close()
            if self._users:
                os.eventfd_write(self._bell, 1)
            self._release_if_unused()

    def enlarge(self) -> None:
        """Make room for more in the pipe, if the kernel lets this user have it."""
        with suppress(OSError), self._in_use("resize") as fd:
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, LARGE_SIZE)

    @contextmanager
    def _in_use(self, op: str) -> Iterator[int]:
        user = object()
        try:
            with self._lock:
                self._check_open()
                self._users.add(user)
            yield self._fd
        except OSError as error:
            raise PathError(op, self.name, error.errno or 0) from None
        finally:
            with self._lock:
                self._users.discard(user)
                self._release_if_unused()

    def _block(self, events: int) -> None:
        """Sleep until the pipe is ready or closed."""
        poll = select.poll()
        poll.register(self._fd, events)
        poll.register(self._bell, select.POLLIN)
        poll.poll()
        self._check_open()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

    def _release_if_unused(self) -> None:
        if not self.closed or self._users:
            return
        # One after the other, each forgotten before it is closed: an interrupt must
        # neither lose a descriptor nor have it closed twice.
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)
        if self._bell >= 0:
            bell, self._bell = self._bell, -1
            os.close(bell)


class PipeReader(PipeEnd):
    """The end from which we read what a child writes."""

    #: Whether anything was read here, into whatever buffer.
    was_read = False

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, at least a byte; 0 is the end."""
        with self._in_use("read") as fd:
            self._block(select.POLLIN)
            self.was_read = True
            return os.readv(fd, [buffer])

    def readall(self) -> bytes:
        """Read up to the end."""
        sink = io.BytesIO()
        self.copy_to(sink.write)
        return sink.getvalue()

    def copy_to(self, write: Callable[[memoryview], object]) -> None:
        """Hand all that comes to *write*, in pieces that it must not keep."""
        view = memoryview(bytearray(USUAL_SIZE))
        while count := self.readinto(view):
            write(view[:count])
            if count == USUAL_SIZE == len(view):  # the pipe was full
                self.enlarge()
                view = memoryview(bytearray(LARGE_SIZE))


class PipeWriter(PipeEnd):
    """The end into which we write what a child reads. It has no buffer."""

    # The end is ours alone until somebody asks for its number; only then may it not be
    # non-blocking any more, for that would be so in a child that gets it, too.
    _shared = False

    def __init__(self, fd: int, name: str) -> None:
        super().__init__(fd, name)
        os.set_blocking(fd, False)

    def writable(self) -> bool:
        """Return true."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        self._check_open()
        self._shared = True
        os.set_blocking(self._fd, True)
        return self._fd

    def write(self, data: Any) -> int:
        """Write all of *data*, however long that takes, and return its size."""
        view = memoryview(data).cast("B")
        left = view
        with self._in_use("write") as fd:
            while left:
                left = left[self._write_some(fd, left) :]
        return len(view)

    def write_now(self, data: Any) -> int:
        """Write what the pipe has room for and return how much that was."""
        view = memoryview(data).cast("B")
        with self._in_use("write") as fd:
            return os.write(fd, view) if view else 0

    def _write_some(self, fd: int, view: memoryview) -> int:
        if self._shared:  # what fits into PIPE_BUF never blocks once the pipe is ready
            self._block(select.POLLOUT)
            return os.write(fd, view[: select.PIPE_BUF])
        try:
            return os.write(fd, view)
        except BlockingIOError:
            self._block(select.POLLOUT)
            return 0


def from_child() -> tuple[PipeReader, io.FileIO]:
    """Make a pipe for a child's output: our end, and the child's."""
    reader, writer = os.pipe()
    child = io.FileIO(writer, "w")
    return _ours(PipeReader, reader, "|0", child), child


def to_child() -> tuple[PipeWriter, io.FileIO]:
    """Make a pipe for a child's input: our end, and the child's."""
    reader, writer = os.pipe()
    child = io.FileIO(reader)
    return _ours(PipeWriter, writer, "|1", child), child


_End = TypeVar("_End", bound=PipeEnd)


def _ours(
    make: Callable[[int, str], _End], fd: int, name: str, other: io.FileIO
) -> _End:
    try:
        return make(fd, name)
    except BaseException:
        os.close(fd)
        other.close()
        raise
