"""What a job uses: processor, memory, threads, descriptors, and its processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.course import Sample, sample
from ipyproc._jobs.procinfo.proc import Stat
from ipyproc._jobs.procinfo.survey import survey


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
    >>> usage.pid == job.pid, usage.threads, len(usage.children)
    (True, 1, 0)
    >>> job.kill()
    1
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
        """Return this one and all those below it."""
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


# A processor's time is counted in hundredths of a second: sooner, a share of it would
# be noise. It also bounds the cost, however many look.
_INTERVAL = 1.0
_Times: TypeAlias = dict[tuple[int, float], tuple[float, float]]


class Sampler:
    """Measures the processes of one job, at most once a second.

    *seen* is called with each sample, on the thread that asked for the measurement.
    """

    def __init__(
        self, pid: int, seen: Callable[[Sample], object] = lambda _: None
    ) -> None:
        self._pid = pid
        self._seen = seen
        # The last measurement, replaced as a whole: two threads may measure at once.
        self._last = _Measurement(-_INTERVAL, None, {})

    def usage(self) -> Usage | None:
        """Measure, or return the last measurement if it is fresh."""
        last = self._last
        if time.monotonic() - last.taken >= _INTERVAL:
            times: _Times = {}
            usage = self._measure(last.times, times)
            self._last = last = _Measurement(time.monotonic(), usage, times)
        return last.usage

    def _measure(self, before: _Times, times: _Times) -> Usage | None:
        looks = (proc.stat(pid) for pid in sorted(survey.family(self._pid)))
        members = {look.pid: look for look in looks if look and not look.ended}
        if members:
            self._seen(sample(members.values()))
        children: dict[int, list[Stat]] = {}
        for member in members.values():
            # Those whose parent has ended belong to the job's own process.
            parent = member.parent if member.parent in members else self._pid
            if member.pid != self._pid:
                children.setdefault(parent, []).append(member)
        order = [members[self._pid]] if self._pid in members else []
        for member in order:
            order += children.get(member.pid, ())
        # Children first, and not by recursion: a tree may be deeper than that goes.
        usages: dict[int, Usage] = {}
        for member in reversed(order):
            below = tuple(usages[child.pid] for child in children.get(member.pid, ()))
            cpu = _cpu_percent(member, before, times)
            usages[member.pid] = _usage(member, below, cpu)
        return usages.get(self._pid)


class _Measurement(NamedTuple):
    taken: float
    usage: Usage | None
    # Of each process: the processor seconds, and when.
    times: _Times


def _usage(member: Stat, below: tuple[Usage, ...], cpu_percent: float) -> Usage:
    read, written = proc.transferred(member.pid)
    return Usage(
        pid=member.pid,
        name=member.name,
        cpu_percent=cpu_percent,
        memory=member.memory,
        threads=member.threads,
        descriptors=proc.descriptors(member.pid),
        read_bytes=read,
        write_bytes=written,
        children=below,
    )


def _cpu_percent(member: Stat, before: _Times, times: _Times) -> float:
    key, now = (member.pid, member.started), time.clock_gettime(proc.CLOCK)
    used_then, then = before.get(key, (0.0, member.started))
    times[key] = member.cpu, now
    return 100 * max(0.0, member.cpu - used_then) / max(now - then, 0.01)
