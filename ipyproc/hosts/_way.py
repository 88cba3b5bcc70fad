"""A connection to an agent, by two descriptors that the event loop owns."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable

from ipyproc._jobs.io.event_loop import EventLoop
from ipyproc._jobs.io.timers import Once
from ipyproc._process import broken_pipe


class Way(ABC):
    """A ``Stream`` that is greeted first; on the event loop's thread only.

    *input* comes from the agent, *output* goes to it.
    """

    def __init__(self, loop: EventLoop, reads: int, writes: int) -> None:
        self._loop = loop
        self.input, self.output = reads, writes
        #: What came behind the greeting.
        self.early = b""
        self.gone = Once()
        self._output_open = self._is_open = True
        for fd in (reads, writes):
            os.set_blocking(fd, False)
            loop.own(fd)

    @property
    @abstractmethod
    def complaint(self) -> str:
        """What was heard of a failure, on one line."""

    @abstractmethod
    def when_ended(self, tell: Callable[[str], None]) -> None:
        """Call *tell* with how it ended, once it has."""

    @property
    def is_ahead(self) -> bool:
        """Whether it has more that was read already, and makes nothing ready."""
        return False

    def read(self, buffer: memoryview) -> int:
        """Read into *buffer*, and return how much; 0 is the end."""
        return os.readv(self.input, [buffer])

    def write(self, data: memoryview) -> int:
        """Write some of *data*, and return how much."""
        try:
            return broken_pipe.write(self.output, data)
        except BlockingIOError:
            return 0

    @abstractmethod
    def end_output(self) -> None:
        """Close what goes to the agent: an orderly end."""

    @abstractmethod
    def close(self) -> None:
        """Close both at once, and end what is behind them."""
