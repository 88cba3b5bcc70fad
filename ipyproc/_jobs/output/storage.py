"""Where captured bytes lie: in memory, in a file, or first in one, then the other."""

from __future__ import annotations

import weakref
from typing import Protocol

from ipyproc._jobs.output.spill import Archive, NamelessFile

_BLOCK = 1 << 18


class Sink(Protocol):
    """The part of a binary file that a copy of a capture is written to."""

    def write(self, data: bytes, /) -> int:
        """Write *data*."""

    def tell(self) -> int:
        """Return the place of the next write."""

    def seek(self, offset: int, /) -> int:
        """Go to *offset*."""

    def truncate(self) -> int:
        """Forget what lies behind the place of the next write."""


class Store(Protocol):
    """Bytes at addresses from 0 on; what was never written may not be read."""

    def write(self, address: int, data: memoryview) -> None:
        """Put *data* at *address*; ``OSError``, ``MemoryError`` if there is no room."""

    def read(self, address: int, size: int) -> bytes:
        """Return *size* bytes from *address* on."""

    @property
    def in_memory(self) -> int:
        """How many of the bytes are in memory."""

    def moved_to(self, archive: Archive) -> Store:
        """Return a store with the same bytes, of which none are in memory."""


class Memory:
    """A store in memory, as large as its highest address.

    It consists of blocks that are never resized, only replaced by longer ones or
    written over in place: so one thread may write while others read.
    """

    def __init__(self) -> None:
        self._blocks: list[bytearray] = []
        self._size = 0

    def write(self, address: int, data: memoryview) -> None:
        """Put *data* at *address*; ``MemoryError`` if there is no room for it."""
        if address > self._size:
            self._extend(address)
        end = address + len(data)
        while data:
            index, at = divmod(address, _BLOCK)
            part = data[: _BLOCK - at]
            self._put(index, at, part)
            address, data = address + len(part), data[len(part) :]
        self._size = max(self._size, end)

    def read(self, address: int, size: int) -> bytes:
        """Return *size* bytes from *address* on."""
        end = min(address + size, self._size)
        parts = []
        while address < end:
            index, at = divmod(address, _BLOCK)
            part = memoryview(self._blocks[index])[at : at + end - address]
            parts.append(part)
            address += len(part)
        return b"".join(parts)

    @property
    def in_memory(self) -> int:
        """How many bytes there are."""
        return self._size

    def moved_to(self, archive: Archive) -> Store:
        """Return a store of which the bytes up to now are in *archive*."""
        if not self._size:
            return self
        with memoryview(self.read(0, self._size)) as view:
            return Spliced(Archived(archive, view), self._size, Memory())

    def _extend(self, size: int) -> None:
        while self._size < size:
            index, at = divmod(self._size, _BLOCK)
            gap = min(_BLOCK - at, size - self._size)
            self._put(index, at, memoryview(bytes(gap)))
            self._size += gap

    def _put(self, index: int, at: int, data: memoryview) -> None:
        if index == len(self._blocks):
            self._blocks.append(bytearray(data))
            return
        block = self._blocks[index]
        if at + len(data) > len(block):
            longer = bytearray(min(_BLOCK, max(2 * len(block), at + len(data))))
            longer[: len(block)] = block
            self._blocks[index] = block = longer
        block[at : at + len(data)] = data


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
        """Return itself: it has nothing in memory."""
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
        """Return itself: it has nothing in memory."""
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
        """Return a store with the same bytes, of which none are in memory."""
        low, high = self._low.moved_to(archive), self._high.moved_to(archive)
        return Spliced(low, self._boundary, high)


class Layout:
    """Where the bytes of a capture lie; it never changes, the capture gets another.

    Offsets below *head* are their own addresses in the store. Those above take turns at
    the *ring* addresses that follow, so that as long as nothing is dropped every offset
    is its own address. None of them is below *floor*.
    """

    __slots__ = ("floor", "head", "ring", "store")

    def __init__(self, head: int, ring: int, floor: int, store: Store) -> None:
        self.head = head
        self.ring = ring
        self.floor = floor
        self.store = store

    def tail_start(self, total: int) -> int:
        """The first offset above the head that is kept when there are *total* bytes."""
        return max(self.floor, total - self.ring)

    def bounds(self, offset: int, total: int, reserved: int) -> tuple[int, int]:
        """The first offset kept from *offset* on, and the end of its neighbours."""
        start, tail = max(0, offset), self.tail_start(reserved)
        if start >= self.head:
            start = max(start, tail)
        end = self.head if start < self.head < tail else total
        return start, max(start, min(end, total))

    def put(self, offset: int, data: memoryview) -> None:
        """Write what begins at *offset*, the newest bytes."""
        if offset < self.head:
            room = self.head - offset
            self.store.write(offset, data[:room])
            offset, data = offset + len(data[:room]), data[room:]
        passing = max(0, len(data) - self.ring)
        offset, data = offset + passing, data[passing:]
        while data:
            address, room = self._place(offset)
            self.store.write(address, data[:room])
            offset, data = offset + room, data[room:]

    def note(self, offset: int, size: int) -> bool:
        """Note *size* bytes, the newest, if they are there already; else put them."""
        return False

    def get(self, start: int, size: int) -> bytes:
        """Read *size* bytes from *start* on."""
        if size <= 0:
            return b""
        address, room = self._place(start)
        first = self.store.read(address, min(size, room))
        rest = size - len(first)
        return first + self.get(start + len(first), rest) if first and rest else first

    def _place(self, offset: int) -> tuple[int, int]:
        """The address of an offset, and how far the addresses continue from there."""
        if offset < self.head:
            return offset, self.head - offset
        turn = (offset - self.head) % self.ring
        return self.head + turn, self.ring - turn
