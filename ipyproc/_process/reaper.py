"""Children whose ``Process`` was dropped before anyone waited for them.

They are reaped when they have ended and another process is started, so that no zombie
stays. Whoever means to drop a ``Process`` calls ``release`` on it, and reaps it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol


class Child(Protocol):
    """What can be reaped and then given up."""

    def reap(self) -> bool:
        """Reap it if it has ended."""

    def release(self) -> None:
        """Give it up, and what it holds."""


#: Those that had not ended when they were last looked at.
children: set[Child] = set()


def remember(child: Child) -> None:
    """Reap a child now, if it has ended, or later."""
    children.add(child)
    reap()


def reap() -> None:
    """Reap those that have ended since."""
    for child in [*children]:
        if _is_gone(child):
            children.discard(child)
            child.release()


def _is_gone(child: Child) -> bool:
    with suppress(OSError):  # ECHILD: someone else reaped it
        return child.reap()
    return True
