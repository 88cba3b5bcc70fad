"""Waiting for something of a job that may have no process yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from ipyproc._jobs.runner import Check

_Found = TypeVar("_Found")


class Later(Generic[_Found]):
    """What is waited for; *make* makes what looks for it, once *is_there* says so."""

    def __init__(
        self, is_there: Callable[[], bool], make: Callable[[], Check[_Found]]
    ) -> None:
        self._is_there = is_there
        self._make = make
        self._check: Check[_Found] | None = None

    def look(self, over: bool) -> _Found | None:
        """Look whether it is there; what has no process yet has nothing."""
        if self._check is None and self._is_there():
            self._check = self._make()
        return None if self._check is None else self._check.look(over)

    @property
    def pause(self) -> float | None:
        """After how many seconds to look again; a start is an event."""
        return None if self._check is None else self._check.pause

    @property
    def is_behind(self) -> bool:
        """Whether there was more to look at when the waiting began."""
        return self._check is not None and self._check.is_behind

    def missed(self, timeout: float) -> str:
        """Say that it was not there after so many seconds."""
        if self._check is None:
            return f"is still queued after {timeout:g} s"
        return self._check.missed(timeout)

    def close(self) -> None:
        """Drop what is under way."""
        if self._check is not None:
            self._check.close()
