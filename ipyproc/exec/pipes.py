"""Our ends of the pipes to and from a child, as binary file objects.

An ordinary file object must not be closed while another thread blocks on it: the thread
sleeps on, and when it wakes, its descriptor's number may belong to another file. Here
``close`` wakes the blocked threads, and the last of them closes the descriptor.
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

#: The size of a new pipe, unless the user has too many pipes.
USUAL_SIZE = 1 << 16
#: The most that an ordinary user may ask for; for a stream that fills the usual size.
LARGE_SIZE = 1 << 20


class PipeEnd(io.RawIOBase):
    """An end of a pipe that any thread may close at any time.

    A thread that blocks in it then gets the ``ValueError`` of a closed file.
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
        """Close this end and wake the threads that block in it; again does nothing."""
        with self._lock:
            super().close()
            if self._users:
                os.eventfd_write(self._bell, 1)
            self._release_if_unused()

    def enlarge(self) -> None:
        """Enlarge the pipe, if the kernel allows this user a larger one."""
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
        # One after the other, each forgotten before it is closed: an interrupt must not
        # close a descriptor twice.
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)
        if self._bell >= 0:
            bell, self._bell = self._bell, -1
            os.close(bell)


class PipeReader(PipeEnd):
    """The end from which we read a child's output."""

    #: Whether anything was read here, perhaps into a buffer.
    was_read = False

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, at least one byte; 0 is the end."""
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
        """Pass everything up to the end to *write*, in pieces that it must not keep."""
        view = memoryview(bytearray(USUAL_SIZE))
        while count := self.readinto(view):
            write(view[:count])
            if count == USUAL_SIZE == len(view):  # the pipe was full
                self.enlarge()
                view = memoryview(bytearray(LARGE_SIZE))


class PipeWriter(PipeEnd):
    """The end into which we write a child's input. It has no buffer."""

    # A child that gets this descriptor shares its flags and expects it to block. So it
    # is non-blocking only until somebody asks for its number.
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
        """Write what the pipe has room for, and return how much that was."""
        view = memoryview(data).cast("B")
        with self._in_use("write") as fd:
            return os.write(fd, view) if view else 0

    def _write_some(self, fd: int, view: memoryview) -> int:
        if self._shared:  # once the pipe is ready, PIPE_BUF bytes never block
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
