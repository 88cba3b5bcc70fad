"""A command under way: ``Cmd.start`` begins it and ``Cmd.wait`` ends it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress

from ipyproc._process.threads import Event
from ipyproc.context import Context, after_func
from ipyproc.errors import ExitError, ProcessDoneError, WaitDelayError
from ipyproc.exec.copy import Copying
from ipyproc.exec.stdio import Stdio
from ipyproc.process import Process
from ipyproc.state import ProcessState

# How often to look for the end of a process while copying for it.
_TICK = 0.02
# How late a thread may start before its work is done without it.
_LATEST_START = 0.3


class Running:
    """A started command: its process, its copying and its watch.

    A method that an interrupt cut short goes on where it was when called again.
    """

    def __init__(self, process: Process, stdio: Stdio, delay: float) -> None:
        self._process = process
        self._stdio = stdio
        self._gathering = stdio.gathering
        # What is copied meanwhile, if anything is.
        self._copying = Copying(stdio.tasks, stdio.close_ours) if stdio.tasks else None
        self._watch: _Watch | None = None
        self._delay = delay
        self._deadline: float | None = None
        self._parent = os.getpid()
        #: How the process ended, once it was waited for.
        self.state: ProcessState | None = None

    def start(self, ctx: Context | None, cancel: Callable[[], object] | None) -> None:
        """Start what runs beside the process."""
        self._stdio.started()
        if self._copying is not None:
            self._copying.start()
        if ctx is not None and (cancel is not None or self._delay):
            delay, copying = self._delay, self._copying
            self._watch = _Watch(ctx, cancel, delay, self._process, copying)

    def wait(self) -> BaseException | None:
        """Wait for the end of everything, and return the error that counts.

        How the process ended counts before the error of a cancellation, and that before
        an error of the copying, which the other two may have caused.
        """
        failed = self._reap()
        if self._is_in_fork:
            return failed
        cancelled, copied = self._watched(), self._copied()
        if failed is not None:
            return failed
        return copied if cancelled is None else cancelled

    def end(self) -> None:
        """Kill the process, give up its pipes and wait for the end of everything."""
        if self._is_in_fork:
            return
        with suppress(ProcessDoneError):
            self._process.kill()
        self._gathering.close()
        self._reap()
        if self._copying is not None:
            self._copying.give_up()
        self.wait()

    def _reap(self) -> BaseException | None:
        # The process may need us to copy before it can end. Without a delay the copying
        # may take as long as it likes; with one, it counts from the process's end.
        while self._work() and not (self._delay and self._ended()):
            pass
        if self.state is None:
            try:
                self.state = self._process.wait()
            except OSError as error:
                if self.state is None:  # a handler may have waited meanwhile
                    return error
        return None if self.state.success else ExitError(self.state)

    def _work(self) -> bool:
        """Do what is left to this thread; return whether some is left after a while."""
        if self._copying is None or not self._copying.is_left_to_us:
            return self._gathering.work(None)
        copies = self._copying.work(_TICK)
        return self._gathering.work(_TICK) or copies

    def _ended(self) -> bool:
        try:
            self.state = self.state or self._process.wait(0)
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    @property
    def _is_in_fork(self) -> bool:
        """Whether the process and the threads are our parent's, not ours."""
        return self._parent != os.getpid()

    def _watched(self) -> BaseException | None:
        if self._watch is None:
            return None
        self._watch.settle()
        self._deadline = self._watch.deadline
        return self._watch.error

    def _copied(self) -> BaseException | None:
        if self._copying is None:
            return self._gathering.error
        if self._delay and self._deadline is None:
            self._deadline = time.monotonic() + self._delay
        error = self._copying.outcome(self._deadline)
        self._copying.join()
        return error or self._gathering.error


class _Watch:
    """Cancels a command when its context is done, and kills it if that does not help.

    All of it happens in a thread that exists only from then on, whether or not
    anybody waits for the command.
    """

    def __init__(
        self,
        ctx: Context,
        cancel: Callable[[], object] | None,
        delay: float,
        process: Process,
        copying: Copying | None,
    ) -> None:
        self._ctx = ctx
        self._cancel = cancel
        self._delay = delay
        self._process = process
        self._copying = copying
        self._reaped = Event()
        self._settled = Event()
        self._may_run = [None]
        #: What the end of the context makes of a command that succeeded.
        self.error: BaseException | None = None
        #: When the delay is over that began with the end of the context, if it did.
        self.deadline: float | None = None
        self._stop = after_func(ctx, self._run)

    def settle(self) -> None:
        """Note that the process was waited for; nothing happens to it afterwards.

        May be called again after an interrupt.
        """
        self._reaped.set()
        if not self._stop():
            # If we are a signal handler that interrupts the start of the thread, there
            # will be none before we return.
            if not self._settled.wait(_LATEST_START):
                self._run()
            self._settled.wait()

    def _run(self) -> None:
        try:
            self._may_run.pop()
        except IndexError:
            return
        try:
            self.error = self._cancelled()
            if self._delay and not self._reaped_within_delay():
                self._force()
        finally:
            self._settled.set()

    def _cancelled(self) -> BaseException | None:
        """Cancel, and return the error of a command that ends well all the same."""
        if self._cancel is None:
            return None
        try:
            self._cancel()
        except BaseException as error:  # noqa: BLE001 - the user's may raise anything
            return None if _says_done(error) else _wrapped("canceling", error)
        return self._ctx.err and type(self._ctx.err)()

    def _reaped_within_delay(self) -> bool:
        deadline = time.monotonic() + self._delay
        if not self._reaped.wait(self._delay):
            return False
        self.deadline = deadline  # what is left of it is for the pipes
        return True

    def _force(self) -> None:
        killed = self._kill()
        if self._copying is None:
            return
        if not self._copying.ended.is_set():
            # Only now, so that the process dies of the signal and not of a closed pipe.
            self._copying.give_up()
            self.error = self.error or WaitDelayError()
        elif not killed:
            self.error = self.error or self._copying.error
        self._copying.discount()

    def _kill(self) -> bool:
        try:
            self._process.kill()
        except ProcessDoneError:
            return False
        except OSError as error:
            self.error = _wrapped("killing", error)
            return False
        return True


def _says_done(error: BaseException | None) -> bool:
    """Whether *error* is, or was caused by, the end of the command by itself."""
    while error is not None and not isinstance(error, ProcessDoneError):
        error = error.__cause__
    return error is not None


def _wrapped(doing: str, error: BaseException) -> OSError:
    wrapped = OSError(f"exec: {doing} Cmd: {error}")
    wrapped.__cause__ = error
    return wrapped
