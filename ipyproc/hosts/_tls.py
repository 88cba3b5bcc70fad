"""A connection that is a socket with TLS; and how that begins."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE

from ipyproc._jobs.io.event_loop import EventLoop
from ipyproc._jobs.io.timers import Timer
from ipyproc._process import broken_pipe
from ipyproc.hosts._socket import SocketWay


class TlsWay(SocketWay):
    """A socket on which both sides have shown their certificates."""

    def __init__(self, loop: EventLoop, sock: ssl.SSLSocket) -> None:
        # The loop owns its descriptor, and closes it.
        super().__init__(loop, socket.socket(fileno=sock.fileno()))
        self._sock = sock

    @property
    def is_ahead(self) -> bool:
        """Whether it has more that was read already, and makes nothing ready."""
        return self._is_open and self._sock.pending() > 0

    def read(self, buffer: memoryview) -> int:
        """Read into *buffer*, and return how much; 0 is the end."""
        try:
            return self._sock.recv_into(buffer)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        except ssl.SSLEOFError:  # the other side has closed it, and not TLS before
            return 0

    def write(self, data: memoryview) -> int:
        """Write some of *data*, and return how much."""
        with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return broken_pipe.call(self._sock.send, data)
        return 0

    def close(self) -> None:
        """Break it: the other side sees that this is no orderly end."""
        self._sock.detach()
        super().close()


class Handshake:
    """Shows our certificate and looks at theirs, and calls one of the two once."""

    def __init__(
        self,
        loop: EventLoop,
        sock: ssl.SSLSocket,
        patience: float,
        done: Callable[[ssl.SSLSocket], None],
        failed: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._done = done
        self._failed = failed
        self._is_over = False
        self._timer: Timer = loop.call_later(patience, lambda: self._end("timed out"))
        loop.call_soon(self._step)

    def _step(self) -> None:
        if self._is_over:
            return
        self._loop.unwatch(self._sock.fileno())
        try:
            self._sock.do_handshake()
        except ssl.SSLWantReadError:
            self._loop.watch(self._sock.fileno(), EVENT_READ, self._step)
        except ssl.SSLWantWriteError:
            self._loop.watch(self._sock.fileno(), EVENT_WRITE, self._step)
        except (OSError, ValueError) as error:
            self._end(str(error))
        else:
            self._end(None)

    def _end(self, why: str | None) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._timer.cancel()
        if why is None:
            self._done(self._sock)
            return
        self._loop.unwatch(self._sock.fileno())
        self._sock.close()
        self._failed(why)
