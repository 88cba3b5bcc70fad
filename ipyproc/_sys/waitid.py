"""waitid(2) with its fifth argument, the usage that Python's own leaves out."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
from errno import EINVAL

from ipyproc._sys.libc import libc, system_call
from ipyproc.errors import SyscallError
from ipyproc.state import Rusage, WaitStatus

#: What kind of number names a process, as waitid(2) has it.
P_PID = os.P_PID
P_PIDFD: int = getattr(os, "P_PIDFD", 3)

_WAITID = system_call("waitid")
_MICRO = 1e-6
_MAXRSS = 1 if sys.platform == "darwin" else 1024
_LONGEST_POLL = 24 * 3600.0


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

    @property
    def pid(self) -> int:
        """The pid that the process had."""
        return int(self._info.si_pid)

    def reap(self, idtype: int, number: int) -> None:
        """Take the status of a child if it has ended; it is a zombie no more."""
        result = libc.syscall(
            ctypes.c_long(_WAITID or 0),
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
            utime + utime_us * _MICRO,
            stime + stime_us * _MICRO,
            maxrss * _MAXRSS,
            *counts,
        )


class PortableReport:
    """The same where we do not know the system call, by wait4(2).

    An exception raised by a signal handler at the wrong instant may cost the status
    here: Python hands it out before anyone can keep it.
    """

    def __init__(self) -> None:
        self.filled = False
        self.pid = 0
        self.status = WaitStatus()
        self.usage = Rusage()

    def reap(self, idtype: int, number: int) -> None:
        """Take the status of a child if it has ended; it is a zombie no more."""
        ended = ended_child(idtype, number)
        if not ended:
            return
        self.pid, status, usage = os.wait4(ended, os.WNOHANG)
        utime, stime, maxrss, *counts = usage
        self.status = WaitStatus(status)
        self.usage = Rusage(utime, stime, maxrss * _MAXRSS, *counts)
        self.filled = True


def new_report() -> Report | PortableReport:
    """Make the best report that this system allows."""
    return PortableReport() if _WAITID is None else Report()


def ended_child(idtype: int, number: int) -> int:
    """Give the pid of a child if it has ended, or 0; leave it to be reaped."""
    return _waitid(idtype, number, os.WEXITED | os.WNOWAIT | os.WNOHANG)


def wait_ended(idtype: int, number: int) -> None:
    """Block until the child has ended; leave it to be reaped."""
    _waitid(idtype, number, os.WEXITED | os.WNOWAIT)


def readable_within(fd: int, seconds: float | None) -> bool:
    """Wait for a pidfd to become readable, which it is once its process ended."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if seconds is None:
        return bool(poll.poll())
    # poll(2) counts milliseconds in an int: it may come back early, never overflow.
    return bool(poll.poll(min(max(seconds, 0.0), _LONGEST_POLL) * 1000))


def _waitid(idtype: int, number: int, options: int) -> int:
    try:
        result = os.waitid(idtype, number, options)
    except OSError as error:
        raise SyscallError("waitid", error.errno or EINVAL) from None
    except OverflowError:
        # No number of ours is that big: the kernel would cut it down to another's.
        raise SyscallError("waitid", EINVAL) from None
    return result.si_pid if result else 0
