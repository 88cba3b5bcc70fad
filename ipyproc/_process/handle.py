"""What a ``Process`` owns: a pidfd, or nothing but a pid.

As in ``owner`` there is no lock in here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ECHILD, EINVAL

from ipyproc._process import descriptors
from ipyproc._process.owner import Owner, ProcessStatus
from ipyproc._process.threads import within_reach_of_signals
from ipyproc._sys import pidfd, waitid
from ipyproc.errors import (
    NoHandleError,
    ProcessDoneError,
    ProcessNotInitializedError,
    ProcessReleasedError,
    SyscallError,
)

_FIRST_NAP, _LONGEST_NAP = 0.0005, 0.02
# Beyond what a pid can be the kernel would take the rest for another's.
_NO_PID = 2**31


class PidfdOwner(Owner):
    """Owns a pidfd; it is closed when the last user is gone after the end."""

    __slots__ = ("_fds",)

    def __init__(self, pid: int) -> None:
        #: The pidfd, while it is open.
        self._fds: list[int] = []
        super().__init__(pid)
        try:
            fd = descriptors.opened(self._fds, os.pidfd_open, pid)
        except OverflowError:  # no pid is that big
            raise OSError(EINVAL, os.strerror(EINVAL)) from None
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
            descriptors.close_last(self._fds)

    def _expect(self) -> None:
        # Only a child: another process is refused at once, not at its end.
        if self.is_ours and not self.stops and not self._report.filled:
            self._sleep(None)

    def _sleep(self, longest: float | None) -> None:
        if not self.stops:
            waitid.readable_within(self._fds[0], within_reach_of_signals(longest))
            return
        longest = within_reach_of_signals(longest)
        if longest is None:
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
        longest = within_reach_of_signals(longest)
        if longest is None:
            waitid.wait_ended(*self._report.child)
        else:
            time.sleep(min(self._nap, longest))
            self._nap = min(self._nap * 2, _LONGEST_NAP)


def _refused(status: ProcessStatus) -> OSError:
    if status is ProcessStatus.RELEASED:
        return ProcessReleasedError()
    return ProcessDoneError()
