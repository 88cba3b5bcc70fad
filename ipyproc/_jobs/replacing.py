"""Ending the jobs of a name, so that another can take their place and their ports."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.names import Named, identified
from ipyproc.errors import ProcessDoneError

# How long to wait for what is left, beyond the longest grace, in seconds: the kernel
# ends even what was killed only when its system call is over.
_PATIENCE = 10.0
_LOOK_EVERY = 0.02


class Ended(Named, Protocol):
    """The part of a job that ending it takes."""

    grace: float

    def terminate(self) -> object:
        """Ask it to end, and kill it later; what is left of an ended one, too."""

    def left(self) -> int:
        """Count its processes."""


def end(jobs: Iterable[Ended]) -> None:
    """End *jobs* and what ended ones left, and return when all that is gone.

    An interrupt ends the waiting only. ``TimeoutError`` if something cannot be ended.
    """
    if event_loop().is_current:
        raise RuntimeError("a callback of a job cannot wait for the end of another")
    asked = left_of(jobs)
    for job in asked:
        with suppress(ProcessDoneError):
            job.terminate()
    patience = max((job.grace for job in asked), default=0.0) + _PATIENCE
    wait_until_gone(asked, patience)
    if left := left_of(asked):
        names = ", ".join(map(identified, left))
        raise TimeoutError(f"{names} could not be ended, so nothing was started")


def wait_until_gone(jobs: Iterable[Ended], timeout: float = math.inf) -> None:
    """Wait until nothing is left of *jobs*, at most *timeout* seconds.

    What is left is told by no event, so it is looked for.
    """
    deadline = time.monotonic() + timeout
    for job in jobs:  # one after the other: each look is one at the whole machine
        while left_of([job]) and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY)


def left_of(jobs: Iterable[Ended]) -> list[Ended]:
    """Return those of *jobs* that run, or of which something is left."""
    return [job for job in jobs if job.ended_at is None or job.left()]
