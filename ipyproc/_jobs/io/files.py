"""Files that a detached job prints into, read while they grow."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from ipyproc._jobs.io.event_loop import READ_SIZE, Reactor, Timer

# Nothing becomes ready when a file grows: it is looked at, more seldom while it rests.
_FIRST_NAP: Final = 0.02
_LONGEST_NAP: Final = 0.25
# Reads before the others have their turn.
_IN_A_ROW: Final = 16


class OutputFile:
    """A file that grows, from which a job's output is taken; as an ``OutputPipe``.

    It is left at the end of the job: what others may still add is in the file.
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
        self._offset = 0
        self._nap = _FIRST_NAP
        self._timer: Timer | None = None
        self.is_open = True
        reactor.own(fd)

    def attach(self) -> None:
        """Begin to look."""
        self._reactor.call_soon(self._look)

    def drain(self) -> None:
        """Read what is in the file now, and leave it. On the reactor's thread."""
        left = os.fstat(self.fd).st_size - self._offset
        while left > 0 and (size := self._read()):
            left -= size
        self.abort()

    def abort(self) -> None:
        """Leave the file at once. On the reactor's thread."""
        if self.is_open:
            self.is_open = False
            if self._timer:
                self._timer.cancel()
            self._reactor.close(self.fd)
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
        self._timer = self._reactor.call_later(nap, self._look)

    def _read(self) -> int:
        if os.fstat(self.fd).st_size < self._offset:
            # Somebody made it shorter, as those do who rotate logs: what comes next
            # comes at its new end.
            self._offset = 0
        size = os.preadv(self.fd, [self._reactor.buffer[:READ_SIZE]], self._offset)
        if size:
            self._offset += size
            self._take(self._reactor.buffer[:size])
        return size
