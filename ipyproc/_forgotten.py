"""Children whose ``Process`` was dropped before anyone waited for them.

They are reaped when they have ended and another process is started, so that no zombie
stays. Whoever means to drop a ``Process`` calls ``release`` on it, and reaps it.
"""

from __future__ import annotations

from contextlib import suppress

from ipyproc._owner import PidfdOwner, PidOwner

_owners: set[PidfdOwner | PidOwner] = set()


def remember(owner: PidfdOwner | PidOwner) -> None:
    """Reap the child now, if it has ended, or later."""
    _owners.add(owner)
    reap()


def reap() -> None:
    """Reap those that have ended since."""
    for owner in [*_owners]:
        if _is_gone(owner):
            _owners.discard(owner)


def _is_gone(owner: PidfdOwner | PidOwner) -> bool:
    with suppress(OSError):  # ECHILD: someone else reaped it
        return owner.reap_now()
    return True
