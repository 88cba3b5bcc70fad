"""A file that outlives us, as the place where the output of a job is kept."""

from __future__ import annotations

import os
import weakref
from typing import Final

from ipyproc._jobs.output.spill import Archive
from ipyproc._jobs.output.storage import Layout, Store
from ipyproc._process.descriptors import give_back

# The middle is given back to the disk in pieces of at least so many bytes.
_WORTH_A_HOLE: Final = 1 << 20


class GrowingFile:
    """A store in a file with a name: each offset is its own address.

    The job writes it, unless it has a terminal: then we do.
    """

    def __init__(self, fd: int, writes: bool) -> None:
        """Use *fd*, of which this keeps a copy."""
        self.fd = os.dup(fd)
        #: Whether it is us who writes it.
        self.writes = writes
        weakref.finalize(self, os.close, self.fd).atexit = False

    def write(self, address: int, data: memoryview) -> None:
        """Put *data* at *address*, unless it is there; ``OSError``."""
        while self.writes and data:
            size = os.pwrite(self.fd, data, address)
            address, data = address + size, data[size:]

    def read(self, address: int, size: int) -> bytes:
        """Return *size* bytes; zeros for those that somebody has cut off."""
        parts: list[bytes] = []
        while size > 0 and (part := os.pread(self.fd, size, address)):
            parts.append(part)
            address, size = address + len(part), size - len(part)
        return b"".join(parts) + bytes(max(0, size))

    @property
    def in_memory(self) -> int:
        """None of them."""
        return 0

    def moved_to(self, archive: Archive) -> Store:
        """Return itself: it has nothing in memory."""
        return self


class InPlace(Layout):
    """The head and the tail of a growing file; its middle is given back to the disk."""

    __slots__ = ("_file", "_given")

    def __init__(self, head: int, ring: int, file: GrowingFile) -> None:
        super().__init__(head, ring, head, file)
        self._file = file
        # Up to where it was given back; beyond all files if that is not possible.
        self._given = head

    def put(self, offset: int, data: memoryview) -> None:
        """Put *data* there, or note that it is."""
        self._file.write(offset, data)
        self._give_back(offset + len(data))

    def note(self, offset: int, size: int) -> bool:
        """Note that they are there, unless it is us who writes them."""
        if self._file.writes:
            return False
        self._give_back(offset + size)
        return True

    def get(self, start: int, size: int) -> bytes:
        """Read *size* bytes from *start* on."""
        return self._file.read(start, size) if size > 0 else b""

    def _give_back(self, total: int) -> None:
        end = self.tail_start(total)
        if end - self._given < _WORTH_A_HOLE:
            return
        if give_back(self._file.fd, self._given, end):
            self._given = end
        else:
            self._given = 1 << 62
