"""What a job uses, measured while somebody looks, and only then."""

from __future__ import annotations

import math
import time
from collections import deque
from contextlib import suppress
from functools import cache
from importlib.util import find_spec

from ipyproc._jobs.job import Job
from ipyproc._jobs.procinfo.usage import Usage
from ipyproc._jobs.request import HERE
from ipyproc.views.render.format import course, plain
from ipyproc.views.transport import protocol, reading
from ipyproc.views.transport.protocol import Branch
from ipyproc.views.transport.viewers import Viewers

_SAMPLES = 60
# Samples from before a longer pause do not belong to the same curve.
_GAP = 5.0
_PROCESSES = 100
_NAME = 40
# Seconds between two looks at the ports, and how many are shown.
_LOOK = 2.0
_PORTS = 5


class Curve:
    """The last samples of what a tree of processes uses, in percent of a processor."""

    def __init__(self) -> None:
        self._samples: deque[int] = deque(maxlen=_SAMPLES)
        self._newest: Usage | None = None
        self._at = 0.0

    def add(self, usage: Usage) -> list[int]:
        """Add a measurement, unless it is the last one again; return the samples."""
        now = time.monotonic()
        if usage is not self._newest:
            if now - self._at > _GAP:
                self._samples.clear()
            self._newest, self._at = usage, now
            self._samples.append(round(usage.total_cpu_percent))
        return list(self._samples)


class UsageFeed:
    """The usage of one job on its way to the pages that look at it.

    It belongs to the thread that sends.
    """

    def __init__(self, job: Job, viewers: Viewers) -> None:
        self._job = job
        self._viewers = viewers
        self._curve = Curve()
        self._ports = OpenPorts(job)
        self._measured_at = -math.inf

    def restart(self) -> None:
        """Measure at once, for somebody has just begun to look."""
        self._measured_at = -math.inf

    def due(self) -> float | None:
        """Return when to measure next, on ``time.monotonic()``; None: never."""
        pause = self._viewers.pause
        if pause is None or self._job.state is not None:
            return None
        return self._measured_at + pause

    def next(self) -> protocol.Usage | None:
        """Measure if it is time to; return the message for the pages."""
        due, now = self.due(), time.monotonic()
        if due is None or due > now:
            return None
        self._measured_at = now
        usage, tree = self._job.last_usage(), self._viewers.want_tree
        if usage is None:
            return None
        return {
            "kind": "usage",
            "cpu": self._curve.add(usage),
            "memory": usage.total_memory,
            "processes": sum(1 for _ in usage),
            "tree": branch(usage) if tree else None,
            "course": [(f.label, f.value) for f in course(self._job)] if tree else [],
            "ports": self._ports.newest(),
            "proxy": has_proxy(),
        }


@cache
def has_proxy() -> bool:
    """Whether Jupyter's server may lead to the ports; once, for that looks at disks."""
    return find_spec("jupyter_server_proxy") is not None


class OpenPorts:
    """The ports that a job of this machine listens on; looked at by the reader."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._found: list[int] = []
        self._next = -math.inf

    def newest(self) -> list[int]:
        """Return what was found last, and look again soon."""
        now = time.monotonic()
        if now >= self._next and self._job.host is HERE:
            self._next = now + _LOOK
            reading.shared.do(self._look)
        return self._found

    def _look(self) -> None:
        with suppress(OSError):
            self._found = listens(self._job)


def listens(job: Job) -> list[int]:
    """Return the first TCP ports that a job listens on; ``OSError``."""
    return sorted(job.ports().own)[:_PORTS]


def branch(usage: Usage, most: int = _PROCESSES) -> Branch:
    """Return a process and those below it, *most* of them, for the page."""
    shown = [*usage][:most]
    return _branch(usage, {id(process) for process in shown})


def _branch(usage: Usage, shown: set[int]) -> Branch:
    below = [_branch(child, shown) for child in usage.children if id(child) in shown]
    share, memory = round(usage.cpu_percent), usage.memory
    return usage.pid, plain(usage.name)[:_NAME], share, memory, below
