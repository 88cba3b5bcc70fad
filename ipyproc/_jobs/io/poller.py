"""What the reactor's thread sleeps on."""

from __future__ import annotations

import os
import selectors
from contextlib import suppress


class Poller:
    """What the thread sleeps on: a selector, and a pipe to wake it."""

    def __init__(self) -> None:
        """Open the descriptors."""
        #: For the thread that sleeps, and no other.
        self.selector = selectors.DefaultSelector()
        try:
            self._out, self._in = os.pipe()
        except BaseException:
            self.selector.close()
            raise
        os.set_blocking(self._out, False)
        os.set_blocking(self._in, False)
        self.selector.register(self._out, selectors.EVENT_READ, self._woken)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is watched but the pipe."""
        return len(self.selector.get_map()) == 1

    def wake(self) -> None:
        """Have ``select`` return; from any thread."""
        with suppress(BlockingIOError):  # a full pipe: it is about to wake anyway
            os.write(self._in, b"!")

    def close(self) -> None:
        """Close the descriptors."""
        self.selector.close()
        os.close(self._in)
        os.close(self._out)

    def _woken(self) -> None:
        os.read(self._out, 1 << 16)
