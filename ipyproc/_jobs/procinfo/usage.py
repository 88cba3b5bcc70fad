"""What a job uses: processor, memory, threads, descriptors, and its processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.proc import Stat


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


# In seconds. A process that joins a job is seen with the next look.
_FRESH = 1.0


class Survey:
    """The processes of the machine, and which of them belong to whom.

    A look reads only those that were not there at the last one, or changed sessions
    since: where thousands run beside the jobs, it costs next to nothing. Two threads
    may look at the same time; what either saw is replaced as a whole.
    """

    def __init__(self) -> None:
        self._seen = _Snapshot(-_FRESH, {})

    def family(self, root: int) -> set[int]:
        """Return the process *root* and all that it started, as far as can be found.

        Those are its group, its session, and the children of them all. One that joined
        since the last look, at most a second ago, may be missing.
        """
        seen = self._seen
        if time.monotonic() - seen.taken >= _FRESH or root not in seen.processes:
            self._seen = seen = _look(seen.processes)
        return seen.family(root)


class _Snapshot:
    """What one look showed; it never changes."""

    def __init__(self, taken: float, processes: dict[int, Stat]) -> None:
        self.taken = taken
        self.processes = processes
        # The pids of a group, a session, and the children of one, by its pid.
        self._with: dict[int, list[int]] = {}
        for pid, each in processes.items():
            for leader in {each.parent, each.group, each.session}:
                self._with.setdefault(leader, []).append(pid)

    def family(self, root: int) -> set[int]:
        """See ``Survey.family``."""
        found = {root, *self._with.get(root, ())}
        new = found - {root}
        while new:
            # The group or session of another is its children's, or a stranger's.
            children = {
                pid
                for parent in new
                for pid in self._with.get(parent, ())
                if self.processes[pid].parent == parent
            }
            new = children - found
            found |= new
        # Not ourselves, whatever a job's own attributes made of its session.
        return {p for p in found if p in self.processes and p != os.getpid()}


def _look(before: dict[int, Stat]) -> _Snapshot:
    found: dict[int, Stat] = {}
    for pid in proc.pids():
        known = before.get(pid)
        if known is None or known.session != proc.session(pid):
            known = proc.stat(pid)
        if known is not None and not known.ended:
            found[pid] = known
    return _Snapshot(time.monotonic(), found)


#: The one that all jobs share.
survey = Survey()


# A processor's time is counted in hundredths of a second: sooner, a share of it would
# be noise. It also bounds the cost, however many look.
_INTERVAL = 1.0
_Times: TypeAlias = dict[tuple[int, float], tuple[float, float]]


class Sampler:
    """Measures the processes of one job, at most once a second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
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
