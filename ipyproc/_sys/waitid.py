"""waitid(2) with its fifth argument, the usage that Python's own leaves out."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import struct
from collections.abc import Iterator
from errno import EINVAL
from operator import itemgetter

from ipyproc._sys.libc import system_call
from ipyproc.errors import SyscallError
from ipyproc.state import ProcessState, Rusage, WaitStatus

#: What kind of number names a process, as waitid(2) has it.
P_PID = os.P_PID
P_PIDFD: int = getattr(os, "P_PIDFD", 3)  # a Python built with old headers has none

_WAITID = system_call("waitid")
_EXITED = os.CLD_EXITED
_ENDED_NOW = os.WEXITED | os.WNOHANG
# PyDLL keeps the interpreter's lock: the call never blocks, and with the lock held no
# other thread signals a pid that is just being reaped.
_system_call = ctypes.PyDLL(None, use_errno=True)["syscall"]
_system_call.argtypes = (
    ctypes.c_long,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_int,
    ctypes.c_void_p,
)
_MICRO = 1e-6
_KIB = 1024
_LONGEST_POLL = 24 * 3600.0


# siginfo_t as waitid fills it in: si_code, si_pid, si_status; then struct rusage.
_SIZE_OF_INFO = 128
_END = struct.Struct("@8xi4xi4xi100x18l")
_Memory = ctypes.c_int * (_END.size // ctypes.sizeof(ctypes.c_int))
_PID = 4  # where si_pid is in it, counted in ints
_PID_IN = itemgetter(_PID)


class Report:
    """Memory that waitid fills with all that is known of an end.

    The memory is here before the call, so an exception that a signal handler raises
    right after the call does not lose the status. Each call has memory of its own: one
    that finds nothing writes zeros, and may run in another thread, or in a handler that
    interrupts the call that finds the end.
    """

    __slots__ = ("_tries", "child")

    def __init__(self, idtype: int, number: int) -> None:
        self.child = idtype, number
        self._tries: list[ctypes.Array[ctypes.c_int]] = []

    @property
    def filled(self) -> bool:
        """Whether the process was reaped into this report."""
        return any(self.reaped())

    def reaped(self) -> Iterator[object]:
        """Return, lazily and without running Python code, what is true once reaped."""
        return map(_PID_IN, self._tries)

    def reap(self) -> bool:
        """Take the status of a child if it has ended, which ends its being a zombie.

        Returns whether the report is filled; once it is, no system call is made.
        """
        if self.filled:
            return True
        memory = _Memory()
        self._tries.append(memory)
        info = ctypes.addressof(memory)
        usage = info + _SIZE_OF_INFO
        failed = _system_call(_WAITID, *self.child, info, _ENDED_NOW, usage)
        if memory[_PID]:
            return True
        number = ctypes.get_errno()
        self._tries.remove(memory)
        if failed and not self.filled:  # by now another call may have found the end
            raise SyscallError("waitid", number)
        return self.filled

    def state(self) -> ProcessState:
        """Return what the report says."""
        memory = next(filter(_PID_IN, self._tries))
        code, pid, status, *words = _END.unpack_from(memory)
        utime, utime_us, stime, stime_us, maxrss, *counts = words
        spent = (utime + utime_us * _MICRO, stime + stime_us * _MICRO)
        usage = Rusage(*spent, maxrss * _KIB, *counts)
        return ProcessState(pid, WaitStatus(_status_word(code, status)), usage)


def _status_word(code: int, status: int) -> int:
    """Make the status word that wait4(2) would have returned."""
    if code == _EXITED:
        return (status & 0xFF) << 8
    if code == os.CLD_KILLED:
        return status
    if code == os.CLD_DUMPED:
        return status | 0x80
    if code == os.CLD_TRAPPED:
        return signal.SIGTRAP << 8 | (status >> 8) << 16 | 0x7F
    return (status & 0xFF) << 8 | 0x7F


class PortableReport:
    """The same by wait4(2), for a machine whose number of waitid we do not know.

    Here an exception that a signal handler raises at the wrong instant can lose the
    status: Python returns it before anything can keep it.
    """

    def __init__(self, idtype: int, number: int) -> None:
        self.child = idtype, number
        self._may_be_reaped = [False]
        self._state: ProcessState | None = None

    @property
    def filled(self) -> bool:
        """Whether the process was reaped into this report."""
        return self._state is not None

    def reaped(self) -> Iterator[object]:
        """Return, lazily and without running Python code, what is true once reaped."""
        return iter(self._may_be_reaped)

    def reap(self) -> bool:
        """Take the status of a child if it has ended, and return whether it has."""
        ended = 0 if self.filled else ended_child(*self.child)
        if not ended:
            return self.filled
        self._may_be_reaped[0] = True
        pid, status, usage = os.wait4(ended, os.WNOHANG)
        utime, stime, maxrss, *counts = usage
        spent = Rusage(utime, stime, maxrss * _KIB, *counts)
        self._state = ProcessState(pid, WaitStatus(status), spent)
        return True

    def state(self) -> ProcessState:
        """Return what the report says."""
        assert self._state is not None
        return self._state


def new_report(idtype: int, number: int) -> Report | PortableReport:
    """Make the best report that is possible on this machine."""
    if _WAITID is None:
        return PortableReport(idtype, number)
    return Report(idtype, number)


def ended_child(idtype: int, number: int) -> int:
    """Return the pid of a child if it has ended, else 0; the child is not reaped."""
    return _waitid(idtype, number, os.WEXITED | os.WNOWAIT | os.WNOHANG)


def wait_ended(idtype: int, number: int) -> None:
    """Block until the child has ended; the child is not reaped."""
    _waitid(idtype, number, os.WEXITED | os.WNOWAIT)


def readable_within(fd: int, seconds: float | None) -> bool:
    """Wait at most *seconds* for a pidfd to be readable: then its process has ended."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if seconds is None:
        return bool(poll.poll())
    # poll(2) counts milliseconds in an int. Returning early is fine, overflow is not.
    return bool(poll.poll(min(max(seconds, 0.0), _LONGEST_POLL) * 1000))


def _waitid(idtype: int, number: int, options: int) -> int:
    try:
        result = os.waitid(idtype, number, options)
    except OSError as error:
        raise SyscallError("waitid", error.errno or EINVAL) from None
    except OverflowError:
        # No pid or descriptor is that big; the kernel would truncate it to another's.
        raise SyscallError("waitid", EINVAL) from None
    return result.si_pid if result else 0
