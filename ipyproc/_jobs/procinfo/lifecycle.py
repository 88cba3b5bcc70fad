"""Watching a process, or a job, without taking part in its life: nothing is reaped."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.io.timers import Timer
from ipyproc._jobs.job import Job
from ipyproc._jobs.names import process
from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.proc import Stat
from ipyproc._jobs.request import HERE
from ipyproc._jobs.runner import JobStatus
from ipyproc.errors import ProcessReleasedError
from ipyproc.process import Process, ProcessStatus
from ipyproc.state import WaitStatus

# Stops make nothing ready, and a pidfd does not tell a zombie from one that is gone.
_LOOK_EVERY = 0.04

Callback = Callable[[], None]


class Phase(StrEnum):
    """What a process does, as the kernel sees it; not the status of a ``Process``."""

    RUNNING = "running"
    STOPPED = "stopped"
    #: It ended, and nobody has waited for it yet.
    ZOMBIE = "zombie"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a look at a process showed; *end* is how it ended, if that is known.

    *program* is the name of what it executes, empty if that is not known; *execution*
    differs from one exec to the next. *letter* is that of proc(5) for what it does.
    """

    phase: Phase
    status: ProcessStatus
    end: WaitStatus | None = None
    program: str = ""
    execution: int = 0
    letter: str = ""


class Observer(Protocol):
    """What can be watched; nothing that it does changes what it looks at."""

    title: str
    #: When the process started, on the ``time.time()`` clock.
    started_at: float

    def look(self) -> Sighting | None:
        """Look at the process; ``None`` while it changes."""

    def watch(self, callback: Callback) -> Callback:
        """Call back when it is time to look again; the result ends that."""


def observer(subject: Process | Job) -> Observer:
    """Return the observer of a process or of a job."""
    if isinstance(subject, Job):
        return JobObserver(subject)
    if isinstance(subject, Process):
        return ProcessObserver(subject)
    kind = type(subject).__name__
    raise TypeError(f"expected a Process or a Job, not {kind}")


class ProcessObserver:
    """Watches a process by what the system tells everybody.

    It looks again and again, so of what lasts less than a glance it hears only if it
    had an outcome. Raises ``ProcessReleasedError`` where no pid is known any more.
    """

    def __init__(self, process: Process) -> None:
        if process.pid < 1:
            raise ProcessReleasedError
        self._process = process
        self._seen: Stat | None = None
        self._missed = False
        self._program, self._execution, self._letter = "", 0, ""
        self._stack = _stack_of(process._starter())
        self.started_at = time.time()
        self.title = f"Process {process.pid}"
        with suppress(OSError):
            self._seen = proc.stat(process.pid)
        if self._seen is not None:
            self.started_at -= _age(self._seen)
            if self._seen.stack != self._stack:
                self.title += f" ({self._seen.name})"

    def look(self) -> Sighting | None:
        """Look at it: first what the kernel has, then what the object knows."""
        phase = self._phase()
        end = self._end() if phase is Phase.ZOMBIE else None
        status, learnt = self._process.status, self._process._learnt()
        program = self._program, self._execution
        if status is ProcessStatus.DONE or learnt is not None:
            if status is ProcessStatus.OK:
                return None  # a call of wait() is about to get the status
            end = learnt.sys if learnt else None
            return Sighting(Phase.GONE, status, end, *program)
        # Between the reaping and our hearing of it there is an instant: look twice.
        missed, self._missed = self._missed, phase is Phase.GONE
        if phase is Phase.GONE and not missed:
            return None
        return Sighting(phase, status, end, *program, self._letter)

    def watch(self, callback: Callback) -> Callback:
        """Call back from time to time."""
        return _Ticker(callback).stop

    def _phase(self) -> Phase:
        if self._seen is None:
            return Phase.GONE
        now = proc.stat(self._seen.pid)
        self._letter = now.state if now else ""
        if now != self._seen or now is None:  # the pid may be another's by now
            return Phase.GONE
        self._note_program(now)
        return _PHASES.get(now.state, Phase.RUNNING)

    def _note_program(self, now: Stat) -> None:
        """Note an exec: a process may change its name, but not its stack.

        In the midst of an exec, which a start need not wait for, the kernel gives the
        stack a place that it moves later, or it is that of the process that started
        this one. The end of the variables is 0 then, after the end, and where it is
        hidden from us: there the program is not known. It is set once in an exec, but a
        program may move it, too.
        """
        end = now.environment_end
        if end not in (0, self._execution) and now.stack != self._stack:
            self._program, self._execution, self._stack = now.name, end, now.stack

    def _end(self) -> WaitStatus | None:
        """Read the status of a zombie without reaping it."""
        with suppress(OSError), self._process.handle() as fd:
            options = os.WEXITED | os.WNOHANG | os.WNOWAIT
            if info := os.waitid(os.P_PIDFD, fd, options):
                core = 0x80 * (info.si_code == os.CLD_DUMPED)
                exited = info.si_code == os.CLD_EXITED
                status = info.si_status
                return WaitStatus(status << 8 if exited else status | core)
        return None


def _stack_of(pid: int) -> int:
    """Return the stack of a process; 0 where it is not known."""
    with suppress(OSError):
        return seen.stack if pid and (seen := proc.stat(pid)) else 0
    return 0


def _age(process: Stat) -> float:
    """Return for how long a process has existed, in seconds."""
    return max(0.0, time.clock_gettime(proc.CLOCK) - process.started)


# By the letters of proc(5): stopped by a signal, or by a tracer; a zombie; about to go.
_PHASES = {
    "T": Phase.STOPPED,
    "t": Phase.STOPPED,
    "Z": Phase.ZOMBIE,
    "X": Phase.GONE,
}


class JobObserver:
    """Watches a job, which is reaped at once: nobody ever sees its zombie."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.title = f"Job {job.name} ({process(job)})"
        self.started_at = job.started_at

    def look(self) -> Sighting | None:
        """Look at it; ``None`` while it is queued."""
        state, status = self._job.state, self._job.status
        if status is JobStatus.QUEUED:
            return None
        phase = _PHASES_OF_JOBS.get(status, Phase.GONE)
        if status is JobStatus.RELEASED:
            return Sighting(phase, ProcessStatus.RELEASED)
        if phase is Phase.GONE:
            return Sighting(phase, ProcessStatus.DONE, state.sys if state else None)
        pid = self._job.pid
        here = self._job.host is HERE  # elsewhere the pid is somebody else's
        letter = _letter(pid) if here and pid else ""
        return Sighting(phase, ProcessStatus.OK, letter=letter)

    def watch(self, callback: Callback) -> Callback:
        """Call back when something happened to the job."""
        return self._job.subscribe(lambda _: callback())


def _letter(pid: int) -> str:
    with suppress(OSError):
        return seen.state if (seen := proc.stat(pid)) else ""
    return ""


_PHASES_OF_JOBS = {
    JobStatus.RUNNING: Phase.RUNNING,
    JobStatus.STOPPED: Phase.STOPPED,
}


class _Ticker:
    """Calls back on the event loop's thread until it is stopped."""

    def __init__(self, callback: Callback) -> None:
        self._callback = callback
        self._stopped = False
        self._timer: Timer | None = None
        event_loop().call_soon(self._tick)

    def stop(self) -> None:
        """Make no more calls."""
        self._stopped = True
        if self._timer:
            self._timer.cancel()

    def _tick(self) -> None:
        if not self._stopped and event_loop().is_open:
            self._timer = event_loop().call_later(_LOOK_EVERY, self._tick)
            self._callback()
