"""waitid(2) with its fifth argument, the usage that Python's own leaves out."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import signal
import sys

from ipyproc.errors import SyscallError
from ipyproc.state import Rusage, WaitStatus

_libc = ctypes.CDLL(None, use_errno=True)
_SYS_WAITID = {"x86_64": 247, "aarch64": 95}.get(os.uname().machine)
_TIMEVAL = 1e-6
_MAXRSS = 1024 if sys.platform == "linux" else 1


class _Siginfo(ctypes.Structure):
    """The part of ``siginfo_t`` that waitid fills in, in its full size."""

    _fields_ = (
        ("si_signo", ctypes.c_int),
        ("si_errno", ctypes.c_int),
        ("si_code", ctypes.c_int),
        ("_align", ctypes.c_int),
        ("si_pid", ctypes.c_int),
        ("si_uid", ctypes.c_uint),
        ("si_status", ctypes.c_int),
        ("_rest", ctypes.c_byte * 100),
    )


class Report:
    """Memory that one waitid fills with everything there is to know of an end.

    It belongs to its owner from the start, so that an exception raised by a signal
    handler right after the system call finds the status safe.
    """

    def __init__(self) -> None:
        self._info = _Siginfo()
        self._usage = (ctypes.c_long * 18)()

    @property
    def filled(self) -> bool:
        """Whether the process was reaped into this report."""
        return bool(self._info.si_pid)

    def reap(self, idtype: int, number: int) -> None:
        """Take the status of a child that has ended; it is a zombie no more."""
        result = _libc.syscall(
            ctypes.c_long(_SYS_WAITID or 0),
            ctypes.c_int(idtype),
            ctypes.c_int(number),
            ctypes.byref(self._info),
            ctypes.c_int(os.WEXITED | os.WNOHANG),
            ctypes.byref(self._usage),
        )
        if result:
            raise SyscallError("waitid", ctypes.get_errno())

    @property
    def status(self) -> WaitStatus:
        """The wait status that wait4(2) would have given."""
        code, status = self._info.si_code, self._info.si_status
        if code == os.CLD_EXITED:
            return WaitStatus((status & 0xFF) << 8)
        if code == os.CLD_KILLED:
            return WaitStatus(status)
        if code == os.CLD_DUMPED:
            return WaitStatus(status | 0x80)
        if code == os.CLD_TRAPPED:
            return WaitStatus(signal.SIGTRAP << 8 | (status >> 8) << 16 | 0x7F)
        return WaitStatus((status & 0xFF) << 8 | 0x7F)

    @property
    def usage(self) -> Rusage:
        """The resources that the process and its children used."""
        utime, utime_us, stime, stime_us, maxrss, *counts = self._usage[:16]
        return Rusage(
            utime + utime_us * _TIMEVAL,
            stime + stime_us * _TIMEVAL,
            maxrss * _MAXRSS,
            *counts,
        )


def wait_exited(idtype: int, number: int) -> None:
    """Block until the child has ended; leave it to be reaped."""
    try:
        os.waitid(idtype, number, os.WEXITED | os.WNOWAIT)
    except OSError as error:
        raise SyscallError("waitid", error.errno or errno.EINVAL) from None


def readable_within(fd: int, seconds: float) -> bool:
    """Wait for a pidfd to become readable, which it is once its process ended."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def has_exited(idtype: int, number: int) -> bool:
    """Say whether the child has ended; leave it to be reaped."""
    try:
        return (
            os.waitid(idtype, number, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
        )
    except OSError as error:
        raise SyscallError("waitid", error.errno or errno.EINVAL) from None
