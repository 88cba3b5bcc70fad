"""Sampling what all jobs use, in common rounds, whether or not anybody looks."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from ipyproc._jobs.io.event_loop import EventLoop, event_loop
from ipyproc._jobs.io.timers import Timer
from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.course import Course, Sample, memory_mark, sample
from ipyproc._jobs.procinfo.proc import Stat
from ipyproc._jobs.procinfo.survey import survey
from ipyproc._jobs.procinfo.usage import Sampler, Usage
from ipyproc.state import Rusage

# In seconds: the first pauses, the usual one, and the longest while nothing changes.
_SOON: Final = (0.1, 1.0)
_USUAL: Final = 5.0
_SELDOM: Final = 20.0
# Changes of memory below this part of it are none, and such shares of a processor.
_SLIGHT: Final = 0.01
# For so long the event loop may be kept from output at a time.
_SLICE: Final = 0.002


@dataclass
class _Sampled:
    """A job that is sampled; its times are those of ``time.monotonic()``."""

    pid: int
    started: float
    pauses: Iterator[float] = field(default_factory=lambda: iter(_SOON))
    pause: float = _USUAL
    due: float = 0.0
    last: Sample | None = None
    looked: float = 0.0

    def plan(self, now: float) -> None:
        """Choose the next moment; all jobs have multiples of a few, so that they meet.

        The first two are soon, whatever is seen.
        """
        moment = now + next(self.pauses, self.pause)
        is_soon = moment - now < _USUAL
        self.due = round(moment, 1) if is_soon else moment // _USUAL * _USUAL

    def note(self, now: float, seen: Sample) -> None:
        """Look less often while nothing changes."""
        same = self._is_like_before(now, seen)
        self.pause = min(2 * self.pause, _SELDOM) if same else _USUAL
        self.last, self.looked = seen, now

    def _is_like_before(self, now: float, seen: Sample) -> bool:
        last = self.last
        return (
            last is not None
            and seen.processes == last.processes
            and abs(seen.memory - last.memory) <= _SLIGHT * last.memory
            and seen.cpu_time - last.cpu_time <= _SLIGHT * (now - self.looked)
        )


class Sampling:
    """Samples the jobs that run: one timer, and one look at the machine, for all.

    ``add`` and ``remove`` are called on the event loop's thread only.
    """

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._jobs: dict[Course, _Sampled] = {}
        self._timer: Timer | None = None
        self._due = math.inf
        self._round: Iterator[None] | None = None

    def add(self, course: Course, pid: int, started: float) -> None:
        """Sample the job of this *pid* from now on."""
        job = _Sampled(pid, started)
        job.plan(started)
        self._jobs[course] = job
        if job.due < self._due and self._round is None:
            self._set_timer(job.due)

    def remove(self, course: Course) -> None:
        """Stop that; harmless if it was not begun."""
        self._jobs.pop(course, None)
        if not self._jobs:  # the event loop's thread may leave once it has no timer
            self._set_timer(math.inf)

    def _set_timer(self, due: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._due, self._timer = due, None
        if due < math.inf:
            pause = max(0.0, due - time.monotonic())
            self._timer = self._loop.call_later(pause, self._begin)

    def _begin(self) -> None:
        self._due, self._timer = math.inf, None
        self._round = self._look()
        self._go_on()

    def _go_on(self) -> None:
        """Go on with a round, until it is over or others are to have their turn."""
        goes_on = False
        try:
            goes_on = self._advance()
        finally:
            if not goes_on:
                self._round = None
                dues = [job.due for job in self._jobs.values()]
                self._set_timer(min(dues, default=math.inf))

    def _advance(self) -> bool:
        end = time.monotonic() + _SLICE
        for _ in self._round or ():
            if time.monotonic() >= end:
                self._loop.call_soon(self._go_on)
                return True
        return False

    def _look(self) -> Iterator[None]:
        now = time.monotonic()
        due = {c: job for c, job in self._jobs.items() if job.due <= now + _SLICE}
        if not due:  # those for which the timer was set have ended
            return
        try:
            yield from survey.look()
            for course, job in due.items():
                members: list[Stat] = []
                for pid in survey.known(job.pid):
                    members += filter(None, (proc.stat(pid),))
                    yield
                if members and course in self._jobs:
                    seen = sample(members)
                    job.note(now, seen)
                    course.add(time.monotonic() - job.started, seen)
        except OSError:  # as when no descriptor is free: later one may be
            return
        finally:
            for job in due.values():
                job.plan(max(now, job.due))


class Measured:
    """What one job uses: sampled as long as it runs, and measured for who looks."""

    def __init__(self) -> None:
        self.course = Course()
        self._loop = event_loop()
        self._sampler: Sampler | None = None
        self._pid = 0
        self._started = 0.0
        self._memory_mark = 0

    def start(self, pid: int) -> None:
        """Note that the process has just been started."""
        self._pid, self._started = pid, time.monotonic()
        self._memory_mark = memory_mark()
        self._sampler = Sampler(pid, self._seen)

    def watch(self) -> None:
        """Sample it from now on. On the event loop's thread, as ``end`` is called."""
        sampling().add(self.course, self._pid, self._started)

    def end(self, usage: Rusage | None) -> None:
        """Stop that; *usage* is what the kernel tells at the end."""
        sampling().remove(self.course)
        if usage is not None:
            elapsed = time.monotonic() - self._started
            self.course.end(elapsed, usage, self._memory_mark)

    def usage(self) -> Usage | None:
        """Measure, or return the last measurement if it is fresh. From any thread."""
        return None if self._sampler is None else self._sampler.usage()

    def _seen(self, seen: Sample) -> None:
        elapsed = time.monotonic() - self._started
        with suppress(RuntimeError):  # the event loop has ended, or this is a fork
            self._loop.call_soon(lambda: self.course.add(elapsed, seen))


#: At most one, under "sampling".
_current: dict[str, Sampling] = {}


def sampling() -> Sampling:
    """Return what samples the jobs of this process, which the first call makes."""
    return _current.get("sampling") or _current.setdefault(
        "sampling", Sampling(event_loop())
    )


os.register_at_fork(after_in_child=_current.clear)
