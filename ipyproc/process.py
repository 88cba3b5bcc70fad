"""Processes as in Go's package os: start, find, signal, wait, release."""

from __future__ import annotations

import math
import os
import signal as signals
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final

from ipyproc._process import arguments, reaper
from ipyproc._process.handle import PidfdOwner, PidOwner
from ipyproc._process.owner import ProcessStatus
from ipyproc._process.start import Start
from ipyproc._sys import pidfd
from ipyproc.attr import ProcAttr
from ipyproc.state import ProcessState

__all__ = [
    "INTERRUPT",
    "KILL",
    "Process",
    "ProcessStatus",
    "find_process",
    "start_process",
]

#: Go: ``os.Interrupt``.
INTERRUPT: Final = signals.SIGINT
#: Go: ``os.Kill``.
KILL: Final = signals.SIGKILL

_NO_ATTRIBUTES = ProcAttr()


class Process:
    """A process that was started or found (Go: ``os.Process``).

    ``Process(pid)`` has no handle and is reached by its number, as Go's
    ``&os.Process{Pid: pid}``; one from ``start_process`` or ``find_process`` has a
    handle where the kernel has pidfds. Any thread may call any method, and so may a
    signal handler.

    Dropping a started process that was not waited for gives a ``ResourceWarning``: call
    ``wait`` or ``release``.

    >>> p = start_process("/bin/sleep", ["sleep", "60"])
    >>> p.wait(timeout=0.01)
    Traceback (most recent call last):
    TimeoutError: ...
    >>> p.kill()
    >>> print(p.wait())
    signal: killed
    >>> p.kill()
    Traceback (most recent call last):
    ipyproc.errors.ProcessDoneError: os: process already finished
    """

    def __init__(self, pid: int) -> None:
        self._pid = arguments.number("pid", pid)
        self._owner: PidfdOwner | PidOwner = PidOwner(self._pid)

    @classmethod
    def _owning(cls, owner: PidfdOwner | PidOwner) -> Process:
        process = cls.__new__(cls)
        process._pid = owner.pid
        process._owner = owner
        return process

    def __repr__(self) -> str:
        return f"<Process pid={self._pid} {self.status}>"

    @property
    def pid(self) -> int:
        """The process id (Go: ``Process.Pid``); -1 after ``release``."""
        return self._pid

    @property
    def status(self) -> ProcessStatus:
        """Whether it was waited for or released; not whether the process runs."""
        return self._owner.status

    def kill(self) -> None:
        """End the process at once, without waiting for it (Go: ``Process.Kill``).

        Raises what ``signal`` raises.
        """
        self.signal(KILL)

    def signal(self, sig: int) -> None:
        """Send *sig* (Go: ``Process.Signal``).

        0 only checks whether it could be sent. Raises ``ProcessDoneError`` after the
        end was waited for, ``ProcessReleasedError`` after ``release``, ``SyscallError``
        with EINVAL for a bad number, and what the kernel refuses.
        """
        self._owner.signal(arguments.number("sig", sig))

    def wait(self, timeout: float | None = None) -> ProcessState:
        """Wait for the end and return how it was (Go: ``Process.Wait``).

        *timeout* is in seconds, up to ``inf``; a ``TimeoutError`` changes nothing, and
        neither does an interrupt: call again. NaN is a ``ValueError``. One caller gets
        the state; every other ``wait`` raises ``SyscallError`` with ECHILD, which is a
        ``ChildProcessError``, and so does ``wait`` for a process that is no child.
        """
        if timeout is not None and math.isnan(timeout):
            raise ValueError("timeout: not a number of seconds")
        return self._owner.wait(timeout)

    async def wait_async(self) -> ProcessState:
        """Wait under asyncio without blocking its loop; cancelling changes nothing.

        Otherwise it is as ``wait``. Many tasks may wait, and threads, too.
        """
        from ipyproc._process.aio import wait  # imports asyncio, for those who await

        return await wait(self._owner)

    def release(self) -> None:
        """Give up the process; this object can no longer be used for it.

        Go: ``Process.Release``. Needed only if ``wait`` is not called. Never fails.
        """
        self._pid = -1
        self._owner.release()

    def handle(self) -> AbstractContextManager[int]:
        """Lend the pidfd to a ``with`` block (Go: ``Process.WithHandle``).

        It stays open until the block ends, whatever happens meanwhile. Entering the
        block raises ``NoHandleError`` where there is none, ``ProcessDoneError`` and
        ``ProcessReleasedError`` as ``signal`` does.
        """
        return self._owner.handle()

    def fileno(self) -> int:
        """Return the pidfd, readable once the process ended, for ``selectors``.

        It is open until ``wait`` or ``release``; raises what ``handle`` raises.
        """
        with self._owner.handle() as fd:
            return fd

    def _starter(self) -> int:
        """Return the pid of the process that started it, for views; 0 if not known."""
        return self._owner.parent

    def _learnt(self) -> ProcessState | None:
        """Return how it ended, for views; ``None`` until it was waited for."""
        return self._owner.learnt()


def start_process(
    name: str | bytes | os.PathLike[str],
    argv: Sequence[str | bytes | os.PathLike[str]],
    attr: ProcAttr | None = None,
) -> Process:
    """Start the program at the path *name* with the arguments *argv*.

    Go: ``os.StartProcess``. *name* is never looked up in PATH; *argv* begins with the
    name that the program will see. Raises ``PathError`` for what the kernel refuses,
    ``TypeError`` or ``ValueError`` for arguments that no system could accept.

    Without *attr* the child has its parent's directory and environment and no open
    file; ``ProcAttr`` changes that. Unlike in Go, it never gets a descriptor that
    *attr* does not list. Call ``wait`` to learn how it ended; until then a process that
    has ended stays a zombie.

    >>> p = start_process("/bin/sh", ["sh", "-c", "exit 3"])
    >>> state = p.wait()
    >>> print(state)
    exit status 3
    >>> state.success, state.exit_code
    (False, 3)

    This prints into the cell of a notebook, or to the terminal::

        files = [sys.stdin, sys.stdout, sys.stderr]
        start_process("/bin/ls", ["ls", "-l"], ProcAttr(files=files)).wait()

    A failed start raises an error with Go's text:

    >>> start_process("/nope", ["nope"])
    Traceback (most recent call last):
    ipyproc.errors.PathError: fork/exec /nope: no such file or directory
    """
    if attr is not None and not isinstance(attr, ProcAttr):
        raise TypeError(f"attr: expected a ProcAttr, not {type(attr).__name__}")
    if reaper.children:
        reaper.reap()
    start = Start()
    try:
        owner = start.run(name, argv, attr or _NO_ATTRIBUTES)
        process = Process._owning(owner)
        ourselves = os.getpid()
        # A signal handler may raise after any call; no call follows this line.
        owner.parent = ourselves
        return process
    except BaseException:
        start.undo()
        raise


def find_process(pid: int) -> Process:
    """Return the process with the id *pid*; never fails (Go: ``os.FindProcess``).

    If there is none, the ``Process`` is already ``done``, and ``signal(0)`` raises. A
    pid below -1 is a process group, as in kill(2); 0 and -1 are nobody. Only a child
    can be waited for.

    >>> me = find_process(os.getpid())
    >>> me.signal(0)  # it could be signalled
    >>> find_process(2**22 + 1).signal(0)  # beyond the greatest pid there can be
    Traceback (most recent call last):
    ipyproc.errors.ProcessDoneError: os: process already finished
    """
    number = arguments.number("pid", pid)
    if not pidfd.works():
        return Process(number)
    try:
        return Process._owning(PidfdOwner(number))
    except ProcessLookupError:
        return Process._owning(PidOwner.of_nobody(number))
    except OSError:
        return Process(number)
