"""A socket of the agent: what arrives goes to a session, what that says is sent."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable
from selectors import EVENT_READ, EVENT_WRITE
from typing import Final

from ipyproc._agent.protocol.session import Session
from ipyproc._jobs.io.event_loop import EventLoop

# The most that is sent before other connections, and the jobs, have their turn.
_IN_A_ROW: Final = 1 << 20
_PIECE: Final = 1 << 17
# The most open files that are taken from one connection.
_MOST_FILES: Final = 3


class Connection:
    """One connection; on the event loop's thread only. *closed* is called once."""

    def __init__(
        self,
        loop: EventLoop,
        sock: socket.socket,
        session: Session,
        closed: Callable[[Connection], None],
    ) -> None:
        self._loop = loop
        self._session = session
        self._closed = closed
        sock.setblocking(False)
        self._fd = sock.detach()
        self._pending = memoryview(b"")
        self._events = 0
        self._is_open = True
        self._will_flush = False
        #: Those that came with what was received; they are closed with it.
        self.files: list[int] = []
        loop.own(self._fd)
        session.wake = self._wake
        self._watch()

    @property
    def handed(self) -> str:
        """The word for its open files; empty if it is a client's."""
        return self._session.handed

    def close(self) -> None:
        """Close it at once."""
        if self._is_open:
            self._is_open = False
            for fd in (self._fd, *self.files):
                self._loop.close(fd)
            self.files.clear()
            self._closed(self)

    def _wake(self) -> None:
        # Not at once: the caller may have more to say, or be in the middle of a change.
        if not self._will_flush and not self._pending:
            self._will_flush = True
            self._loop.call_soon(self._flush)

    def _watch(self) -> None:
        events = 0 if self._session.is_choked else EVENT_READ
        events |= EVENT_WRITE if self._pending else 0
        if events != self._events:
            if self._events:
                self._loop.unwatch(self._fd)
            self._events = events
            if events:
                self._loop.watch(self._fd, events, self._ready)

    def _ready(self) -> None:
        if self._is_open and not self._session.is_choked:
            self._read()
        if self._is_open:
            self._flush()

    def _read(self) -> None:
        try:
            size = self._receive()
        except BlockingIOError:
            return
        except OSError:  # it was reset: no orderly end
            self._session.ended(orderly=False)
            self.close()
            return
        if size:
            self._session.received(self._loop.buffer[:size], time.monotonic())
            return
        self._session.ended(orderly=not self._is_broken())
        self.close()

    def _receive(self) -> int:
        """Receive into the loop's buffer, and what files come before a HELLO."""
        if self._session.known is not None:
            return os.readv(self._fd, [self._loop.buffer])
        with socket.socket(fileno=os.dup(self._fd)) as sock:
            wanted = _MOST_FILES - len(self.files), socket.MSG_CMSG_CLOEXEC
            data, files, _, _ = socket.recv_fds(sock, _PIECE, *wanted)
        for fd in files:
            self._loop.own(fd)
            self.files.append(fd)
        self._loop.buffer[: len(data)] = data
        return len(data)

    def _is_broken(self) -> bool:
        """Whether a relay was ended, and did not come to the end of its input.

        That one closes its half of the connection only.
        """
        if not self._session.is_relayed:
            return False
        poll = select.poll()
        poll.register(self._fd, 0)
        return any(
            events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0)
        )

    def _flush(self) -> None:
        self._will_flush = False
        if not self._is_open:
            return
        sent = 0
        try:
            while sent < _IN_A_ROW and self._fill():
                size = os.write(self._fd, self._pending)
                sent += size
                self._pending = self._pending[size:]
        except BlockingIOError:
            pass
        except OSError:  # nobody reads any more
            self._session.ended(orderly=False)
            self.close()
            return
        if self._session.is_over and not self._pending:
            self.close()
            return
        if sent >= _IN_A_ROW and not self._pending:
            self._wake()
        self._watch()

    def _fill(self) -> bool:
        if not self._pending:
            now = time.monotonic()
            self._pending = memoryview(self._session.pull(_PIECE, now))
        return bool(self._pending)
