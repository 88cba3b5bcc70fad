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
import struct
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EINVAL
from typing import Any, TypeVar
from weakref import WeakSet

from ipyproc._process import broken_pipe
from ipyproc._process.descriptors import (
    LARGE_PIPE,
    USUAL_PIPE,
    close_last,
    move_last,
    opened,
    resize_pipe,
)
from ipyproc._process.threads import within_reach_of_signals
from ipyproc.errors import PathError, SyscallError


class PipeEnd(io.RawIOBase):
    """An end of a pipe that any thread may close at any time.

    A thread that blocks in it then gets the ``ValueError`` of a closed file. There is
    no lock, which a signal handler or a forked child could find locked for ever. A user
    joins before it looks whether the end is closed, and ``close`` looks for users after
    closing it: one of the two sees the other.
    """

    def __init__(self, held: list[int], name: str) -> None:
        """Take over the only descriptor in *held*."""
        super().__init__()
        self.name = name
        self._users: set[object] = set()
        # Those that are open: the bell, then the pipe.
        self._fds: list[int] = []
        _ends.add(self)
        opened(self._fds, os.eventfd, 0)
        move_last(held, self._fds)

    def __repr__(self) -> str:
        where = "closed" if self.closed else f"fd {self._fds[1]}"
        return f"<{type(self).__name__} {self.name} {where}>"

    def fileno(self) -> int:
        """Return the descriptor."""
        self._check_open()
        return self._fds[1]

    def fileno_unshared(self) -> int:
        """Return the descriptor to someone who only waits for it."""
        self._check_open()
        return self._fds[1]

    def close(self) -> None:
        """Close this end and wake the threads that block in it; again does nothing."""
        user = object()
        try:
            self._users.add(user)
            super().close()
            if len(self._users) > 1 and self._fds:
                os.eventfd_write(self._fds[0], 1)
        finally:
            self._users.discard(user)
            self._release_if_unused()

    def close_in_fork(self) -> None:
        """Close a forked child's copy, even if a thread of the parent was using it."""
        self._users.clear()
        self.close()

    def enlarge(self) -> None:
        """Enlarge the pipe, if the kernel allows this user a larger one."""
        with suppress(OSError), self._in_use("resize") as fd:
            resize_pipe([fd], LARGE_PIPE)

    @contextmanager
    def _in_use(self, op: str) -> Iterator[int]:
        user = object()
        try:
            self._users.add(user)
            self._check_open()
            yield self._fds[1]
        except OSError as error:
            raise PathError(op, self.name, error.errno or 0) from None
        finally:
            self._users.discard(user)
            self._release_if_unused()

    def _block(self, events: int) -> None:
        """Sleep until the pipe is ready or closed."""
        poll = select.poll()
        bell, fd = self._fds
        poll.register(fd, events)
        poll.register(bell, select.POLLIN)
        longest = within_reach_of_signals()
        while not poll.poll(longest and longest * 1000):
            pass
        self._check_open()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

    def _release_if_unused(self) -> None:
        while self.closed and not self._users and self._fds:
            close_last(self._fds)


#: The ends that exist, for the forks of this process.
_ends: WeakSet[PipeEnd] = WeakSet()


def _close_all_in_fork() -> None:
    """Close a forked child's copies of our ends: a command would not see the end."""
    for end in list(_ends):
        end.close_in_fork()


os.register_at_fork(after_in_child=_close_all_in_fork)


class PipeReader(PipeEnd):
    """The end from which we read a child's output."""

    #: Whether anything was read here, perhaps into a buffer.
    was_read = False
    #: How much is still to be read, if there will be no more.
    left: int | None = None

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, at least one byte; 0 is the end."""
        with self._in_use("read") as fd:
            if self.left is None:
                self._block(select.POLLIN)
            self.was_read = True
            if self.left is None:
                return os.readv(fd, [buffer])
            return self._read_left(fd, memoryview(buffer))

    def finish(self) -> None:
        """Let readers have what is there now, and then come to the end."""
        with self._in_use("read") as fd:
            os.set_blocking(fd, False)
            there = fcntl.ioctl(fd, termios.FIONREAD, bytes(struct.calcsize("i")))
            (self.left,) = struct.unpack("i", there)
            os.eventfd_write(self._fds[0], 1)

    def _read_left(self, fd: int, view: memoryview) -> int:
        assert self.left is not None
        try:
            count = os.readv(fd, [view[: self.left]]) if self.left else 0
        except BlockingIOError:  # some of it was just read
            count = 0
        self.left -= count
        return count

    def readall(self) -> bytes:
        """Read up to the end."""
        sink = io.BytesIO()
        for piece in self.pieces():
            sink.write(piece)
        return sink.getvalue()

    def pieces(self) -> Iterator[memoryview]:
        """Yield everything up to the end, in memory that the next piece overwrites."""
        view = memoryview(bytearray(USUAL_PIPE))
        while count := self.readinto(view):
            yield view[:count]
            if count == USUAL_PIPE == len(view):  # the pipe was full
                self.enlarge()
                view = memoryview(bytearray(LARGE_PIPE))


class BufferedPipe(io.BufferedReader):
    """A pipe that is read by lines, too."""

    def close(self) -> None:
        """Close the pipe below at once.

        The base class first waits for the lock that a reading thread holds: for ever,
        if that thread waits for data, or was not forked along.
        """
        self.raw.close()


class PipeWriter(PipeEnd):
    """The end into which we write a child's input. It has no buffer."""

    # A child that gets this descriptor shares its flags and expects it to block. So it
    # is non-blocking only until somebody asks for its number.
    _shared = False

    def __init__(self, held: list[int], name: str) -> None:
        """Take over the only descriptor in *held*."""
        os.set_blocking(held[0], False)
        super().__init__(held, name)

    def writable(self) -> bool:
        """Return true."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        self._check_open()
        self._shared = True
        os.set_blocking(self._fds[1], True)
        return self._fds[1]

    def write(self, data: Any) -> int:
        """Write all of *data*, however long that takes, and return its size."""
        view = memoryview(data).cast("B")
        left = view
        with self._in_use("write") as fd:
            while left:
                left = left[self._write_some(fd, left) :]
        return len(view)

    def write_some(self, view: memoryview) -> int:
        """Write what the pipe has room for, once it has any, and return how much."""
        with self._in_use("write") as fd:
            return self._write_some(fd, view)

    def write_now(self, data: Any) -> int:
        """Write what the pipe has room for, and return how much that was."""
        view = memoryview(data).cast("B")
        with self._in_use("write") as fd:
            return broken_pipe.write(fd, view) if view else 0

    def _write_some(self, fd: int, view: memoryview) -> int:
        if self._shared:  # once the pipe is ready, PIPE_BUF bytes never block
            self._block(select.POLLOUT)
            return broken_pipe.write(fd, view[: select.PIPE_BUF])
        try:
            return broken_pipe.write(fd, view)
        except BlockingIOError:
            self._block(select.POLLOUT)
            return 0


def from_child() -> tuple[PipeReader, io.FileIO]:
    """Make a pipe for a child's output: our end, and the child's."""
    reader, writer = _pipe()
    child = io.FileIO(writer, "w")
    return _ours(PipeReader, reader, "|0", child), child


def to_child() -> tuple[PipeWriter, io.FileIO]:
    """Make a pipe for a child's input: our end, and the child's."""
    reader, writer = _pipe()
    child = io.FileIO(reader)
    return _ours(PipeWriter, writer, "|1", child), child


def _pipe() -> tuple[int, int]:
    try:
        return os.pipe()
    except OSError as error:
        raise SyscallError("pipe2", error.errno or EINVAL) from None


_End = TypeVar("_End", bound=PipeEnd)


def _ours(
    make: Callable[[list[int], str], _End], fd: int, name: str, other: io.FileIO
) -> _End:
    held = [fd]
    try:
        return make(held, name)
    except BaseException as error:
        close_last(held)  # if the end has not taken it over
        other.close()
        if isinstance(error, OSError):  # none was left for the bell
            raise SyscallError("pipe2", error.errno or EINVAL) from None
        raise
