"""Children whose ``Process`` was dropped before anyone waited for them.

Each start of another process reaps those that have ended, so no zombie stays. A
``Process`` that was released is not among them: its user reaps it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol


class Child(Protocol):
    """A child that can be reaped and then given up."""

    def reap(self) -> bool:
        """Reap it if it has ended, and return whether it has."""

    def release(self) -> None:
        """Give it up, and close what it holds."""


#: Those that had not ended at the last check.
children: set[Child] = set()


def remember(child: Child) -> None:
    """Reap a child now if it has ended, else later."""
    children.add(child)
    reap()


def reap() -> None:
    """Reap those that have ended since."""
    for child in [*children]:
        if _is_gone(child):
            children.discard(child)
            child.release()


def _is_gone(child: Child) -> bool:
    with suppress(OSError):  # ECHILD: other code reaped it
        return child.reap()
    return True
