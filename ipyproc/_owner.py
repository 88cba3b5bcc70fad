"""What a ``Process`` owns: a pidfd, or nothing but a pid; and the report of its end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from errno import ECHILD, EINVAL

from ipyproc._sys import pidfd, waitid
from ipyproc.errors import (
    NoHandleError,
    ProcessDoneError,
    ProcessNotInitializedError,
    ProcessReleasedError,
    SyscallError,
)
from ipyproc.state import ProcessState

# A signal that arrives after Python last looked for one and before poll(2) begins does
# not end the poll: the main thread, which handles signals, looks again that often.
_LONGEST_DEAF = 1.0
_FIRST_NAP, _LONGEST_NAP = 0.0005, 0.02


class ProcessStatus(StrEnum):
    """What became of a ``Process``, the object; never the state of the process."""

    OK = "ok"
    DONE = "done"
    RELEASED = "released"


class Owner:
    """The status of a ``Process`` and the report of its end, safe for many threads."""

    idtype = waitid.P_PID
    #: Whether we are tracing the process: then waiting reports its stops, too.
    stops = False

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.status = ProcessStatus.OK
        self.lock = threading.Lock()
        self._report = waitid.new_report()
        self._claimed = False

    @property
    def unsettled(self) -> bool:
        """Whether the process was neither reaped nor released."""
        return self.status is ProcessStatus.OK and not self._report.filled

    def settle(self, status: ProcessStatus) -> None:
        """Leave status OK, once."""
        with self.lock:
            if self.status is ProcessStatus.OK:
                self.status = status

    def release(self) -> None:
        """Give the process up."""
        self.settle(ProcessStatus.RELEASED)

    def _reap(self, number: int) -> bool:
        with self.lock:
            if not self._report.filled:
                self._report.reap(self.idtype, number)
            return self._report.filled

    def _claim(self) -> ProcessState:
        """Hand the state of the reaped child out, to one caller only.

        Signal handlers run in the midst of it, and may raise: after a call, never
        between the last one and the return. Who is interrupted may ask again.
        """
        mine = False
        try:
            report = self._report
            state = ProcessState(report.pid, report.status, report.usage)
            self.settle(ProcessStatus.DONE)
            with self.lock:
                if self._claimed:
                    raise SyscallError("waitid", ECHILD)
                self._claimed = mine = True
        except BaseException:
            self._claimed = self._claimed and not mine
            raise
        return state


class PidfdOwner(Owner):
    """Owns a pidfd; it is closed when the last user is gone after the end."""

    idtype = waitid.P_PIDFD

    def __init__(self, pid: int, fd: int) -> None:
        super().__init__(pid)
        self._fd = fd
        self._users: set[object] = set()

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def settle(self, status: ProcessStatus) -> None:
        """Leave status OK, once; then the pidfd is closed as soon as it is free."""
        super().settle(status)
        self._close_if_unused()

    def wait(self, timeout: float | None) -> ProcessState:
        """Wait for the end and take the state."""
        released = self.status is ProcessStatus.RELEASED
        if not self._report.filled or self._claimed or released:
            with self._borrowed(_refused_wait) as fd:
                self._wait_and_reap(fd, timeout)
        return self._claim()

    def _wait_and_reap(self, fd: int, timeout: float | None) -> None:
        end = None if timeout is None else time.monotonic() + timeout
        while not self._reap(fd):
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"process {self.pid} still runs")
            if not self.stops:
                waitid.readable_within(fd, _within_reach_of_signals(left))
            elif left is None:
                # A pidfd says nothing of stops.
                waitid.wait_ended(self.idtype, fd)
            else:
                time.sleep(min(left, _LONGEST_NAP))

    def reap_now(self) -> bool:
        """Reap the child if it has ended, whoever may ask for its state later."""
        return self._reap(self._fd)

    def signal(self, sig: int) -> None:
        """Signal the process that the pidfd names."""
        with self.handle() as fd:
            pidfd.send_signal(fd, sig)

    @contextmanager
    def handle(self) -> Iterator[int]:
        """Lend the pidfd out; it stays open until the block ends."""
        with self._borrowed(_refused_use) as fd:
            yield fd

    @contextmanager
    def _borrowed(self, refused: Callable[[ProcessStatus], OSError]) -> Iterator[int]:
        user = object()
        try:
            with self.lock:
                if self.status is not ProcessStatus.OK:
                    raise refused(self.status)
                self._users.add(user)
            yield self._fd
        finally:
            with self.lock:
                self._users.discard(user)
            self._close_if_unused()

    def _close_if_unused(self) -> None:
        with self.lock:
            if self.status is ProcessStatus.OK or self._users or self._fd < 0:
                return
            fd, self._fd = self._fd, -1
            os.close(fd)


class PidOwner(Owner):
    """Owns nothing: the process is reached by its number."""

    @classmethod
    def of_nobody(cls, pid: int) -> PidOwner:
        """Make one for a process that is known to be gone already."""
        owner = cls(pid)
        owner.status = ProcessStatus.DONE
        owner._claimed = True
        return owner

    def release(self) -> None:
        """Give the process up, and its number."""
        super().release()
        self.pid = -1

    def wait(self, timeout: float | None) -> ProcessState:
        """Wait for the end and take the state."""
        if self.status is ProcessStatus.RELEASED:
            raise _refused_wait(self.status)
        if self._claimed:
            # Whoever has this pid now is a stranger.
            raise SyscallError("waitid", ECHILD if self.pid > 0 else EINVAL)
        if not self._report.filled:
            self._wait_and_reap(timeout)
        return self._claim()

    def _wait_and_reap(self, timeout: float | None) -> None:
        if timeout is None:
            waitid.wait_ended(self.idtype, self.pid)
        else:
            self._wait_at_most(timeout)
        # From here on no signal may go to a number that is about to be free.
        self.settle(ProcessStatus.DONE)
        self.reap_now()

    def _wait_at_most(self, timeout: float) -> None:
        end, nap = time.monotonic() + timeout, _FIRST_NAP
        while not waitid.ended_child(self.idtype, self.pid):
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"process {self.pid} still runs")
            time.sleep(min(nap, left))
            nap = min(nap * 2, _LONGEST_NAP)

    def reap_now(self) -> bool:
        """Reap the child if it has ended, whoever may ask for its state later."""
        return self._reap(self.pid)

    def signal(self, sig: int) -> None:
        """Signal the pid, unless its process was waited for."""
        if self.pid == -1:
            raise ProcessReleasedError
        if self.pid == 0:
            raise ProcessNotInitializedError
        with self.lock:
            if self.status is not ProcessStatus.OK:
                raise _refused_use(self.status)
            pidfd.kill(self.pid, sig)

    @contextmanager
    def handle(self) -> Iterator[int]:
        """Refuse: there is no handle."""
        raise NoHandleError
        yield -1


def _within_reach_of_signals(seconds: float | None) -> float | None:
    if threading.current_thread() is not threading.main_thread():
        return seconds
    return _LONGEST_DEAF if seconds is None else min(seconds, _LONGEST_DEAF)


def _refused_wait(status: ProcessStatus) -> OSError:
    if status is ProcessStatus.RELEASED:
        return SyscallError(None, EINVAL)
    return SyscallError("wait", ECHILD)


def _refused_use(status: ProcessStatus) -> OSError:
    if status is ProcessStatus.RELEASED:
        return ProcessReleasedError()
    return ProcessDoneError()
