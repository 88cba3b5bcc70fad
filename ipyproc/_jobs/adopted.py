"""A process that another program of ours has started, and that runs on without it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ipyproc._jobs.local import LocalRunner
from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.request import Request
from ipyproc._jobs.runner import JobStatus, status_at_end
from ipyproc.errors import JobLostError
from ipyproc.process import find_process
from ipyproc.state import ProcessState

# How often to look whether a process has ended that is no child, without a pidfd.
_LOOK_EVERY: Final = 0.2
_REASON: Final = "its agent had ended, so nobody learnt how it did"


class AdoptedRunner(LocalRunner):
    """Follows a process by its pid and its start, and the files that it writes.

    It is no child of ours, so that nobody will learn how it ends: it is lost then.
    """

    def __init__(self, request: Request, pid: int, started_ticks: int) -> None:
        self._adopted = pid
        self._ticks = started_ticks
        super().__init__(request)

    @property
    def status(self) -> JobStatus:
        """What the process does now."""
        if self.error:
            return JobStatus.LOST
        seen = None
        with suppress(OSError):
            seen = self._look()
        return JobStatus.STOPPED if seen and seen.stopped else JobStatus.RUNNING

    def _find_directory(self) -> str | None:
        return self._request.dir

    def _find_program(self) -> str:
        return ""

    def _make(self) -> None:
        leader = self._leader
        leader.process, leader.pid = find_process(self._adopted), self._adopted
        if self._look() is None:  # it has ended, and its number may be a stranger's
            leader.process.release()
            leader.close()
        self._measured.start(self.pid)
        assert self._request.folder is not None
        self._streams.reopen(self._request.folder)

    def _attach(self) -> None:
        if self._leader.is_over:
            self._streams.attach()
            self.ended_at, self.error = time.time(), self._unknown_end(OSError())
            self._loop.call_soon(self._end_at_once)
            return
        super()._attach()

    def _end_at_once(self) -> None:
        self._streams.drain()
        self._settle()

    def _wait_by_pid(self) -> None:
        while self._look() is not None:
            time.sleep(_LOOK_EVERY)
        with suppress(RuntimeError):  # the event loop ended first
            self._loop.call_soon(self._ended)

    def _unknown_end(self, error: OSError) -> OSError:
        return JobLostError(_REASON)

    def _look(self) -> proc.Stat | None:
        seen = proc.stat(self._adopted)
        if seen is None or seen.ended or seen.started_ticks != self._ticks:
            return None
        return seen


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended that is on record; *error* if nobody knows its *state*."""

    state: ProcessState | None
    error: OSError | None
    ended_at: float
    timed_out: bool = False


class EndedRunner(AdoptedRunner):
    """A process that has ended, and the files that it wrote."""

    def __init__(self, request: Request, pid: int, ending: Ending) -> None:
        self._how = ending
        super().__init__(request, pid, 0)

    @property
    def status(self) -> JobStatus:
        """How it ended."""
        state = self._how.state
        return status_at_end(state) if state else JobStatus.LOST

    def _attach(self) -> None:
        how = self._how
        self._streams.attach()
        self.state, self.error, self.timed_out = how.state, how.error, how.timed_out
        self.ended_at = how.ended_at
        self._loop.call_soon(self._end_at_once)

    def _look(self) -> proc.Stat | None:
        return None
