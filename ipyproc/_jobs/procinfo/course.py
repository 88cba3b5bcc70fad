"""What a job's processes used in the course of its life: the most, and when."""

from __future__ import annotations

import resource
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.proc import Stat
from ipyproc.state import Rusage

#: The most points that a history has.
MOST_POINTS: Final = 600
# In seconds: points are never closer, except at the end.
_FINEST = 1.0


@dataclass(frozen=True, slots=True)
class Peak:
    """The most that a job and all that it started were seen to use.

    *memory*: resident bytes of all of them together. *cpu_time*: seconds of processor
    time so far. *processes*: how many ran at once. Each may be from another moment.

    >>> from ipyproc import spawn
    >>> job = spawn(["true"])
    >>> state = job.wait()
    >>> job.peak.processes, job.peak.cpu_time < 10
    (1, True)
    """

    memory: int
    cpu_time: float
    processes: int


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """What a job and all that it started used at one moment.

    *elapsed*: when, in seconds since the start. *memory*: resident bytes, and
    *processes*: how many; of what was seen since the point before, the most.
    *cpu_time*: seconds of processor time since the start.

    >>> from ipyproc import spawn
    >>> job = spawn(["true"])
    >>> state = job.wait()
    >>> [point.processes for point in job.history]
    [1]
    """

    elapsed: float
    memory: int
    cpu_time: float
    processes: int


class Sample(NamedTuple):
    """What a tree of processes uses at one moment."""

    memory: int
    #: Seconds of processor time, with that of processes that one of them waited for.
    user_time: float
    system_time: float
    processes: int

    @property
    def cpu_time(self) -> float:
        """Both times."""
        return self.user_time + self.system_time


def sample(members: Iterable[Stat]) -> Sample:
    """Sum up what processes use; zombies have used their time, and count no more."""
    members = list(members)
    return Sample(
        sum(member.memory for member in members),
        sum(member.user_total for member in members),
        sum(member.system_total for member in members),
        sum(not member.ended for member in members),
    )


class Course:
    """What one job used so far. Samples come on the event loop's thread only.

    The processor time never falls: that of a process whose parent did not wait for it
    is gone from the next sample. What other threads read is replaced as a whole.
    """

    def __init__(self) -> None:
        self._most = Sample(0, 0.0, 0.0, 0)
        self._points: tuple[UsagePoint, ...] = ()
        # How close points may be; longer after each thinning.
        self._step = _FINEST
        # Until which moment samples are merged into the last point.
        self._until = 0.0
        self._ended = False
        #: The most resident bytes of one process, if that is known of the job.
        self.max_rss: int | None = None

    @property
    def peak(self) -> Peak:
        """The most that was seen."""
        most = self._most
        return Peak(most.memory, most.cpu_time, most.processes)

    @property
    def times(self) -> tuple[float, float]:
        """The seconds of user and of system time."""
        return self._most.user_time, self._most.system_time

    @property
    def history(self) -> tuple[UsagePoint, ...]:
        """The points, in order; at most ``MOST_POINTS``, from start to end."""
        return self._points

    def add(self, elapsed: float, seen: Sample) -> None:
        """Add what was seen *elapsed* seconds after the start, unless it has ended."""
        if self._ended:
            return
        self._top(seen)
        self._extend(elapsed, seen, merge=elapsed < self._until)
        if len(self._points) > MOST_POINTS:
            self._thin()

    def end(self, elapsed: float, usage: Rusage, own: int) -> None:
        """Add what the kernel tells at the end; *own* is our ``memory_mark``."""
        self._ended = True
        if usage.maxrss > own:
            self.max_rss = usage.maxrss
        # What was seen last is the best guess of what there was until then.
        memory = self._points[-1].memory if self._points else self.max_rss or 0
        self._top(Sample(self.max_rss or 0, usage.utime, usage.stime, 1))
        if len(self._points) >= MOST_POINTS:
            self._thin()
        self._extend(elapsed, Sample(memory, *self.times, 1), merge=False)

    def restore(
        self, most: Sample, points: tuple[UsagePoint, ...], max_rss: int | None
    ) -> None:
        """Take over what was seen elsewhere."""
        self._most, self._points, self.max_rss = most, points, max_rss

    def _top(self, seen: Sample) -> None:
        most = self._most
        later = max(most, seen, key=lambda each: each.cpu_time)
        self._most = Sample(
            max(most.memory, seen.memory),
            later.user_time,
            later.system_time,
            max(most.processes, seen.processes),
        )

    def _extend(self, elapsed: float, seen: Sample, merge: bool) -> None:
        cpu_time = self._most.cpu_time
        point = UsagePoint(elapsed, seen.memory, cpu_time, seen.processes)
        if merge:
            last = self._points[-1]
            self._points = (*self._points[:-1], _merged(last, point))
        else:
            self._points = (*self._points, point)
            self._until = elapsed + self._step

    def _thin(self) -> None:
        """Merge each two points, so that there is room for as long a time again."""
        points = self._points
        pairs = zip(points[::2], points[1::2], strict=False)
        odd = points[-1:] if len(points) % 2 else ()
        self._points = (*(_merged(a, b) for a, b in pairs), *odd)
        self._step = 2 * self._points[-1].elapsed / MOST_POINTS
        self._until = self._points[-1].elapsed + self._step


def _merged(earlier: UsagePoint, later: UsagePoint) -> UsagePoint:
    return UsagePoint(
        later.elapsed,
        max(earlier.memory, later.memory),
        later.cpu_time,
        max(earlier.processes, later.processes),
    )


def memory_mark() -> int:
    """Return what the kernel may take for the peak of what we start now, in bytes.

    ``exec`` records the high-water mark of the memory that a process had before, and
    after a ``vfork`` that was ours. The kernel counts pages by processor, and only
    roughly, so there is some margin.
    """
    own = _max_rss()
    if own == _inherited():
        own = proc.high_water_mark() or own
    return own + own // 32 + (1 << 20)


def _max_rss() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@cache
def _inherited() -> int:
    """Return the figure that we were born with, if it is not ours; else 0.

    It costs little to ask for, and is above ours if we were started by a larger one.
    """
    figure, own = _max_rss(), proc.high_water_mark() or 0
    return figure if own and figure > own + own // 32 else 0
