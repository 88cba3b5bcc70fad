"""What ``wait`` learnt about a process: its status word, usage and state."""

from __future__ import annotations

import signal

from ipyproc._text import signal_text
from ipyproc._value import value

_CONTINUED = 0xFFFF
_STOPPED = 0x7F
_CORE = 0x80


class WaitStatus(int):
    """The raw status word of a child (Go: ``syscall.WaitStatus``).

    An ``int`` with the bits of *status* as wait(2) reports them; each property is one
    part of it.

    >>> status = WaitStatus(0x0300)
    >>> status.exited, status.exit_status
    (True, 3)
    >>> status = WaitStatus(0x008B)
    >>> status.signaled, status.signal, status.core_dump
    (True, 11, True)
    """

    __slots__ = ()

    def __new__(cls, status: int = 0) -> WaitStatus:
        """Keep the low 32 bits, as the kernel's ``int`` does."""
        return super().__new__(cls, status & 0xFFFFFFFF)

    def __repr__(self) -> str:
        return f"WaitStatus({int(self):#06x})"

    @property
    def exited(self) -> bool:
        """Whether the process called exit (Go: ``WaitStatus.Exited``)."""
        return self & 0x7F == 0

    @property
    def exit_status(self) -> int:
        """The exit code, 0 to 255, or -1 if the process did not exit.

        Go: ``WaitStatus.ExitStatus``.
        """
        return (self >> 8) & 0xFF if self.exited else -1

    @property
    def signaled(self) -> bool:
        """Whether a signal ended the process (Go: ``WaitStatus.Signaled``)."""
        return self & 0x7F not in (0, _STOPPED)

    @property
    def signal(self) -> int:
        """The number of the signal that ended it, or -1 (Go: ``WaitStatus.Signal``)."""
        return self & 0x7F if self.signaled else -1

    @property
    def core_dump(self) -> bool:
        """Whether the signal made a core dump (Go: ``WaitStatus.CoreDump``)."""
        return self.signaled and bool(self & _CORE)

    @property
    def stopped(self) -> bool:
        """Whether the process is stopped, not ended (Go: ``WaitStatus.Stopped``)."""
        return self & 0xFF == _STOPPED

    @property
    def stop_signal(self) -> int:
        """The number of the signal that stopped the process, or -1.

        Go: ``WaitStatus.StopSignal``.
        """
        return (self >> 8) & 0xFF if self.stopped else -1

    @property
    def continued(self) -> bool:
        """Whether the process continued after a stop (Go: ``WaitStatus.Continued``)."""
        return self == _CONTINUED

    @property
    def trap_cause(self) -> int:
        """The ptrace(2) event of a stop by SIGTRAP, or -1 for any other status.

        Go: ``WaitStatus.TrapCause``.
        """
        return self >> 16 if self.stop_signal == signal.SIGTRAP else -1


@value
class Rusage:
    """What a process and its waited-for children used (Go: ``syscall.Rusage``).

    The fields are those of getrusage(2). *utime* and *stime*: seconds in user mode and
    in the kernel. *maxrss*: the most memory that was resident at once, in bytes.
    *minflt* and *majflt*: page faults without and with reading from storage.
    *inblock* and *oublock*: blocks of 512 bytes read from storage and written to it.
    *nvcsw* and *nivcsw*: voluntary and involuntary context switches. Linux leaves
    *ixrss*, *idrss*, *isrss*, *nswap*, *msgsnd*, *msgrcv* and *nsignals* at 0.

    >>> from ipyproc import start_process
    >>> usage = start_process("/bin/true", ["true"]).wait().sys_usage
    >>> usage.maxrss > 0, usage.utime + usage.stime < 60
    (True, True)
    """

    utime: float = 0.0
    stime: float = 0.0
    maxrss: int = 0
    ixrss: int = 0
    idrss: int = 0
    isrss: int = 0
    minflt: int = 0
    majflt: int = 0
    nswap: int = 0
    inblock: int = 0
    oublock: int = 0
    msgsnd: int = 0
    msgrcv: int = 0
    nsignals: int = 0
    nvcsw: int = 0
    nivcsw: int = 0


@value
class ProcessState:
    """How a process ended, as ``Process.wait`` reports it (Go: ``os.ProcessState``).

    *pid*: which process. *sys*: its status word, a ``WaitStatus``. *sys_usage*: what it
    used, a ``Rusage``. ``str(state)`` is Go's text (Go: ``ProcessState.String``):

    >>> str(ProcessState(pid=4242, sys=WaitStatus(0x0300)))
    'exit status 3'
    >>> str(ProcessState(pid=4242, sys=WaitStatus(9)))
    'signal: killed'
    """

    pid: int = 0
    sys: WaitStatus = WaitStatus()
    sys_usage: Rusage = Rusage()

    def __post_init__(self) -> None:
        """Accept a plain ``int`` for *sys*, too."""
        if not isinstance(self.sys, WaitStatus):
            self.__dict__["sys"] = WaitStatus(self.sys)

    def __str__(self) -> str:
        return _description(self.sys) + (" (core dumped)" if self.sys.core_dump else "")

    @property
    def exited(self) -> bool:
        """Whether the process exited by itself (Go: ``ProcessState.Exited``)."""
        return self.sys.exited

    @property
    def success(self) -> bool:
        """Whether the process exited with code 0 (Go: ``ProcessState.Success``)."""
        return self.sys.exit_status == 0

    @property
    def exit_code(self) -> int:
        """The exit code, or -1 unless the process exited.

        Go: ``ProcessState.ExitCode``. Unlike ``Popen.returncode`` it never names a
        signal; that is in ``state.sys.signal``.
        """
        return self.sys.exit_status

    @property
    def user_time(self) -> float:
        """Seconds in user mode, children that were waited for included.

        Go: ``ProcessState.UserTime``.
        """
        return self.sys_usage.utime

    @property
    def system_time(self) -> float:
        """Seconds in the kernel, children that were waited for included.

        Go: ``ProcessState.SystemTime``.
        """
        return self.sys_usage.stime


def _description(status: WaitStatus) -> str:
    if status.exited:
        return f"exit status {status.exit_status}"
    if status.signaled:
        return f"signal: {signal_text(status.signal)}"
    if status.stopped:
        return f"stop signal: {signal_text(status.stop_signal)}{_trap(status)}"
    return "continued" if status.continued else ""


def _trap(status: WaitStatus) -> str:
    return f" (trap {status.trap_cause})" if status.trap_cause > 0 else ""
