"""The process that a job started: signalled and reaped by this machine."""

from __future__ import annotations

import os
import signal as signals
from collections.abc import Callable
from contextlib import ExitStack, suppress

from ipyproc.process import Process, ProcessStatus
from ipyproc.state import ProcessState

# What a leader is before its start; nobody signals it, waits for it or releases it.
_NOT_STARTED = Process(0)


class Leader:
    """A job's process, and its group.

    The event loop's thread reaps it; other threads, and signal handlers, signal it.
    """

    def __init__(self) -> None:
        #: Both are set by what starts the process.
        self.process = _NOT_STARTED
        self.pid = 0
        #: It stays ours even if somebody waits for the process, or releases it.
        self.pidfd = -1
        #: What its environment has to tell it and its heirs by; empty: nothing.
        self.mark = ""
        #: Whether it was reaped, or nobody can learn its end any more.
        self.is_over = False
        self._handle = ExitStack()
        # While anything is in here the process is not reaped: its pid is its own.
        self._uses_of_pid: dict[object, None] = {}
        self._reaping = False
        self._is_closed = False

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended, so that its pid may be a stranger's by now.

        Somebody else may have waited for it. If only nobody can learn its end, it may
        run on.
        """
        return self._is_closed or self.process.status is ProcessStatus.DONE

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
        self.is_over = self._is_closed = True
        self._handle.close()

    def ask(self) -> None:
        """Ask the process to end: send TERM, which a stopped one would not hear."""
        self.process.signal(signals.SIGTERM)
        if self.is_stopped():
            self.process.signal(signals.SIGCONT)

    def signal_group(self, sig: int) -> bool:
        """Send *sig* to the group of the process, and return ``True``.

        Where that is not the job's own, the signal goes to the process alone.
        """
        if self._with_pid(lambda: self._kill_group(sig)):
            return True
        self.process.signal(sig)
        return False

    def is_stopped(self) -> bool:
        """Ask the kernel whether the process is stopped; that changes nothing.

        There is no other sound way: a stop makes no pidfd ready, and SIGCHLD belongs to
        the user's program.
        """
        return self._with_pid(self._waitable)

    def _kill_group(self, sig: int) -> bool:
        if self.process.status is not ProcessStatus.OK:
            return False
        group = os.getpgid(self.pid)
        # All groups of a session that the process leads belong to the job.
        if self.pid not in (group, os.getsid(self.pid)):
            return False
        os.killpg(group, sig)
        return True

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

    def _waitable(self) -> bool:
        by_pid = os.P_PID, self.pid
        idtype, number = by_pid if self.pidfd < 0 else (os.P_PIDFD, self.pidfd)
        try:
            return bool(
                os.waitid(idtype, number, os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
            )
        except OSError:
            return False
