"""The threads that copy to and from a running command."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ipyproc.errors import WaitDelayError


class Copying:
    """What is copied while a command runs, each task in a thread of its own.

    *close* shuts the pipes, which ends every task that blocks in one. The methods may
    be called again after an interrupt cut them short.
    """

    def __init__(
        self, tasks: list[Callable[[], object]], close: Callable[[], None]
    ) -> None:
        self._close = close
        self._threads = [
            threading.Thread(
                target=self._run, args=[task], name="ipyproc-copy", daemon=True
            )
            for task in tasks
        ]
        self._lock = threading.Lock()
        self._left = len(tasks)
        self._gave_up = False
        self._counts = True
        #: The first error of any task.
        self.error: BaseException | None = None
        #: Set when all tasks have ended.
        self.ended = threading.Event()
        if not tasks:
            self.ended.set()

    def __bool__(self) -> bool:
        """Whether there is anything to copy."""
        return bool(self._threads)

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def outcome(self, deadline: float | None) -> BaseException | None:
        """Wait for the end, up to *deadline* if there is one, and say how it was.

        Past the deadline, on the monotonic clock, the pipes are closed and it is a
        ``WaitDelayError``; otherwise the first error.
        """
        if not self._counts:
            return None
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not self.ended.wait(left):
            self.give_up()
        return WaitDelayError() if self._gave_up else self.error

    def give_up(self) -> None:
        """Close the pipes and wait until no task runs."""
        self._gave_up = True
        self._close()
        self.ended.wait()

    def discount(self) -> None:
        """Leave the outcome to who has seen to it already."""
        self._counts = False

    def join(self) -> None:
        """Wait until the threads themselves are gone; the tasks must have ended."""
        for thread in self._threads:
            thread.join()

    def _run(self, task: Callable[[], object]) -> None:
        error: BaseException | None = None
        try:
            task()
        except BaseException as raised:  # noqa: BLE001 - a writer may raise anything
            error = raised
        with self._lock:
            self.error = self.error or error
            self._left -= 1
            if self._left == 0:
                self.ended.set()
