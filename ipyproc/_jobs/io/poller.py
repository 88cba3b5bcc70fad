"""What the event loop's thread sleeps on, epoll(7).

The module ``selectors`` does the same for files of any kind, and takes as long as all
else that the loop does for a short job.
"""

from __future__ import annotations

import os
import select
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE

from ipyproc._jobs.io.timers import Callback
from ipyproc._process.descriptors import opened_pipe


class Poller:
    """Descriptors that are watched, each with its callback, and a pipe to wake it.

    It is closed when nobody refers to it any more, so that nobody who is about to wake
    it writes into another file with the same number. All of it may be called from any
    thread, also while another one waits.
    """

    def __init__(self) -> None:
        self._fds: list[int] = []
        self._callbacks: dict[int, Callback] = {}
        self._epoll = select.epoll()
        opened_pipe(self._fds)
        for fd in self._fds:
            os.set_blocking(fd, False)
        # Not a method of ours: we would refer to ourselves, and never be closed.
        self.watch(self._fds[0], EVENT_READ, partial(_drain, self._fds[0]))

    def __del__(self) -> None:
        # An interrupt may have come before there was anything.
        if hasattr(self, "_epoll"):
            self._epoll.close()
        while getattr(self, "_fds", None):
            os.close(self._fds.pop())

    @property
    def is_idle(self) -> bool:
        """Whether nothing is watched but the pipe."""
        return len(self._callbacks) == 1

    def watch(self, fd: int, events: int, callback: Callback) -> None:
        """Watch *fd* for *events*, those of ``selectors``; ``KeyError`` if it is."""
        if fd in self._callbacks:
            raise KeyError(fd)
        reads = select.EPOLLIN if events & EVENT_READ else 0
        writes = select.EPOLLOUT if events & EVENT_WRITE else 0
        # In this order: the thread that waits may see it ready at once.
        self._callbacks[fd] = callback
        try:
            self._epoll.register(fd, reads | writes)
        except BaseException:
            self._callbacks.pop(fd, None)
            raise

    def unwatch(self, fd: int) -> None:
        """Stop that; harmless if *fd* is not watched."""
        if self._callbacks.pop(fd, None) is not None:
            with suppress(OSError):  # it was closed meanwhile
                self._epoll.unregister(fd)

    def wait(self, seconds: float | None) -> list[Callback]:
        """Wait until something is ready, and return the callbacks of all that is."""
        ready = self._epoll.poll(seconds, len(self._callbacks))
        found = (self._callbacks.get(fd) for fd, _ in ready)
        return [callback for callback in found if callback is not None]

    def wake(self) -> None:
        """Make ``wait`` return."""
        with suppress(BlockingIOError):  # a full pipe: it is about to wake anyway
            os.write(self._fds[1], b"!")


def _drain(fd: int) -> None:
    os.read(fd, 1 << 16)
