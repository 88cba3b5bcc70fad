"""What the scenarios of kind cmd give a command to read from and to write to."""

from __future__ import annotations

import base64
import io
import os
import threading
import time
from contextlib import ExitStack
from typing import Any

from tests.conformance.values import UserError


class Reader:
    """Gives its data, and fails instead of ending if *error* says so."""

    def __init__(self, data: bytes, error: str) -> None:
        self._data = io.BytesIO(data)
        self._error = error

    def read(self, size: int) -> bytes:
        """Read, or fail at the end."""
        chunk = self._data.read(size)
        if not chunk:
            raise UserError(self._error)
        return chunk


class Endless:
    """Never ends."""

    def read(self, size: int) -> bytes:
        """Return as much as is asked for."""
        return b"x" * size


class Sink:
    """Keeps what is written to it."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        """Keep *data*."""
        self.data += data
        return len(data)


class Failing(Sink):
    """Takes so many bytes and then fails."""

    def __init__(self, text: str, room: int) -> None:
        super().__init__()
        self._text = text
        self._room = room

    def write(self, data: bytes) -> int:
        """Keep what there is room for."""
        taken = super().write(data[: self._room])
        self._room -= taken
        if taken < len(data):
            raise UserError(self._text)
        return taken


class Counting(Sink):
    """Notes whether two writes ever overlapped."""

    def __init__(self) -> None:
        super().__init__()
        self.overlap = False
        self._lock = threading.Lock()
        self._inside = 0

    def write(self, data: bytes) -> int:
        """Keep *data*, slowly."""
        with self._lock:
            self._inside += 1
            self.overlap |= self._inside > 1
            super().write(data)
        time.sleep(0.001)
        with self._lock:
            self._inside -= 1
        return len(data)


def reader(spec: dict[str, Any], cleanup: ExitStack) -> Any:
    """Make what a command reads from."""
    if spec.get("infinite"):
        return Endless()
    if "file" in spec:
        fd = os.open(spec["file"], os.O_RDONLY)
        os.lseek(fd, spec.get("seek", 0), os.SEEK_SET)
        return cleanup.enter_context(open(fd, "rb"))
    data = _data(spec)
    if "error" in spec:
        return Reader(data, spec["error"])
    # Both ways to give bytes, each for about half of the scenarios.
    return data if "text" in spec else io.BytesIO(data)


def writer(spec: Any, terminal: str | None, cleanup: ExitStack) -> Any:
    """Make what a command writes to."""
    if isinstance(spec, str):
        return {"buffer": io.BytesIO, "counter": Counting, "discard": Sink}[spec]()
    if "bad" in spec:
        return Failing(spec["bad"], spec.get("after", 0))
    if "file" in spec:
        return cleanup.enter_context(open(spec["file"], "wb"))
    fd = os.open(str(terminal), os.O_RDWR | os.O_NOCTTY)
    return cleanup.enter_context(open(fd, "r+b", buffering=0))


def _data(spec: dict[str, Any]) -> bytes:
    if "repeat" in spec:
        text, times = spec["repeat"]
        repeated: str = text * times
        return repeated.encode()
    return base64.b64decode(spec.get("b64", "")) or spec.get("text", "").encode()
