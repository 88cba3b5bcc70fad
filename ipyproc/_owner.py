"""What a ``Process`` owns: a pidfd, or nothing but a pid."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
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

_LONGEST_NAP = 0.05


class ProcessStatus(StrEnum):
    """What became of a ``Process``, the object; never the state of the process."""

    OK = "ok"
    DONE = "done"
    RELEASED = "released"


class Owner:
    """The status of a ``Process`` and the report of its end, safe for many threads."""

    idtype: int
    has_handle: bool

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.status = ProcessStatus.OK
        self.lock = threading.Lock()
        self._report = waitid.Report()
        self._claimed = False

    def settle(self, status: ProcessStatus) -> None:
        """Leave status OK, once."""
        with self.lock:
            if self.status is ProcessStatus.OK:
                self.status = status

    def claim(self, number: int) -> ProcessState:
        """Reap the ended child and hand its state out, to one caller only."""
        mine = False
        try:
            with self.lock:
                if self._claimed:
                    raise SyscallError("wait", ECHILD)
                if not self._report.filled:
                    self._report.reap(self.idtype, number)
                report = self._report
                state = ProcessState(self.pid, report.status, report.usage)
                if self.status is ProcessStatus.OK:
                    self.status = ProcessStatus.DONE
                self._claimed = mine = True
        except BaseException:
            # A KeyboardInterrupt on the way out: the next wait shall get the state.
            self._claimed = self._claimed and not mine
            raise
        return state


class PidfdOwner(Owner):
    """Owns a pidfd; it is closed when the last user is gone after the end."""

    idtype = os.P_PIDFD
    has_handle = True

    def __init__(self, pid: int, fd: int) -> None:
        super().__init__(pid)
        self._fd = fd
        self._users: set[object] = set()

    def wait(self, timeout: float | None) -> ProcessState:
        """Wait for the end and take the state."""
        with self._borrowed(SyscallError("wait", ECHILD), _invalid()) as fd:
            if not self._report.filled:
                if timeout is None:
                    waitid.wait_exited(self.idtype, fd)
                elif not waitid.readable_within(fd, timeout):
                    raise TimeoutError(f"process {self.pid} still runs")
            return self.claim(fd)

    def signal(self, sig: int) -> None:
        """Signal the process that the pidfd names."""
        with self.handle() as fd:
            pidfd.send_signal(fd, sig)

    @contextmanager
    def handle(self) -> Iterator[int]:
        """Lend the pidfd out; it stays open until the block ends."""
        with self._borrowed(ProcessDoneError(), ProcessReleasedError()) as fd:
            yield fd

    @contextmanager
    def _borrowed(self, if_done: OSError, if_released: OSError) -> Iterator[int]:
        user = object()
        try:
            with self.lock:
                if self.status is not ProcessStatus.OK and not self._unclaimed():
                    done = self.status is ProcessStatus.DONE
                    raise if_done if done else if_released
                self._users.add(user)
            yield self._fd
        finally:
            with self.lock:
                self._users.discard(user)
            self.close_if_unused()

    def _unclaimed(self) -> bool:
        return self._report.filled and not self._claimed

    def close_if_unused(self) -> None:
        """Close the pidfd once nobody will ask for it again."""
        with self.lock:
            if self.status is ProcessStatus.OK or self._users or self._fd < 0:
                return
            fd, self._fd = self._fd, -1
            os.close(fd)


class PidOwner(Owner):
    """Owns nothing: the process is reached by its number."""

    idtype = os.P_PID
    has_handle = False

    def wait(self, timeout: float | None) -> ProcessState:
        """Wait for the end and take the state."""
        if self.status is ProcessStatus.RELEASED:
            raise _invalid()
        if not self._report.filled or self._claimed:
            self._block(timeout)
        # From here on no signal may go to a number that is about to be free.
        self.settle(ProcessStatus.DONE)
        return self.claim(self.pid)

    def _block(self, timeout: float | None) -> None:
        if timeout is None:
            waitid.wait_exited(self.idtype, self.pid)
            return
        end, nap = time.monotonic() + timeout, 0.0005
        while not waitid.has_exited(self.idtype, self.pid):
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"process {self.pid} still runs")
            time.sleep(min(nap, left))
            nap = min(nap * 2, _LONGEST_NAP)

    def signal(self, sig: int) -> None:
        """Signal the pid, unless its process was waited for."""
        if self.pid == -1:
            raise ProcessReleasedError
        if self.pid == 0:
            raise ProcessNotInitializedError
        with self.lock:
            if self.status is ProcessStatus.DONE:
                raise ProcessDoneError
            if self.status is ProcessStatus.RELEASED:
                raise ProcessReleasedError
            _kill(self.pid, sig)

    @contextmanager
    def handle(self) -> Iterator[int]:
        """Refuse: there is no handle."""
        raise NoHandleError
        yield -1

    def close_if_unused(self) -> None:
        """Do nothing: there is nothing to close."""


def _kill(pid: int, sig: int) -> None:
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        raise ProcessDoneError from None
    except OSError as error:
        raise SyscallError(None, error.errno or EINVAL) from None


def _invalid() -> SyscallError:
    return SyscallError(None, EINVAL)
