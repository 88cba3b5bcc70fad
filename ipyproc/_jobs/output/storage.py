"""Where captured bytes lie: in memory, in a file, or first in one, then the other."""

from __future__ import annotations

import weakref
from typing import Protocol

from ipyproc._jobs.output.spill import Archive, NamelessFile


class Store(Protocol):
    """Bytes at addresses from 0 on; what was never written may not be read."""

    def write(self, address: int, data: memoryview) -> None:
        """Put *data* at *address*; ``OSError`` if there is no room for it."""

    def read(self, address: int, size: int) -> bytes:
        """Return *size* bytes from *address* on."""

    @property
    def in_memory(self) -> int:
        """How many of the bytes are in memory."""

    def moved_to(self, archive: Archive) -> Store:
        """Return a store with the same bytes, of which none are in memory."""


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
        """Return *size* bytes from *address* on."""
        with memoryview(self._bytes) as view:
            return bytes(view[address : address + size])

    @property
    def in_memory(self) -> int:
        """How many bytes there are."""
        return len(self._bytes)

    def moved_to(self, archive: Archive) -> Store:
        """Return a store of which the bytes up to now are in *archive*."""
        size = len(self._bytes)
        if not size:
            return self
        with memoryview(self._bytes) as view:
            return Spliced(Archived(archive, view), size, Memory())


class Archived:
    """A store of bytes that lie in an archive, and leave it when it is forgotten."""

    def __init__(self, archive: Archive, data: memoryview) -> None:
        """Put *data* there; ``OSError`` if there is no room."""
        self._archive = archive
        self._at = archive.add(data)
        weakref.finalize(self, archive.remove, self._at, len(data)).atexit = False

    def write(self, address: int, data: memoryview) -> None:
        """Put *data* at *address*, in place of what is there."""
        self._archive.write(self._at + address, data)

    def read(self, address: int, size: int) -> bytes:
        """Return *size* bytes from *address* on."""
        return self._archive.read(self._at + address, size)

    @property
    def in_memory(self) -> int:
        """None of them."""
        return 0

    def moved_to(self, archive: Archive) -> Store:
        """It is where it shall be."""
        return self


class TemporaryFile:
    """A store in a file without a name, made with the first write."""

    def __init__(self) -> None:
        self._file: NamelessFile | None = None

    def write(self, address: int, data: memoryview) -> None:
        """Put *data* at *address*; ``OSError`` if the disk is full, for one."""
        self._file = self._file or NamelessFile()
        self._file.write(address, data)

    def read(self, address: int, size: int) -> bytes:
        """Return *size* bytes from *address* on, 2 GiB at most."""
        return self._file.read(address, size) if self._file else b""

    @property
    def in_memory(self) -> int:
        """None of them."""
        return 0

    def moved_to(self, archive: Archive) -> Store:
        """It has nothing in memory."""
        return self


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
        """Return *size* bytes from *address* on."""
        below = min(size, max(0, self._boundary - address))
        if not below:
            return self._high.read(address - self._boundary, size)
        low = self._low.read(address, below)
        return low + self._high.read(0, size - below) if size > below else low

    @property
    def in_memory(self) -> int:
        """How many of the bytes of both are in memory."""
        return self._low.in_memory + self._high.in_memory

    def moved_to(self, archive: Archive) -> Store:
        """Return the same of two stores that have their bytes there."""
        self._low = self._low.moved_to(archive)
        self._high = self._high.moved_to(archive)
        return self
