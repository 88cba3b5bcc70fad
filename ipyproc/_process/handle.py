"""What a ``Process`` owns: a pidfd, or nothing but a pid; and the report of its end.

There is no lock in here. Python runs signal handlers between any two instructions of
the main thread, and they may call everything; a lock that the interrupted code holds
would never be free again. A forked child would inherit the locks of threads that it
does not have. Instead each step that must happen once is one call into C: removing an
item, ``setdefault``, the primitives of ``_sys.pidfd``.
"""

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
    """The status of a ``Process`` and the report of its end.

    Safe for many threads, for signal handlers and for forked children.
    """

    __slots__ = (
        "_final",
        "_gone",
        "_report",
        "_unclaimed",
        "_users",
        "parent",
        "pid",
        "prints_into_cell",
        "stops",
    )

    _report: waitid.Report | waitid.PortableReport

    def __init__(self, pid: int) -> None:
        self.pid = pid
        #: The pid of the process that started this one and must reap it; 0 if none.
        self.parent = 0
        #: Whether we are tracing the process: then waiting reports its stops, too.
        self.stops = False
        #: Whether ipykernel has yet to show what the process printed when it ends.
        self.prints_into_cell = False
        # The status, once it is not OK any more; the first one stays.
        self._final: dict[None, ProcessStatus] = {}
        # The right to the state: the one caller that removes it returns the state.
        self._unclaimed: list[None] = [None]
        # A child that waitid does not know was reaped by other code, or by the kernel
        # where SIGCHLD is ignored: its pid may be a stranger's.
        self._gone = False
        self._users: set[object] = set()

    @property
    def status(self) -> ProcessStatus:
        """What became of the ``Process``."""
        return self._final.get(None, ProcessStatus.OK)

    def wait(self, timeout: float | None) -> ProcessState:
        """Wait for the end and return the state, to one caller only.

        Signal handlers may raise after any call in here. The status is in the report by
        then, and a caller that was interrupted while it took the state may ask again.
        """
        end = None if timeout is None else time.monotonic() + timeout
        claim: list[None] = []
        try:
            with self.waiting():
                while not self.reap():
                    self._pause(end)
                if self.prints_into_cell:
                    inherit.let_output_pass()
                state = self.take(claim)
            return state
        except BaseException:
            self.give_back(claim)
            raise

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait for the end in a block: what it needs is kept until the block ends.

        Raises if nobody may wait. Once the block has begun, a release does not end it.
        """
        with self._in_use():
            self._check_wait()
            try:
                yield
            except ChildProcessError:
                # In a fork of ours nothing is its child, which says nothing more.
                if self.is_ours:
                    self._gone = True
                raise

    def take(self, claim: list[None]) -> ProcessState:
        """Return the state of a process that was reaped, to the first caller.

        The right to it is moved to *claim* at the same time, for ``give_back``.
        """
        try:
            claim.extend(map(list.pop, [self._unclaimed]))
        except IndexError:
            raise SyscallError("waitid", ECHILD) from None
        state = self._report.state()
        self._settle(ProcessStatus.DONE)
        return state

    def give_back(self, claim: list[None]) -> None:
        """Let another caller have the state, which could not be returned."""
        self._unclaimed.extend(claim)

    def reap(self) -> bool:
        """Reap the child if it has ended; a later ``wait`` returns the state."""
        return self._report.reap()

    @property
    def is_ours(self) -> bool:
        """Whether we started the process: not a process that forked us."""
        return self.parent == os.getpid()

    def learnt(self) -> ProcessState | None:
        """Return how the process ended, if it was reaped here."""
        return self._report.state() if self._report.filled else None

    def release(self) -> None:
        """Give up the process."""
        self._settle(ProcessStatus.RELEASED)

    def _drop(
        self,
        # At the end of the interpreter the modules may be gone before us.
        warn: Callable[..., None] = warnings.warn,
        remember: Callable[[reaper.Child], None] = reaper.remember,
        getpid: Callable[[], int] = os.getpid,
    ) -> None:
        """Do what is due when nobody refers to it any more."""
        if self.parent != getpid() or self._report.filled or self._gone:
            self.release()
            return
        try:
            text = f"process {self.pid} was neither waited for nor released"
            warn(text, ResourceWarning, source=self)
        finally:  # a warning may be an error
            remember(self)

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Keep a descriptor open in a block.

        A user joins before it looks at the status, and who changes the status looks for
        users after that: one of the two sees the other.
        """
        user = object()
        try:
            self._users.add(user)
            yield
        finally:
            self._users.discard(user)
            self._close_if_unused()

    def _check_wait(self) -> None:
        """Raise if nobody may wait."""
        raise NotImplementedError

    def _settle(self, status: ProcessStatus) -> None:
        """Leave the status OK, once."""
        self._final.setdefault(None, status)
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        """Close what is open if the status is final and nobody uses it."""

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
        with self.handle() as fd:
            if self._gone:
                # The kernel takes signals until it has buried it.
                raise ProcessDoneError
            pidfd.send_signal(fd, sig)

    @contextmanager
    def handle(self) -> Iterator[int]:
        """Lend the pidfd to a block; it stays open until the block ends."""
        with self._in_use():
            if self.status is not ProcessStatus.OK:
                raise _refused(self.status)
            yield self._fds[0]

    def waited_on(self) -> int:
        """Return the pidfd, for a block of ``waiting``."""
        return self._fds[0]

    def _check_wait(self) -> None:
        if self.status is ProcessStatus.RELEASED:
            raise SyscallError(None, EINVAL)
        if not self._unclaimed:
            raise SyscallError("wait", ECHILD)

    def _close_if_unused(self) -> None:
        if self._final and not self._users:
            pidfd.close_last(self._fds)

    def _sleep(self, longest: float | None) -> None:
        if not self.stops:
            waitid.readable_within(self._fds[0], _within_reach_of_signals(longest))
        elif longest is None:
            # A pidfd does not report stops.
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

    def __del__(self) -> None:
        if getattr(self, "parent", 0) and not self._final:
            self._drop()

    @classmethod
    def of_nobody(cls, pid: int) -> PidOwner:
        """Make one for a process that is known to be gone already."""
        owner = cls(pid)
        owner._final[None] = ProcessStatus.DONE
        owner._unclaimed.clear()
        return owner

    def release(self) -> None:
        """Give up the process and its number."""
        super().release()
        self.pid = -1

    def signal(self, sig: int) -> None:
        """Signal the pid, unless its process was reaped.

        A number is not signalled once it may be another's.
        """
        pid = self.pid
        if pid == -1:
            raise ProcessReleasedError
        if pid == 0:
            raise ProcessNotInitializedError
        if self.status is not ProcessStatus.OK:
            raise _refused(self.status)
        if self._gone:
            raise ProcessDoneError
        pidfd.kill_unless(self._report.reaped(), pid, sig)

    @contextmanager
    def handle(self) -> Iterator[int]:
        """Refuse: there is no handle."""
        raise NoHandleError
        yield -1

    def waited_on(self) -> None:
        """Return nothing: no descriptor tells the end."""

    def _check_wait(self) -> None:
        if self.status is ProcessStatus.RELEASED:
            raise SyscallError(None, EINVAL)
        if not 0 < self.pid < _NO_PID:
            raise SyscallError("waitid", EINVAL)
        if not self._unclaimed:
            # Whatever has this pid now is a stranger.
            raise SyscallError("waitid", ECHILD)

    def _sleep(self, longest: float | None) -> None:
        if longest is None:
            waitid.wait_ended(*self._report.child)
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
