"""The process that a job started: signalled, ended and reaped by this machine."""

from __future__ import annotations

import os
import signal as signals
from collections.abc import Callable
from contextlib import ExitStack, suppress
from errno import EINVAL

from ipyproc._jobs.io.event_loop import EventLoop
from ipyproc._jobs.io.timers import Timer
from ipyproc._jobs.procinfo.tree import Tree, tree_of
from ipyproc._jobs.uninterrupted import uninterrupted
from ipyproc.errors import ProcessDoneError, SyscallError
from ipyproc.process import Process, ProcessStatus
from ipyproc.state import ProcessState

# How soon to kill again what is left of a job, if that was refused.
_KILL_AGAIN = 0.25


class Leader:
    """A job's process, its group and its tree.

    The event loop's thread reaps it; other threads, and signal handlers, signal it.
    """

    def __init__(self, loop: EventLoop) -> None:
        #: Both are set by what starts the process.
        self.process = Process(0)
        self.pid = 0
        #: It stays ours even if somebody waits for the process, or releases it.
        self.pidfd = -1
        #: Whether it was reaped, or nobody can learn its end any more.
        self.is_over = False
        self._loop = loop
        self._handle = ExitStack()
        # While anything is in here the process is not reaped: its pid is its own.
        self._uses_of_pid: dict[object, None] = {}
        self._reaping = False
        self._killer: Timer | None = None

    def hold(self) -> None:
        """Take a pidfd, where there is one."""
        with suppress(OSError):  # there are none, or the process was released
            self.pidfd = self._handle.enter_context(self.process.handle())

    def let_go(self) -> None:
        """Close the pidfd."""
        self._handle.close()

    def reap(self) -> ProcessState:
        """Return how the process ended.

        ``TimeoutError`` if it did not end, if its tracer has to hear of the end first,
        ptrace(2), or if its pid is in use at this moment; other errors are final.
        """
        self._reaping = True
        try:
            if self._uses_of_pid:
                raise TimeoutError
            state = self.process.wait(0)
        except TimeoutError:
            self._reaping = False
            raise
        except OSError:
            self.close()
            raise
        self.close()
        return state

    def close(self) -> None:
        """End all that concerns a process that is over."""
        self.is_over = True
        self._handle.close()
        if self._killer:
            self._killer.cancel()

    def signal(self, sig: int, tree: bool) -> None:
        """Send *sig* to the process, or to all that belongs to it."""
        if not tree:
            self.process.signal(sig)
            return
        # An interrupt in between must not leave anything stopped.
        uninterrupted(lambda: self._signal_tree(sig))

    def end(self, grace: float) -> None:
        """Send TERM to the process group, and KILL to all that is left later."""
        self._loop.check_open()  # or nobody would send the second
        self._signal_group(signals.SIGTERM)
        if self.is_stopped():
            self._signal_group(signals.SIGCONT)
        if self._killer:
            self._killer.cancel()
        self._killer = self._loop.call_later(grace, self._kill_if_left)
        if self.is_over:  # it was quick: nobody else may have seen this timer
            self._killer.cancel()

    def is_stopped(self) -> bool:
        """Ask the kernel whether the process is stopped; that changes nothing.

        There is no other sound way: a stop makes no pidfd ready, and SIGCHLD belongs to
        the user's program.
        """
        return self._with_pid(self._waitable)

    def _signal_tree(self, sig: int) -> None:
        try:
            number = self._tree().signal(sig)
        except (OSError, OverflowError) as error:
            # As when no descriptor is free for reading /proc. What needs none is done
            # all the same: the process, and its group, are killed.
            if sig == signals.SIGKILL:
                with suppress(OSError):
                    self._signal_group(sig)
            raise SyscallError(None, getattr(error, "errno", EINVAL)) from None
        if number:
            return
        if self.is_over or self.process.status is not ProcessStatus.OK:
            raise ProcessDoneError
        self._signal_group(sig)  # there is no /proc to look into

    def _tree(self) -> Tree:
        if self.is_over:
            return tree_of((), ended={self.pid})
        return tree_of({self.pid})

    def _signal_group(self, sig: int) -> None:
        if not self._with_pid(lambda: self._kill_group(sig)):
            self.process.signal(sig)

    def _kill_group(self, sig: int) -> bool:
        if self._leads_group():
            os.killpg(self.pid, sig)
            return True
        return False

    def _with_pid(self, use: Callable[[], bool]) -> bool:
        """Call *use* while the process is not reaped; ``False`` if it was already.

        Not a lock: the event loop would wait for it, and a signal handler that came in
        between for the event loop. In this order: either the loop sees that the pid is
        in use, or we see that it is reaping.
        """
        key = object()
        try:
            self._uses_of_pid[key] = None
            return not self._reaping and not self.is_over and use()
        finally:
            self._uses_of_pid.pop(key, None)

    def _leads_group(self) -> bool:
        return (
            self.process.status is ProcessStatus.OK and os.getpgid(self.pid) == self.pid
        )

    def _kill_if_left(self) -> None:
        if not self.is_over:
            self._kill_all()

    def _kill_all(self) -> None:
        """Kill all that is left; retry while that is refused."""
        try:
            self.signal(signals.SIGKILL, tree=True)
        except ProcessDoneError:
            return
        except OSError:
            self._loop.call_later(_KILL_AGAIN, self._kill_all)

    def _waitable(self) -> bool:
        by_pid = os.P_PID, self.pid
        idtype, number = by_pid if self.pidfd < 0 else (os.P_PIDFD, self.pidfd)
        try:
            return bool(
                os.waitid(idtype, number, os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
            )
        except OSError:
            return False
