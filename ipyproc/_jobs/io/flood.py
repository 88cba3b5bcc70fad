"""What keeps a job cheap that prints without end: large pipes, and time to fill them.

Who writes little at a time wakes who reads with each piece. Where the reader is as fast
as that, both are busy with waking and being woken.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from ipyproc._process.descriptors import LARGE_PIPE, USUAL_PIPE, resize_pipe

#: What all pipes that were enlarged may hold. What those of a user hold is limited,
#: usually to 64 MiB, and beyond that other programs get pipes of one page, pipe(7).
ENLARGED: Final = 32 << 20

# The least that is read of a pipe when many are ready.
_LEAST = 1 << 17
# A read of so much is worth being woken for.
_WORTH_IT = 1 << 18
# So many reads of less, each within so many seconds of the one before, are a flood.
_READS = 16
_SOON = 0.001
#: Seconds for which a flood is left alone after each read.
PAUSE: Final = 0.00025


class Pace:
    """How much to read of a pipe, and when to let pipes fill before that.

    *clock* and *sleep* are those of ``time``.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._last = 0.0
        self._reads = 0
        #: How much to read of one pipe, before the others have their turn.
        self.share = LARGE_PIPE

    def begin(self, ready: int) -> None:
        """Share what is read until other events have their turn between *ready* pipes.

        However many flood us, what else there is to do need not wait for long.
        """
        self.share = max(_LEAST, LARGE_PIPE // max(1, ready))

    def note(self, size: int) -> None:
        """Note that *size* bytes were read."""
        now = self._clock()
        is_small = size < min(_WORTH_IT, self.share) and now - self._last < _SOON
        self._reads = self._reads + 1 if is_small else 0
        self._last = now

    def keep(self) -> None:
        """Pause, if what was read lately came in many small pieces."""
        if self._reads >= _READS and self._clock() - self._last < _SOON:
            self._sleep(PAUSE)


class PipeSpace:
    """Enlarges pipes, as far as the system and our share of it allow."""

    def __init__(self, limit: int = ENLARGED) -> None:
        self._left = limit
        self._taken: dict[int, int] = {}

    def enlarge(self, fd: int) -> None:
        """Enlarge a pipe of the usual size, if there is room."""
        size = LARGE_PIPE
        while size > USUAL_PIPE:
            if size <= self._left and resize_pipe([fd], size):
                self._taken[fd] = size
                self._left -= size
                return
            size //= 2

    def free(self, fd: int) -> None:
        """Note that the pipe is closed."""
        self._left += self._taken.pop(fd, 0)
