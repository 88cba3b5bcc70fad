"""What ended jobs printed: bounded in memory, the rest in one file for all of them."""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from bisect import insort
from collections import deque
from contextlib import suppress
from errno import EAGAIN
from typing import Final, Protocol

#: Bytes that the output of ended jobs takes of memory, all of them together.
ENDED_LIMIT: Final = 64 << 20
# How full the room is left after it was full: so that not every job finds it so.
_LOW_WATER = 0.75
# How long adding a piece waits for another thread that frees space.
_PATIENCE = 0.1


class NamelessFile:
    """A file without a name; its space is free again when this object is collected.

    It lies in the directory that ``tempfile`` chooses (``$TMPDIR``).
    """

    def __init__(self) -> None:
        # A bare descriptor: a file object that nobody closed would complain when it is
        # forgotten, and only its owner's end says when this one is no longer needed.
        with tempfile.TemporaryFile(buffering=0) as file:
            self._fd = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._fd).atexit = False

    def write(self, offset: int, data: memoryview) -> None:
        """Write *data* at *offset*; ``OSError`` if the disk is full, for one."""
        while data:
            written = os.pwrite(self._fd, data, offset)
            offset, data = offset + written, data[written:]

    def read(self, offset: int, size: int) -> bytes:
        """Read *size* bytes from *offset* on, 2 GiB at most."""
        return os.pread(self._fd, size, offset)

    def truncate(self, size: int) -> None:
        """Free what lies behind *size*."""
        os.ftruncate(self._fd, size)


class Archive:
    """Pieces of bytes in one file, which is there as long as they are.

    May be used from any thread. A forked child may read what it finds there, and add
    nothing: the file is its parent's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file: NamelessFile | None = None
        self._pid = os.getpid()
        self._end = 0
        # Where there is room between pieces, as (offset, size), in order.
        self._holes: list[tuple[int, int]] = []
        self._left: deque[tuple[int, int]] = deque()

    @property
    def is_ours(self) -> bool:
        """Whether this process made it."""
        return self._pid == os.getpid()

    @property
    def size(self) -> int:
        """How long the file is."""
        return self._end

    def add(self, data: memoryview) -> int:
        """Add a piece and say where; ``OSError`` if there is no room for it."""
        if not data:
            return 0
        # The event loop adds. Another thread that frees space holds the lock for an
        # instant; but a signal handler may wait for the event loop in that instant.
        if not self._lock.acquire(timeout=_PATIENCE):
            raise BlockingIOError(EAGAIN, os.strerror(EAGAIN))
        try:
            self._tidy_up()
            file = self._file = self._file or NamelessFile()
            offset = self._room(len(data))
            try:
                file.write(offset, data)
            except OSError:
                self._left.append((offset, len(data)))
                raise
        finally:
            self._lock.release()
        self._tidy_up_what_came()
        return offset

    def write(self, offset: int, data: memoryview) -> None:
        """Write over a piece, or a part of it."""
        if data:
            self._opened.write(offset, data)

    def read(self, offset: int, size: int) -> bytes:
        """Read a piece, or a part of it."""
        return self._opened.read(offset, size) if size else b""

    def remove(self, offset: int, size: int) -> None:
        """Free the space of a piece; from any thread, and by the garbage collector."""
        if not size:
            return
        # This may be called while garbage is collected during ``add``.
        self._left.append((offset, size))
        if self.is_ours:
            self._tidy_up_what_came()

    @property
    def _opened(self) -> NamelessFile:
        assert self._file, "what was removed cannot be read"
        return self._file

    def _room(self, size: int) -> int:
        for i, (offset, room) in enumerate(self._holes):
            if room >= size:
                self._holes[i : i + 1] = [(offset + size, room - size)][: room > size]
                return offset
        self._end += size
        return self._end - size

    def _tidy_up_what_came(self) -> None:
        # If the lock is held, its holder looks once more before it is done.
        while self._left and self._lock.acquire(blocking=False):
            try:
                self._tidy_up()
            finally:
                self._lock.release()

    def _tidy_up(self) -> None:
        while self._left:
            insort(self._holes, self._left.popleft())
        joined: list[tuple[int, int]] = []
        for offset, size in self._holes:
            if joined and sum(joined[-1]) == offset:
                joined[-1] = joined[-1][0], joined[-1][1] + size
            else:
                joined.append((offset, size))
        if joined and sum(joined[-1]) == self._end:
            self._end = joined.pop()[0]
            if self._file:
                self._file.truncate(self._end)
        self._holes = joined
        if self._end == 0:
            self._file = None


class Kept(Protocol):
    """What keeping its output needs of an ended job."""

    @property
    def in_memory(self) -> int:
        """How many bytes of memory its output takes."""

    def archive(self, archive: Archive) -> None:
        """Move its output there."""


class Keeping:
    """Moves the output of ended jobs to a file, oldest first, when it is too much.

    The event loop calls ``add`` and ``make_room``: no other thread changes anything.
    """

    def __init__(self) -> None:
        #: How many bytes the ended jobs may hold in memory.
        self.limit = ENDED_LIMIT
        # In the order of their ends. A job that is forgotten frees its output.
        self._jobs: deque[weakref.ref[Kept]] = deque()
        # At least what they hold: it goes down only when it is counted.
        self._held = 0
        self._archive = Archive()

    def add(self, job: Kept) -> None:
        """Keep the output of *job*, to which no more is added."""
        self._jobs.append(weakref.ref(job))
        self._held += job.in_memory
        self.make_room()

    def make_room(self) -> None:
        """Move what is beyond the limit, if there is room for it."""
        if self._held <= self.limit:
            return
        jobs = [job for job in (known() for known in self._jobs) if job]
        self._held = sum(job.in_memory for job in jobs)
        if self._held > self.limit:
            if not self._archive.is_ours:
                self._archive = Archive()
            with suppress(OSError, MemoryError):  # no room: all stays where it is
                self._move(jobs)
        self._jobs = deque(weakref.ref(job) for job in jobs)

    def _move(self, jobs: list[Kept]) -> None:
        while jobs and self._held > self.limit * _LOW_WATER:
            held = jobs[0].in_memory
            jobs[0].archive(self._archive)
            self._held -= held
            del jobs[0]
