"""Signals to one process that was looked at, and to a group.

The guardian uses this module, too: it imports next to nothing.
"""

from __future__ import annotations

# What `signal` is made of: that one would double the time in which a guardian starts.
import _signal  # type: ignore[import-not-found]
import os
import time
from errno import ENOSYS, EPERM

from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.proc import NO_MORE, Stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_USES_PIDFDS = os.environ.get("IPYPROC_PIDFD") != "0" and hasattr(os, "pidfd_open")
# Stopped, by its tracer, too, or over: it does nothing.
_AT_REST = "TtZX"
# How long to wait until what was sent a stop has stopped, in seconds: as long as it
# takes on a busy machine to come to its turn. And how long for what sleeps so that no
# signal wakes it, as on a dead disk of a network, or until its child, which has
# stopped, executes its program.
_TO_STOP = 5.0
_ASLEEP = 0.25
_LONGEST_PAUSE = 0.008


def send(seen: Stat, sig: int) -> bool:
    """Send *sig* to this very process; ``False`` if it is gone."""
    held = [NO_MORE]
    try:
        try:
            if _USES_PIDFDS and not _open_pidfd(seen.pid, held):
                return False
            # In this order: a handle names one process for ever, and if that has the
            # pid and the start time of ours, it is ours.
            if proc.stat(seen.pid) != seen:
                return False
            return _send(seen, sig, held[-1])
        finally:
            proc.close(held)
    except ProcessLookupError:
        return False
    except BaseException:
        proc.close(held)
        raise


def _open_pidfd(pid: int, held: list[int]) -> bool:
    """Open a pidfd if there is room for one; ``False`` if the process is gone."""
    try:
        held.extend(map(os.pidfd_open, (pid,)))
    except ProcessLookupError:
        return False
    except OSError:  # no room, or no pidfds here: the pid will do, for it was looked at
        return True
    return True


def _send(seen: Stat, sig: int, pidfd: int) -> bool:
    if pidfd != NO_MORE:
        try:
            _signal.pidfd_send_signal(pidfd, sig)
        except OSError as error:
            # A seccomp filter may allow pidfd_open and refuse this; kill(2) decides.
            if error.errno not in (EPERM, ENOSYS) or proc.stat(seen.pid) != seen:
                raise
        else:
            return True
    os.kill(seen.pid, sig)
    return True


def send_group(group: int, sig: int) -> bool:
    """Send *sig* to a whole group at once, and return whether it has members."""
    try:
        os.killpg(group, sig)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def await_rest(members: Iterable[Stat]) -> None:
    """Wait until all have stopped or ended; not for long, for some cannot stop.

    A stop that comes in the middle of a fork does not prevent it (Linux 4.19): there is
    a child once the parent has stopped, and until then no look can find it.
    """
    start = time.monotonic()
    awake = dict.fromkeys(members, start)
    pause = 0.0
    while (now := time.monotonic()) - start < _TO_STOP:
        for seen in list(awake):
            state = _state(seen)
            if state in _AT_REST or (state == "D" and now - awake[seen] > _ASLEEP):
                del awake[seen]
            elif state != "D":
                awake[seen] = now
        if not awake:
            return
        time.sleep(pause)
        pause = min(2 * pause + 0.0005, _LONGEST_PAUSE)


def _state(seen: Stat) -> str:
    """The letter of proc(5) for this very process; ``X`` if it is gone."""
    now = proc.stat(seen.pid)
    return now.state if now == seen else "X"
