"""What a job uses, measured while somebody looks, and only then."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from ipyproc._jobs.job import Job
from ipyproc._jobs.procinfo.usage import Usage
from ipyproc.views.render.format import plain

#: For so many seconds a page that said that it looks is believed to. It says so more
#: often, but a kernel that runs a cell may not be able to hear it.
LEASE = 60.0

_EVERY = 1.0
_SAMPLES = 60
# After such a pause what was measured before is no part of the same picture.
_PAUSE = 5.0
_MOST_PAGES = 16
_PROCESSES = 100
_NAME = 40

#: A process for the page: pid, name, share of a processor, memory, and those below it.
Branch = list[Any]


class Gauge:
    """The usage of one job, once a second; all methods may be called from any thread.

    Only the thread that sends calls `measure`.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        # Of each page: until when it looks, and whether at the processes, too.
        self._pages: dict[str, tuple[float, bool]] = {}
        self._next = self._at = 0.0
        self._usage: Usage | None = None
        self._shares: deque[int] = deque(maxlen=_SAMPLES)

    def look(self, page: str, tree: bool) -> None:
        """Take down that *page* looks, and whether at the processes, too."""
        _, before = self._pages.pop(page, (0.0, False))
        if tree and not before:
            self._next = 0.0  # it was opened just now
        self._pages[page] = (time.monotonic() + LEASE, tree)
        for oldest in list(self._pages)[:-_MOST_PAGES]:
            self._pages.pop(oldest, None)

    def due(self) -> float | None:
        """Say when to measure next, on ``time.monotonic()``; None: nobody looks."""
        looking = self._next < max((t for t, _ in self._looks()), default=0.0)
        return self._next if looking and self._job.state is None else None

    def measure(self) -> dict[str, Any] | None:
        """Measure if it is time to; return what a page is told."""
        due, now = self.due(), time.monotonic()
        if due is None or due > now:
            return None
        self._next = now + _EVERY
        usage = self._job.usage()
        if usage is None:
            return None
        self._add(usage, now)
        return {
            "kind": "usage",
            "cpu": list(self._shares),
            "memory": usage.total_memory,
            "processes": sum(1 for _ in usage),
            "tree": branch(usage) if any(tree for _, tree in self._looks()) else None,
        }

    def _looks(self) -> list[tuple[float, bool]]:
        return list(self._pages.values())

    def _add(self, usage: Usage, now: float) -> None:
        """Add a sample, if this measurement is not the last one once more."""
        if usage is self._usage:
            return
        if now - self._at > _PAUSE:
            self._shares.clear()
        self._usage, self._at = usage, now
        self._shares.append(round(usage.total_cpu_percent))


def branch(usage: Usage, most: int = _PROCESSES) -> Branch:
    """Return a process and those below it, the first *most* of them, for the page."""
    shown = [*usage][:most]
    return _branch(usage, {id(process) for process in shown})


def _branch(usage: Usage, shown: set[int]) -> Branch:
    below = [_branch(child, shown) for child in usage.children if id(child) in shown]
    share, memory = round(usage.cpu_percent), usage.memory
    return [usage.pid, plain(usage.name)[:_NAME], share, memory, below]
