"""Descriptors that name a process for ever, pidfd_open(2)."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterable
from functools import cache
from itertools import compress, starmap
from operator import not_

from ipyproc._sys import waitid
from ipyproc.errors import ProcessDoneError, SyscallError

# Read once: a program that empties its environment later does not change the mode.
_FORBIDDEN = os.environ.get("IPYPROC_PIDFD") == "0"


@cache
def works() -> bool:
    """Whether this kernel and its seccomp filters let us use pidfds.

    ``IPYPROC_PIDFD=0`` in the environment means no.
    """
    if _FORBIDDEN or not hasattr(os, "pidfd_open"):
        return False
    try:
        fd = os.pidfd_open(os.getpid())
    except OSError as error:
        # That no descriptor is free says nothing about the kernel.
        return error.errno in (errno.EMFILE, errno.ENFILE)
    try:
        return _can_be_used(fd)
    finally:
        os.close(fd)


def _can_be_used(ours: int) -> bool:
    try:
        signal.pidfd_send_signal(ours, 0)
        waitid.ended_child(waitid.P_PIDFD, ours)
    except ChildProcessError:
        return True  # we are no child of our own
    except OSError:
        return False
    return True


def start_time(pid: int) -> float | None:
    """Return when a process started, in seconds since boot; ``None`` if it is gone.

    It is rounded down to a tick of the clock, proc_pid_stat(5).
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def send_signal(fd: int, sig: int) -> None:
    """Signal the process behind a pidfd; ProcessDoneError if it has been reaped."""
    try:
        signal.pidfd_send_signal(fd, sig)
    except ProcessLookupError:
        raise ProcessDoneError from None
    except OSError as error:
        raise SyscallError(None, error.errno or errno.EINVAL) from None
    except OverflowError:
        raise SyscallError(None, errno.EINVAL) from None


def kill_unless(reaped: Iterable[object], pid: int, sig: int) -> None:
    """Signal a pid, kill(2), unless one of *reaped* is true.

    Raises ProcessDoneError if one is, or if there is no such process. *reaped* must be
    lazy, and no Python code may run in it: then no signal handler and no other thread
    can reap the process between the check and the signal, which would let the signal
    reach the next owner of the number.
    """
    if not -(2**31) <= sig < 2**31:
        # Python would truncate it to another signal.
        raise SyscallError(None, errno.EINVAL)
    allowed = map(not_, map(any, [reaped]))
    try:
        if not [*starmap(os.kill, compress([(pid, sig)], allowed))]:
            raise ProcessDoneError
    except ProcessLookupError:
        raise ProcessDoneError from None
    except OSError as error:
        raise SyscallError(None, error.errno or errno.EINVAL) from None
    except OverflowError:
        # No process has a pid that big; the kernel would truncate it to another's.
        raise ProcessDoneError from None
