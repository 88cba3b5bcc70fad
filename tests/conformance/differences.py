"""Where ipyproc differs from Go on purpose, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

BOTH = ("pidfd", "pid")


@dataclass(frozen=True)
class Difference:
    """One deliberate difference: in which scenarios, and where in their results.

    *ids* and *where* are patterns of fnmatch(3).
    """

    ids: str
    where: str
    reason: str
    modes: tuple[str, ...] = BOTH


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "*-godebug*", "*", "GODEBUG is a knob of Go's run time; Python has none"
    ),
)
