"""A connection that is a socket, by two descriptors; and how one over TCP is made."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from errno import EINPROGRESS
from selectors import EVENT_WRITE
from typing import Final

from ipyproc._jobs.io.event_loop import EventLoop
from ipyproc._jobs.io.timers import Timer
from ipyproc.hosts._way import Way

# On, and for no second: to close it then is to break it.
_BREAK: Final = struct.pack("ii", 1, 0)


class SocketWay(Way):
    """A socket that is connected."""

    def __init__(self, loop: EventLoop, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        with suppress(OSError):  # it is none of TCP
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        output = os.dup(sock.fileno())
        super().__init__(loop, sock.detach(), output)

    @property
    def complaint(self) -> str:
        """Nothing: a socket says nothing of a failure."""
        return ""

    def end_output(self) -> None:
        """Send the end of our side, once all was sent: an orderly end."""
        if self._output_open:
            self._output_open = False
            with _socket(self.output) as sock, suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
            self._loop.close(self.output)

    def close(self) -> None:
        """Break it: the other side sees that this is no orderly end."""
        if self._is_open:
            self._is_open = False
            if self._output_open:
                self._output_open = False
                with _socket(self.input) as sock, suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _BREAK)
                self._loop.close(self.output)
            self._loop.close(self.input)
            self.gone.set()

    def when_ended(self, tell: Callable[[str], None]) -> None:
        """Call *tell*: there is no more to be learnt of its end."""
        tell("the connection was closed")


class Connecting:
    """Connects to an address, and calls one of the two once, later."""

    def __init__(
        self,
        loop: EventLoop,
        address: tuple[str, int],
        patience: float,
        opened: Callable[[socket.socket], None],
        failed: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._opened = opened
        self._failed = failed
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._sock = socket.socket(family, socket.SOCK_STREAM)
        self._sock.setblocking(False)
        self._timer: Timer = loop.call_later(patience, lambda: self._end("timed out"))
        self._is_over = False
        error = self._sock.connect_ex(address)
        if error in (0, EINPROGRESS):
            loop.watch(self._sock.fileno(), EVENT_WRITE, self._ready)
        else:
            loop.call_soon(lambda: self._end(os.strerror(error)))

    def _ready(self) -> None:
        error = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self._end(os.strerror(error) if error else None)

    def _end(self, why: str | None) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._timer.cancel()
        self._loop.unwatch(self._sock.fileno())
        if why is None:
            self._opened(self._sock)
        else:
            self._sock.close()
            self._failed(why)


def _socket(fd: int) -> socket.socket:
    """The socket behind a descriptor, by another one."""
    return socket.socket(fileno=os.dup(fd))
