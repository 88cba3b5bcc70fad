"""Measuring what a job uses."""

from __future__ import annotations

import threading
import time
from typing import TypeAlias

from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.proc import Stat
from ipyproc._jobs.procinfo.survey import survey
from ipyproc._jobs.procinfo.usage import Usage

# A processor's time is counted in hundredths of a second: sooner, a share of it would
# be noise. It also bounds the cost, however many look.
_INTERVAL = 1.0
_Times: TypeAlias = dict[tuple[int, float], tuple[float, float]]


class Sampler:
    """Measures the processes of one job, at most once a second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._lock = threading.Lock()
        self._taken = -_INTERVAL
        self._usage: Usage | None = None
        # Of each process: the processor seconds at the last measurement, and when.
        self._before: _Times = {}

    def usage(self) -> Usage | None:
        """Measure, or give the last measurement if it is fresh."""
        with self._lock:
            if time.monotonic() - self._taken >= _INTERVAL:
                self._usage = self._measure()
                self._taken = time.monotonic()
            return self._usage

    def _measure(self) -> Usage | None:
        looks = (proc.stat(pid) for pid in sorted(survey.family(self._pid)))
        members = {look.pid: look for look in looks if look}
        children: dict[int, list[Stat]] = {}
        for member in members.values():
            # Those whose parent has ended belong to the job's own process.
            parent = member.parent if member.parent in members else self._pid
            if member.pid != self._pid:
                children.setdefault(parent, []).append(member)
        before, self._before = self._before, {}
        order = [members[self._pid]] if self._pid in members else []
        for member in order:
            order += children.get(member.pid, ())
        # Children first, and not by recursion: nobody says how deep a tree is.
        usages: dict[int, Usage] = {}
        for member in reversed(order):
            below = (usages[child.pid] for child in children.get(member.pid, ()))
            usages[member.pid] = self._usage_of(member, tuple(below), before)
        return usages.get(self._pid)

    def _usage_of(
        self, member: Stat, below: tuple[Usage, ...], before: _Times
    ) -> Usage:
        read, written = proc.transferred(member.pid)
        return Usage(
            pid=member.pid,
            name=member.name,
            cpu_percent=self._cpu_percent(member, before),
            memory=member.memory,
            threads=member.threads,
            descriptors=proc.descriptors(member.pid),
            read_bytes=read,
            write_bytes=written,
            children=below,
        )

    def _cpu_percent(self, member: Stat, before: _Times) -> float:
        key, now = (member.pid, member.started), time.clock_gettime(proc.CLOCK)
        used_then, then = before.get(key, (0.0, member.started))
        self._before[key] = member.cpu, now
        return 100 * max(0.0, member.cpu - used_then) / max(now - then, 0.01)
