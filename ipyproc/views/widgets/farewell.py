"""The end of the kernel, as far as it can be told: it is written into the notebook.

At an orderly end, a shutdown or a restart, jobs are ended first; then what is saved of
each says so. After a crash nobody in the kernel can write anything.
"""

from __future__ import annotations

import atexit
import os
import time
from contextlib import suppress
from typing import Final, Protocol
from weakref import WeakSet

from ipyproc._jobs.shutdown import shutdown
from ipyproc.views.transport import pictures, rate_limiter

# A kernel is killed some seconds after it was asked to end: this is for the jobs, for
# the rest of what they printed, and for the messages.
_PATIENCE: Final = 0.8
_DRAINING: Final = 0.3
_SENDING: Final = 0.5
_NAP: Final = 0.01


class Leaving(Protocol):
    """A view that says what became of it."""

    @property
    def final(self) -> bool:
        """Whether nothing will change any more."""

    def kernel_ends(self) -> None:
        """Note that what it shows ends because the kernel ends."""

    def farewell(self) -> None:
        """Show how it is now, for ever, and send it at once."""


class Farewell:
    """Has views say farewell at the end of the interpreter."""

    def __init__(self) -> None:
        self._views: WeakSet[Leaving] = WeakSet()
        self._at_exit = False

    def expect(self, view: Leaving) -> None:
        """Have *view* say farewell, if it is not final by then."""
        self._views.add(view)
        if not self._at_exit:
            # After the jobs' own registration, so that it is called before that.
            self._at_exit = True
            atexit.register(self.run)

    def run(self) -> None:
        """End the jobs, and show that."""
        views = [view for view in list(self._views) if not view.final]
        if not views:
            return
        for view in views:
            view.kernel_ends()
        with suppress(KeyboardInterrupt):  # the end has come all the same
            shutdown.end_jobs(_PATIENCE)
            _await(views, time.monotonic() + _DRAINING)
            pictures.shared.retire(_SENDING)
            rate_limiter.shared.retire(_SENDING)
            for view in views:
                view.farewell()
            rate_limiter.shared.retire(_SENDING)


def _await(views: list[Leaving], deadline: float) -> None:
    """Wait until all that the jobs printed is there; what runs on is not awaited."""
    while time.monotonic() < deadline and not all(view.final for view in views):
        time.sleep(_NAP)


#: The one of this kernel.
shared: Final = Farewell()

# What a fork of the kernel does at its end is no farewell.
os.register_at_fork(after_in_child=lambda: atexit.unregister(shared.run))
