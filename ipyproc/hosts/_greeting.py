"""What is said on a connection before the agent is at its other end."""

from __future__ import annotations

from collections.abc import Callable
from selectors import EVENT_READ, EVENT_WRITE
from typing import Final, Generic, TypeVar

from ipyproc._agent import bundle
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.io.timers import Timer
from ipyproc.hosts._way import Way

#: How long it may take until there is a connection, in seconds.
PATIENCE: Final = 30.0
# The most that is read before the marker, of whatever a login prints.
_LONGEST_BANNER: Final = 1 << 20


_Way = TypeVar("_Way", bound=Way)


class Greeting(Generic[_Way]):
    """What is said on a connection before the agent is at its other end."""

    def __init__(
        self,
        name: str,
        way: _Way,
        marker: bytes,
        opened: Callable[[_Way], None],
        failed: Callable[[OSError], None],
        patience: float = PATIENCE,
    ) -> None:
        self._name = name
        self._way = way
        self._marker = marker
        self._opened = opened
        self._failed = failed
        self._loop = event_loop()
        #: The beginning of the command, for errors.
        self.shown = ""
        #: What the program there waits for.
        self.relay = b""
        self._seen = b""
        self._out = memoryview(b"")
        self._is_over = False
        self._patience = patience
        self._timer: Timer = self._loop.call_later(patience, self._time_out)
        self._loop.watch(way.input, EVENT_READ, self._read)

    def send(self, data: bytes) -> None:
        """Send *data* behind what was sent."""
        was_empty = not self._out
        self._out = memoryview(bytes(self._out) + data)
        if was_empty:
            self._loop.watch(self._way.output, EVENT_WRITE, self._write)

    def _write(self) -> None:
        if self._is_over:
            return
        try:
            size = self._way.write(self._out)
        except OSError:  # its end says why
            size = len(self._out)
        self._out = self._out[size:]
        if not self._out:
            self._loop.unwatch(self._way.output)

    def _read(self) -> None:
        self._read_once()
        while self._way.is_ahead and not self._is_over:
            self._read_once()

    def _read_once(self) -> None:
        if self._is_over:
            return
        try:
            size = self._way.read(self._loop.buffer)
        except BlockingIOError:
            return
        data = bytes(self._loop.buffer[:size])
        self._seen += data
        if not data:
            self._way.when_ended(self._has_ended)
        elif len(self._seen) > _LONGEST_BANNER:
            self._fail(f"{self._name} prints without end, and is no host")
        while (line := self._next_line()) is not None:
            self._hear(line)

    def _next_line(self) -> bytes | None:
        """Return what follows the next marker, to the end of its line."""
        if self._is_over:
            return None
        _, found, rest = self._seen.partition(b"\n" + self._marker + b" ")
        line, end, behind = rest.partition(b"\n")
        if not found or not end:
            return None
        self._seen = behind
        return line

    def _hear(self, line: bytes) -> None:
        word, _, text = line.decode(errors="replace").partition(" ")
        match word:
            case "shell":
                self.send(self.relay)
            case "load":
                self.send(bundle.agent(text))
            case "open" | "began":
                self._end()
                self._way.early = self._seen
                self._opened(self._way)
            case "none":
                found = text.rstrip(",") or "there is none"
                self._fail(f"{self._name} needs Python 3.11 or newer: {found}")
            case _:
                self._fail(f"{self._name}: {text}")

    def _has_ended(self, how: str) -> None:
        if not self._is_over:
            said = self._way.complaint or "it said nothing"
            self._fail(f"{self._name}: {self.shown}: {how}: {said}")

    def _time_out(self) -> None:
        text = f"{self._name} did not answer within {self._patience:g} s"
        if self._way.complaint:
            text += f": {self._way.complaint}"
        self._fail(text)

    def _end(self) -> None:
        self._is_over = True
        self._timer.cancel()
        self._loop.unwatch(self._way.input)
        self._loop.unwatch(self._way.output)

    def _fail(self, text: str) -> None:
        self._end()
        self._way.close()
        self._failed(ConnectionError(text))
