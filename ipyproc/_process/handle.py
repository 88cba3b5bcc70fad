"""What a ``Process`` owns: a pidfd, or nothing but a pid; and the report of its end."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from errno import ECHILD, EINVAL

from ipyproc._process import reaper
from ipyproc._sys import inherit, pidfd, waitid
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
# Beyond what a pid can be the kernel would take the rest for another's.
_NO_PID = 2**31


class ProcessStatus(StrEnum):
    """What became of a ``Process``, the object; never the state of the process.

    ``ok``: nobody has waited for its end, whether or not that has come. ``done``: its
    end was waited for. ``released``: it was given up.

    >>> from ipyproc import start_process
    >>> p = start_process("/bin/true", ["true"])
    >>> print(p.status, "->", p.wait(), "->", p.status)
    ok -> exit status 0 -> done
    """

    OK = "ok"
    DONE = "done"
    RELEASED = "released"


class Owner:
    """The status of a ``Process`` and the report of its end, safe for many threads."""

    __slots__ = (
        "_claimed",
        "_gone",
        "_lock",
        "_report",
        "_users",
        "is_ours",
        "pid",
        "prints_into_cell",
        "status",
        "stops",
    )

    _report: waitid.Report | waitid.PortableReport

    def __init__(self, pid: int) -> None:
        self.pid = pid
        #: Whether we started the process, and so must reap it.
        self.is_ours = False
        #: Whether we are tracing the process: then waiting reports its stops, too.
        self.stops = False
        #: Whether ipykernel has yet to show what the process printed when it ends.
        self.prints_into_cell = False
        self.status = ProcessStatus.OK
        self._claimed = False
        # A child of ours that waitid does not know was reaped by another, or by the
        # kernel where SIGCHLD is ignored: its pid may be a stranger's.
        self._gone = False
        self._users = 0
        self._lock = threading.Lock()

    def wait(self, timeout: float | None) -> ProcessState:
        """Wait for the end and hand the state out, to one caller only.

        Signal handlers may raise after any call in here: the status is in the report by
        then, and who was interrupted while taking it may ask again.
        """
        end = None if timeout is None else time.monotonic() + timeout
        report, waits, mine = self._report, False, False
        try:
            while True:
                with self._lock:
                    if not waits:
                        self._check_wait()
                    if report.reap():
                        if self._claimed:
                            raise SyscallError("waitid", ECHILD)
                        if self.prints_into_cell:
                            inherit.let_output_pass()
                        state = report.state()
                        self._users -= waits
                        waits = False
                        self._settle(ProcessStatus.DONE)
                        self._claimed = mine = True
                        return state
                    self._users += not waits
                    waits = True
                self._pause(end)
        except BaseException as error:
            self._claimed = self._claimed and not mine
            self._gone |= self.is_ours and isinstance(error, ChildProcessError)
            if waits:
                self._give_back()
            raise

    def reap(self) -> bool:
        """Reap the child if it has ended; whoever waits for it later gets the state."""
        with self._lock:
            return self._report.reap()

    def learnt(self) -> ProcessState | None:
        """Say how the process ended, if it was reaped here."""
        return self._report.state() if self._report.filled else None

    def release(self) -> None:
        """Give the process up."""
        with self._lock:
            self._settle(ProcessStatus.RELEASED)

    def _drop(
        self,
        # At the end of the interpreter the modules may be gone before us.
        warn: Callable[..., None] = warnings.warn,
        remember: Callable[[reaper.Child], None] = reaper.remember,
    ) -> None:
        """Do what is due when nobody refers to it any more."""
        if self.is_ours and not self._report.filled:
            text = f"process {self.pid} was neither waited for nor released"
            warn(text, ResourceWarning, source=self)
            remember(self)
        else:
            self.release()

    def _check_wait(self) -> None:
        """Raise if nobody may wait; with the lock held."""
        raise NotImplementedError

    def _settle(self, status: ProcessStatus) -> None:
        """Leave status OK, once; with the lock held."""
        if self.status is ProcessStatus.OK:
            self.status = status

    def _give_back(self) -> None:
        """Be no user any longer."""
        with self._lock:
            self._users -= 1

    def _pause(self, end: float | None) -> None:
        """Wait until the process may have ended; TimeoutError once *end* is past."""
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError(f"process {self.pid} still runs")
        self._sleep(left)

    def _sleep(self, longest: float | None) -> None:
        raise NotImplementedError


class PidfdOwner(Owner):
    """Owns a pidfd; it is closed when the last user is gone after the end."""

    __slots__ = ("_fds",)

    def __init__(self, pid: int) -> None:
        #: The pidfd, while it is open.
        self._fds: list[int] = []
        super().__init__(pid)
        fd = pidfd.open_for(pid, self._fds)
        self._report = waitid.new_report(waitid.P_PIDFD, fd)

    def __del__(self) -> None:
        # An interrupt may have come before there was anything.
        if getattr(self, "_fds", None):
            self._drop()

    def signal(self, sig: int) -> None:
        """Signal the process that the pidfd names."""
        with self._lock:
            self._check_use()
            if self._gone:
                # The kernel takes signals until it has buried it.
                raise ProcessDoneError
            pidfd.send_signal(self._fds[0], sig)

    @contextmanager
    def handle(self) -> Iterator[int]:
        """Lend the pidfd out; it stays open until the block ends."""
        lent = False
        try:
            with self._lock:
                self._check_use()
                self._users += 1
                lent = True
            yield self._fds[0]
        finally:
            if lent:
                self._give_back()

    def _check_use(self) -> None:
        if self.status is not ProcessStatus.OK:
            raise _refused(self.status)

    def _check_wait(self) -> None:
        if self.status is ProcessStatus.RELEASED:
            raise SyscallError(None, EINVAL)
        if self._claimed:
            raise SyscallError("wait", ECHILD)

    def _settle(self, status: ProcessStatus) -> None:
        if self.status is ProcessStatus.OK:
            self.status = status
        if self._fds and not self._users:
            fds, self._fds = self._fds, []
            os.close(fds[0])

    def _give_back(self) -> None:
        with self._lock:
            self._users -= 1
            if self.status is not ProcessStatus.OK:
                self._settle(self.status)

    def _sleep(self, longest: float | None) -> None:
        if not self.stops:
            waitid.readable_within(self._fds[0], _within_reach_of_signals(longest))
        elif longest is None:
            # A pidfd says nothing of stops.
            waitid.wait_ended(waitid.P_PIDFD, self._fds[0])
        else:
            time.sleep(min(longest, _LONGEST_NAP))


class PidOwner(Owner):
    """Owns nothing: the process is reached by its number."""

    __slots__ = ("_nap",)

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self._report = waitid.new_report(waitid.P_PID, pid)
        self._nap = _FIRST_NAP

    def __del__(self, ok: ProcessStatus = ProcessStatus.OK) -> None:
        if getattr(self, "is_ours", False) and self.status is ok:
            self._drop()

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

    def signal(self, sig: int) -> None:
        """Signal the pid, unless its process was waited for.

        The lock is the one that reaping takes: a number is not signalled once it may
        be another's.
        """
        if self.pid == -1:
            raise ProcessReleasedError
        if self.pid == 0:
            raise ProcessNotInitializedError
        with self._lock:
            if self.status is not ProcessStatus.OK:
                raise _refused(self.status)
            if self._report.filled or self._gone:
                raise ProcessDoneError
            pidfd.kill(self.pid, sig)

    @contextmanager
    def handle(self) -> Iterator[int]:
        """Refuse: there is no handle."""
        raise NoHandleError
        yield -1

    def _check_wait(self) -> None:
        if self.status is ProcessStatus.RELEASED:
            raise SyscallError(None, EINVAL)
        if not 0 < self.pid < _NO_PID:
            raise SyscallError("waitid", EINVAL)
        if self._claimed:
            # Whoever has this pid now is a stranger.
            raise SyscallError("waitid", ECHILD)

    def _sleep(self, longest: float | None) -> None:
        if longest is None:
            waitid.wait_ended(waitid.P_PID, self.pid)
        else:
            time.sleep(min(self._nap, longest))
            self._nap = min(self._nap * 2, _LONGEST_NAP)


def _within_reach_of_signals(seconds: float | None) -> float | None:
    if threading.current_thread() is not threading.main_thread():
        return seconds
    return _LONGEST_DEAF if seconds is None else min(seconds, _LONGEST_DEAF)


def _refused(status: ProcessStatus) -> OSError:
    if status is ProcessStatus.RELEASED:
        return ProcessReleasedError()
    return ProcessDoneError()
