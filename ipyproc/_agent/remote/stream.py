"""One connection to an agent: two descriptors, and what is under way on them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE
from typing import Protocol

from ipyproc._agent.protocol.client import Client, RefusedError, Wire
from ipyproc._agent.protocol.frames import ProtocolError
from ipyproc._jobs.io.event_loop import EventLoop
from ipyproc._jobs.io.timers import Once

# The most that is written before others have their turn.
_PIECE = 1 << 16


class Stream(Protocol):
    """What a dialer has opened: descriptors that the event loop owns."""

    #: From the agent, and to it; both do not block.
    input: int
    output: int
    #: What came from the agent behind the greeting.
    early: bytes
    #: Happens once nothing of it is left, some time after ``close``.
    gone: Once

    @property
    def is_ahead(self) -> bool:
        """Whether it has more that was read already, and makes nothing ready."""

    def read(self, buffer: memoryview) -> int:
        """Read into *buffer*, and return how much; 0 is the end, and ``OSError``."""

    def write(self, data: memoryview) -> int:
        """Write some of *data*, and return how much."""

    def close(self) -> None:
        """Close both at once, and end what is behind them."""

    def end_output(self) -> None:
        """Close what goes to the agent: an orderly end."""


class Dialer(Protocol):
    """What opens connections to one agent. On the event loop's thread."""

    def dial(
        self, opened: Callable[[Stream], None], failed: Callable[[OSError], None]
    ) -> None:
        """Open one, and call one of the two once, later."""


class End:
    """Our end of one connection; on the event loop's thread only.

    *heard* is called after something came, *closed* once, with the reason; neither
    before it has begun.
    """

    def __init__(
        self,
        loop: EventLoop,
        client: Client,
        stream: Stream,
        heard: Callable[[], None],
        closed: Callable[[End, str], None],
    ) -> None:
        self._loop = loop
        self._client = client
        self._stream = stream
        self._heard = heard
        self._closed = closed
        self._is_open = True
        self._output_open = True
        self._is_full = False
        self.opened_at = time.monotonic()
        self.wire: Wire = client.open(self.opened_at)

    def begin(self) -> None:
        """Listen, and say what there is to say; it may be closed by that."""
        self._loop.watch(self._stream.input, EVENT_READ, self._read)
        if self._stream.early:
            self._take(memoryview(self._stream.early))
        self.flush()

    @property
    def gone(self) -> Once:
        """Happens once nothing of its stream is left."""
        return self._stream.gone

    def flush(self) -> None:
        """Send what there is to send."""
        outgoing = self.wire.outgoing
        try:
            while outgoing and self._output_open and not self._is_full:
                with memoryview(outgoing) as view, view[:_PIECE] as piece:
                    size = self._stream.write(piece)
                del outgoing[:size]
                if not size:
                    self._is_full = True
                    self._loop.watch(self._stream.output, EVENT_WRITE, self._writable)
        except OSError as error:
            self.close(f"nothing can be sent: {error.strerror}")

    def end_output(self) -> None:
        """Close what goes to the agent, once all was sent."""
        if self._output_open:
            self._output_open = False
            if self._is_full:
                self._loop.unwatch(self._stream.output)
            self._stream.end_output()

    def close(self, reason: str) -> None:
        """Close it at once."""
        if self._is_open:
            self._is_open = self._output_open = False
            self._client.closed(self.wire)
            self._stream.close()
            self._closed(self, reason)

    def _writable(self) -> None:
        self._loop.unwatch(self._stream.output)
        self._is_full = False
        self.flush()

    def _read(self) -> None:
        self._read_once()
        while self._is_open and self._stream.is_ahead:
            self._read_once()

    def _read_once(self) -> None:
        if not self._is_open:
            return
        try:
            size = self._stream.read(self._loop.buffer)
        except BlockingIOError:
            return
        except OSError as error:
            self.close(f"nothing can be read: {error.strerror}")
            return
        if not size:
            self.close("the connection has ended")
            return
        self._take(self._loop.buffer[:size])
        self.flush()

    def _take(self, data: memoryview) -> None:
        try:
            self._client.received(self.wire, data, time.monotonic())
        except (ProtocolError, RefusedError) as error:
            self.close(str(error))
            return
        with suppress(RuntimeError):
            self._heard()
