"""Measuring what a job uses."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import psutil

from ipyproc.jobs import tree
from ipyproc.jobs.usage import Usage

# A processor's time is counted in hundredths of a second: sooner, a share of it would
# be noise. It also bounds the cost, however many look.
_INTERVAL = 1.0
# Who is measured within this time is found in one look at all processes, which takes
# long; a process that is younger than the look is worth another one.
_FRESH = 0.5
_TOO_YOUNG = 0.05


class _Census:
    """All processes of the machine, looked at once for many that are measured."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = -_FRESH
        self._table: Mapping[int, tree.Member] = {}

    def look(self, pid: int) -> Mapping[int, tree.Member]:
        """Give the processes by pid, *pid* among them if there is one."""
        with self._lock:
            age = time.monotonic() - self._taken
            if age >= _FRESH or (pid not in self._table and age >= _TOO_YOUNG):
                self._table = tree.everybody()
                self._taken = time.monotonic()
            return self._table


_census = _Census()


class Sampler:
    """Measures the processes of one job, at most once a second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._lock = threading.Lock()
        self._taken = -_INTERVAL
        self._usage: Usage | None = None
        # Of each process: the processor seconds at the last measurement, and when.
        self._before: dict[tree.Member, tuple[float, float]] = {}

    def usage(self) -> Usage | None:
        """Measure, or give the last measurement if it is fresh."""
        with self._lock:
            if time.monotonic() - self._taken >= _INTERVAL:
                self._usage = self._measure()
                self._taken = time.monotonic()
            return self._usage

    def _measure(self) -> Usage | None:
        table = _census.look(self._pid)
        found = tree.find(tree.Roots(running=frozenset({self._pid})), table=table)
        members = {member.pid: member for member in found}
        children: dict[int, list[tree.Member]] = {}
        for member in members.values():
            # Those whose parent has ended belong to the job's own process.
            parent = member.parent if member.parent in members else self._pid
            if member.pid != self._pid:
                children.setdefault(parent, []).append(member)
        before, self._before = self._before, {}
        root = members.get(self._pid)
        return self._usage_of(root, children, before) if root else None

    def _usage_of(
        self,
        member: tree.Member,
        children: dict[int, list[tree.Member]],
        before: dict[tree.Member, tuple[float, float]],
    ) -> Usage | None:
        below = [
            self._usage_of(child, children, before)
            for child in sorted(children.get(member.pid, ()), key=lambda m: m.pid)
        ]
        process = member.process
        try:
            with process.oneshot():
                return Usage(
                    pid=member.pid,
                    name=process.name(),
                    cpu_percent=self._cpu_percent(member, before),
                    memory=process.memory_info().rss,
                    threads=process.num_threads(),
                    descriptors=_descriptors(process),
                    children=tuple(usage for usage in below if usage),
                )
        except psutil.Error:
            return None  # it ended meanwhile

    def _cpu_percent(
        self, member: tree.Member, before: dict[tree.Member, tuple[float, float]]
    ) -> float:
        times, now = member.process.cpu_times(), time.time()
        used = times.user + times.system
        used_then, then = before.get(member, (0.0, member.process.create_time()))
        self._before[member] = used, now
        return 100 * max(0.0, used - used_then) / max(now - then, 0.01)


def _descriptors(process: psutil.Process) -> int | None:
    try:
        return process.num_fds()
    except psutil.AccessDenied:
        return None
