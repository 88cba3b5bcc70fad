"""Our ends of a job's pipes; the reactor reads and writes them."""

from __future__ import annotations

import array
import fcntl
import os
import selectors
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from termios import FIONREAD

from ipyproc._jobs.io.event_loop import READ_SIZE, Reactor

# Capacity of a pipe as it is made, on Linux.
_SMALL_PIPE = 1 << 16
_CAN_GROW = hasattr(fcntl, "F_SETPIPE_SZ")


class OutputPipe:
    """The end of a pipe from which a job's output is taken.

    *take* gets each piece, valid until it returns; *ended* is called once, at the end
    of the file.
    """

    def __init__(
        self,
        reactor: Reactor,
        fd: int,
        take: Callable[[memoryview], None],
        ended: Callable[[], None],
    ) -> None:
        self._reactor = reactor
        self.fd = fd
        self._take = take
        self._ended = ended
        self._may_grow = _CAN_GROW
        self.is_open = True
        os.set_blocking(fd, False)
        reactor.own(fd)

    def attach(self) -> None:
        """Begin to read."""
        self._reactor.watch(self.fd, selectors.EVENT_READ, self._ready)

    def drain(self) -> None:
        """Read what is in the pipe now, and no more than that."""
        left = self._size()
        while self.is_open and left >= 0:
            size = self._read()
            if not size:
                break
            left -= size

    def abort(self) -> None:
        """Close the pipe at once, whatever is in it. On the reactor's thread."""
        if self.is_open:
            self._close()

    def _ready(self) -> None:
        # It may have been drained and closed after the selector saw it ready.
        if self.is_open:
            self._read()

    def _read(self) -> int:
        try:
            size = os.readv(self.fd, [self._reactor.buffer])
        except BlockingIOError:
            return 0
        if size >= _SMALL_PIPE and self._may_grow:
            self._grow()
        if size:
            self._take(self._reactor.buffer[:size])
        else:
            self._close()
        return size

    def _grow(self) -> None:
        # Only the pipe of a job that prints more than fits. What all pipes of a user
        # may hold is limited, pipe(7), and beyond that other programs get tiny ones.
        self._may_grow = False
        with suppress(OSError):
            fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, READ_SIZE)

    def _size(self) -> int:
        size = array.array("i", [0])
        fcntl.ioctl(self.fd, FIONREAD, size)
        return size[0]

    def _close(self) -> None:
        self.is_open = False
        self._reactor.close(self.fd)
        self._ended()


class InputPipe:
    """The end of a pipe through which a job's standard input is written.

    ``send`` and ``close`` may be called from any thread and never block: what the
    process does not read yet waits in memory. *changed* is called when the pipe closes.
    """

    def __init__(self, reactor: Reactor, fd: int, changed: Callable[[], None]) -> None:
        self._reactor = reactor
        self.fd = fd
        self._changed = changed
        self._lock = threading.Lock()
        self._queue: deque[memoryview] = deque()
        self._closing = False
        self._closed = False
        self._watched = False
        os.set_blocking(fd, False)
        reactor.own(fd)

    @property
    def is_open(self) -> bool:
        """Whether more can be sent."""
        return not self._closing

    def send(self, data: bytes) -> bool:
        """Have *data* written after what was sent before; ``False`` if closed."""
        with self._lock:
            if self._closing:
                return False
            self._queue.append(memoryview(data))
        self._reactor.call_soon(self._flush)
        return True

    def close(self) -> None:
        """Have the pipe closed after what was sent before."""
        with self._lock:
            self._closing = True
        self._reactor.call_soon(self._flush)

    def abort(self) -> None:
        """Close the pipe at once: nobody reads any more. On the reactor's thread."""
        with self._lock:
            self._closing = True
            self._queue.clear()
        self._flush()

    def _flush(self) -> None:
        if self._closed:
            return
        try:
            self._write_some()
        except OSError:  # EPIPE: the process closed its end
            self.abort()
            return
        if self._queue:
            self._watch()
        elif self._closing:
            self._close()
        elif self._watched:
            self._watched = False
            self._reactor.unwatch(self.fd)

    def _write_some(self) -> None:
        written = 0
        while self._queue and written < READ_SIZE:
            data = self._queue[0]
            try:
                size = os.write(self.fd, data)
            except BlockingIOError:
                return
            written += size
            if size < len(data):
                self._queue[0] = data[size:]
            else:
                self._queue.popleft()

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            self._reactor.watch(self.fd, selectors.EVENT_WRITE, self._flush)

    def _close(self) -> None:
        self._closed = True
        self._reactor.close(self.fd)
        self._changed()
