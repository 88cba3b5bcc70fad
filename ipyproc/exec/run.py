"""What a command has at run time; ``Cmd.start`` makes it and ``Cmd.wait`` ends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from ipyproc.context import Context
from ipyproc.errors import ExitError, ProcessDoneError
from ipyproc.exec.copying import Copying
from ipyproc.exec.stdio import Stdio
from ipyproc.exec.watch import Watch
from ipyproc.process import Process
from ipyproc.state import ProcessState


class Running:
    """A started command: its process, its copying and its watch.

    An interrupt may cut any method short; called again, it goes on from there.
    """

    def __init__(self, process: Process, stdio: Stdio, delay: float) -> None:
        self._process = process
        self._stdio = stdio
        self._copying = Copying(stdio.tasks, stdio.close_ours)
        self._watch: Watch | None = None
        self._delay = delay
        self._deadline: float | None = None
        #: How the process ended, once it was waited for.
        self.state: ProcessState | None = None

    def start(self, ctx: Context | None, cancel: Callable[[], object] | None) -> None:
        """Start what runs beside the process."""
        self._stdio.started()
        self._copying.start()
        if ctx is not None and (cancel is not None or self._delay):
            delay, copying = self._delay, self._copying
            self._watch = Watch(ctx, cancel, delay, self._process, copying)

    def wait(self) -> BaseException | None:
        """Wait for the end of all, and return the error that counts.

        The end of the process comes before what cancelled it, and that before the
        copying, whose errors the others may have caused.
        """
        failed = self._reap()
        cancelled, copied = self._watched(), self._copied()
        self._copying.join()
        if failed is not None:
            return failed
        return copied if cancelled is None else cancelled

    def end(self) -> None:
        """Kill the process, give its pipes up and wait until all is over."""
        with suppress(ProcessDoneError):
            self._process.kill()
        self._reap()
        self._copying.give_up()
        self.wait()

    def _reap(self) -> BaseException | None:
        if self.state is None:
            try:
                self.state = self._process.wait()
            except OSError as error:
                return error
        return None if self.state.success else ExitError(self.state)

    def _watched(self) -> BaseException | None:
        if self._watch is None:
            return None
        self._watch.settle()
        self._deadline = self._watch.deadline
        return self._watch.error

    def _copied(self) -> BaseException | None:
        if self._delay and self._deadline is None:
            self._deadline = time.monotonic() + self._delay
        return self._copying.outcome(self._deadline)
