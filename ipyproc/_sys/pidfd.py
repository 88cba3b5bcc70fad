"""Descriptors that name a process for ever, pidfd_open(2)."""

from __future__ import annotations

import os
import signal
from functools import cache

from ipyproc.errors import ProcessDoneError, SyscallError


@cache
def works() -> bool:
    """Say whether this kernel and its seccomp filters let us use pidfds.

    ``IPYPROC_PIDFD=0`` in the environment says no.
    """
    if os.environ.get("IPYPROC_PIDFD") == "0" or not hasattr(os, "pidfd_open"):
        return False
    try:
        fd = os.pidfd_open(os.getpid())
    except OSError:
        return False
    try:
        signal.pidfd_send_signal(fd, 0)
        os.waitid(os.P_PIDFD, fd, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def send_signal(fd: int, sig: int) -> None:
    """Signal the process behind a pidfd; ProcessDoneError if it has been reaped."""
    try:
        signal.pidfd_send_signal(fd, sig)
    except ProcessLookupError:
        raise ProcessDoneError from None
    except OSError as error:
        raise SyscallError(None, error.errno or 0) from None
