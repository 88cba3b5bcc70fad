"""Our ends of a job's pipes; the event loop reads and writes them."""

from __future__ import annotations

import array
import fcntl
import os
import selectors
from collections import deque
from collections.abc import Callable
from termios import FIONREAD
from typing import Final

from ipyproc._jobs.io.event_loop import READ_SIZE, EventLoop
from ipyproc._jobs.io.timers import Timer
from ipyproc._process import broken_pipe
from ipyproc._process.descriptors import USUAL_PIPE

# Nothing becomes ready when a file grows: it is looked at, more seldom while it rests.
_FIRST_NAP: Final = 0.02
_LONGEST_NAP: Final = 0.25
#: A piece that is still in the processor's cache when it is written to a file. So it
#: takes less time than splice(2), which copies page by page.
PIECE: Final = 1 << 18
# Reads before the others have their turn.
_IN_A_ROW: Final = 16


class OutputPipe:
    """The end of a pipe from which a job's output is taken.

    *take* gets each piece, valid until it returns; *ended* is called once, at the end
    of the file.
    """

    def __init__(
        self,
        loop: EventLoop,
        fd: int,
        take: Callable[[memoryview], None],
        ended: Callable[[], None],
    ) -> None:
        self._loop = loop
        self.fd = fd
        self._take = take
        self._ended = ended
        self._may_grow = True
        self.is_open = True
        os.set_blocking(fd, False)
        loop.own(fd)

    def attach(self) -> None:
        """Begin to read."""
        self._loop.watch(self.fd, selectors.EVENT_READ, self._ready)

    def drain(self) -> None:
        """Read what is in the pipe now, and no more than that.

        On the event loop's thread.
        """
        left = self._size()
        while self.is_open and left >= 0:
            size = self._read()
            if not size:
                break
            left -= size

    def abort(self) -> None:
        """Close the pipe at once, whatever is in it. On the event loop's thread."""
        if self.is_open:
            self._close()

    def _ready(self) -> None:
        # It may have been drained and closed after the selector saw it ready.
        if not self.is_open:
            return
        share, size = self._loop.pace.share, 0
        while size < share:
            most = min(share - size, PIECE)
            piece = self._read(most)
            size += piece
            if piece < most:  # there is no more
                break
        self._loop.pace.note(size)

    def _read(self, most: int = PIECE) -> int:
        try:
            size = os.readv(self.fd, [self._loop.buffer[:most]])
        except BlockingIOError:
            return 0
        if size >= USUAL_PIPE and self._may_grow:
            # Only the pipe of a job that prints more than fits.
            self._may_grow = False
            self._loop.pipe_space.enlarge(self.fd)
        if not size:
            self._close()
        else:
            self._take(self._loop.buffer[:size])
        return size

    def _size(self) -> int:
        size = array.array("i", [0])
        fcntl.ioctl(self.fd, FIONREAD, size)
        return size[0]

    def _close(self) -> None:
        self.is_open = False
        self._loop.pipe_space.free(self.fd)
        self._let_go()
        self._ended()

    def _let_go(self) -> None:
        self._loop.close(self.fd)


class OutputFile:
    """A file that grows, from which a job's output is taken; as an ``OutputPipe``.

    It is left at the end of the job: what others may still add is in the file. What
    *note* says is where it belongs is not read.
    """

    def __init__(
        self,
        loop: EventLoop,
        fd: int,
        take: Callable[[memoryview], None],
        ended: Callable[[], None],
        note: Callable[[int], bool] = lambda size: False,
    ) -> None:
        self._loop = loop
        self.fd = fd
        self._take = take
        self._ended = ended
        self._note = note
        self._offset = 0
        self._nap = _FIRST_NAP
        self._timer: Timer | None = None
        self.is_open = True
        loop.own(fd)

    def attach(self) -> None:
        """Begin to look."""
        self._loop.call_soon(self._look)

    def catch_up(self) -> None:
        """Read what is in the file now. Before ``attach``."""
        while self._read():
            pass

    def drain(self) -> None:
        """Read what is in the file now, and leave it. On the event loop's thread."""
        left = os.fstat(self.fd).st_size - self._offset
        while left > 0 and (size := self._read()):
            left -= size
        self.abort()

    def abort(self) -> None:
        """Leave the file at once. On the event loop's thread."""
        if self.is_open:
            self.is_open = False
            if self._timer:
                self._timer.cancel()
            self._loop.close(self.fd)
            self._ended()

    def _look(self) -> None:
        if not self.is_open:
            return
        reads = 0
        while reads < _IN_A_ROW and self._read():
            reads += 1
        if reads == _IN_A_ROW:
            nap = 0.0
        else:
            nap = self._nap = _FIRST_NAP if reads else min(2 * self._nap, _LONGEST_NAP)
        self._timer = self._loop.call_later(nap, self._look)

    def _read(self) -> int:
        # If somebody has made it shorter, nothing is new until it is as long again.
        left = os.fstat(self.fd).st_size - self._offset
        if left <= 0:
            return 0
        if self._note(left):
            self._offset += left
            return left
        size = os.preadv(self.fd, [self._loop.buffer[:READ_SIZE]], self._offset)
        self._offset += size
        self._take(self._loop.buffer[:size])
        return size


class InputPipe:
    """The end of a pipe through which a job's standard input is written.

    ``send`` and ``close`` may be called from any thread and never block: what the
    process does not read yet waits in memory. *changed* is called when the pipe closes.
    """

    def __init__(self, loop: EventLoop, fd: int, changed: Callable[[], None]) -> None:
        self._loop = loop
        self.fd = fd
        self._changed = changed
        self._queue: deque[memoryview] = deque()
        self._closing = False
        self._closed = False
        self._watched = False
        os.set_blocking(fd, False)
        loop.own(fd)

    @property
    def is_open(self) -> bool:
        """Whether more can be sent."""
        return not self._closing

    @property
    def waiting(self) -> int:
        """How many bytes were sent that the process did not take yet."""
        return sum(map(len, self._queue.copy()))

    def send(self, data: bytes) -> bool:
        """Write *data* after what was sent before; ``False`` if closed."""
        if self._closing:
            return False
        self._queue.append(memoryview(data))
        self._loop.call_soon(self._flush)
        return True

    def close(self) -> None:
        """Close the pipe after what was sent before."""
        self._closing = True
        self._loop.call_soon(self._flush)

    def abort(self) -> None:
        """Close the pipe at once: nobody reads any more. On the event loop's thread."""
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
            self._loop.unwatch(self.fd)

    def _write_some(self) -> None:
        written = 0
        while self._queue and written < READ_SIZE:
            data = self._queue[0]
            try:
                size = broken_pipe.write(self.fd, data)
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
            self._loop.watch(self.fd, selectors.EVENT_WRITE, self._flush)

    def _close(self) -> None:
        self._closed = True
        self._loop.close(self.fd)
        self._changed()
