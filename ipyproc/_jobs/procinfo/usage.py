"""What a job uses: processor, memory, threads, descriptors, and its processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process of a job uses, and below it those that it started.

    *pid* and *name* are the process's, *children* those that it started, *threads* is
    how many it has. *cpu_percent*: of one processor, since the last measurement (the
    first one: since its start). *memory*: resident bytes. *read_bytes* and
    *write_bytes*: to and from storage since its start; what the page cache answers
    costs none. They and *descriptors* are ``None`` where the kernel does not tell.

    >>> from ipyproc import spawn
    >>> job = spawn(["sleep", "60"])
    >>> usage = job.usage()
    >>> usage.pid == job.pid, usage.total_memory > 0, len(usage.children)
    (True, True, 0)
    >>> job.kill()
    """

    pid: int
    name: str
    cpu_percent: float
    memory: int
    threads: int
    descriptors: int | None
    read_bytes: int | None = None
    write_bytes: int | None = None
    children: tuple[Usage, ...] = ()

    def __iter__(self) -> Iterator[Usage]:
        """Give this one and all those below it."""
        left = [self]
        while left:
            usage = left.pop()
            yield usage
            left += reversed(usage.children)

    @property
    def total_cpu_percent(self) -> float:
        """The share of a processor of all of them together."""
        return sum(usage.cpu_percent for usage in self)

    @property
    def total_memory(self) -> int:
        """The resident bytes of all of them together; shared ones count each time."""
        return sum(usage.memory for usage in self)
