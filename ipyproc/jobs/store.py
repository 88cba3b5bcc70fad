"""Where captured bytes lie: in memory, in a file, or first in one, then the other."""

from __future__ import annotations

import os
import tempfile
import weakref
from typing import Protocol


class Store(Protocol):
    """Bytes at addresses from 0 on; what was never written may not be read."""

    def write(self, address: int, data: memoryview) -> None:
        """Put *data* at *address*; ``OSError`` if there is no room for it."""

    def read(self, address: int, size: int) -> bytes:
        """Give *size* bytes from *address* on."""


class Memory:
    """A store in memory, as large as its highest address."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, address: int, data: memoryview) -> None:
        """Put *data* at *address*."""
        if address > len(self._bytes):
            self._bytes.extend(bytes(address - len(self._bytes)))
        inside = len(self._bytes) - address
        if inside:
            with memoryview(self._bytes) as view:
                view[address : address + len(data)] = data[:inside]
        self._bytes += data[inside:]

    def read(self, address: int, size: int) -> bytes:
        """Give *size* bytes from *address* on."""
        with memoryview(self._bytes) as view:
            return bytes(view[address : address + size])


class TemporaryFile:
    """A store in a file without a name, made with the first write.

    It lies in the directory that ``tempfile`` chooses (``$TMPDIR``), and its room is
    free again once the store is forgotten.
    """

    def __init__(self) -> None:
        self._fd = -1

    def write(self, address: int, data: memoryview) -> None:
        """Put *data* at *address*; ``OSError`` if the disk is full, for one."""
        if self._fd < 0:
            self._open()
        while data:
            written = os.pwrite(self._fd, data, address)
            address, data = address + written, data[written:]

    def read(self, address: int, size: int) -> bytes:
        """Give *size* bytes from *address* on, 2 GiB at most."""
        return os.pread(self._fd, size, address)

    def _open(self) -> None:
        # A bare descriptor: a file object that nobody closed would complain when it is
        # forgotten, and only its owner's end says when this one is no longer needed.
        with tempfile.TemporaryFile(buffering=0) as file:
            self._fd = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._fd).atexit = False


class Spliced:
    """Two stores: the addresses below *boundary* lie in *low*, the others in *high*."""

    def __init__(self, low: Store, boundary: int, high: Store) -> None:
        self._low = low
        self._boundary = boundary
        self._high = high

    def write(self, address: int, data: memoryview) -> None:
        """Put *data* at *address*, in both stores if it crosses the boundary."""
        below = max(0, self._boundary - address)
        if below:
            self._low.write(address, data[:below])
        if data[below:]:
            self._high.write(address + below - self._boundary, data[below:])

    def read(self, address: int, size: int) -> bytes:
        """Give *size* bytes from *address* on."""
        below = min(size, max(0, self._boundary - address))
        if not below:
            return self._high.read(address - self._boundary, size)
        low = self._low.read(address, below)
        return low + self._high.read(0, size - below) if size > below else low
