"""What ended jobs printed, within bounds of memory."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import Final
from weakref import ref

from ipyproc._jobs.job import Job
from ipyproc._jobs.output.spill import Archive

#: Bytes that the output of ended jobs takes of memory, all of them together.
ENDED_LIMIT: Final = 64 << 20
# How full the room is left after it was full: so that not every job finds it so.
_LOW_WATER = 0.75


class Keeping:
    """Moves the output of ended jobs to a file, oldest first, when it is too much."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limit = ENDED_LIMIT
        # In the order of their ends. Whoever forgets a job frees its output.
        self._jobs: deque[ref[Job]] = deque()
        # At least what they hold: it goes down only when it is counted.
        self._held = 0
        self._archive = Archive()

    @property
    def limit(self) -> int:
        """How many bytes they may hold in memory."""
        return self._limit

    @limit.setter
    def limit(self, size: int) -> None:
        with self._lock:
            self._limit = size
            self._make_room()

    def add(self, job: Job) -> None:
        """Keep the output of *job*, to which no more is added."""
        with self._lock:
            self._jobs.append(ref(job))
            self._held += job.in_memory
            self._make_room()

    def _make_room(self) -> None:
        if self._held <= self._limit:
            return
        jobs = [job for job in (known() for known in self._jobs) if job]
        self._held = sum(job.in_memory for job in jobs)
        if self._held > self._limit:
            if not self._archive.is_ours:
                self._archive = Archive()
            with suppress(OSError):  # there is no room: all stays where it is
                self._move(jobs)
        self._jobs = deque(ref(job) for job in jobs)

    def _move(self, jobs: list[Job]) -> None:
        while jobs and self._held > self._limit * _LOW_WATER:
            held = jobs[0].in_memory
            jobs[0].archive(self._archive)
            self._held -= held
            del jobs[0]
