"""Processes as Go's package os knows them: start, find, signal, wait, release."""

from __future__ import annotations

import errno
import os
import signal as signals
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from ipyproc._owner import PidfdOwner, PidOwner, ProcessStatus
from ipyproc._sys import host, pidfd, posix_spawn
from ipyproc.attr import Env, File, ProcAttr, SysProcAttr
from ipyproc.errors import PathError
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


class Process:
    """A process that was started or found (Go: ``os.Process``).

    ``Process(pid)`` is a handle-less one, reached by its number, as Go's
    ``&os.Process{Pid: pid}``; ``start_process`` and ``find_process`` give it a handle
    where the kernel has pidfds. All methods may be called from any thread.
    """

    def __init__(self, pid: int) -> None:
        self._pid = _int("pid", pid)
        self._owner: PidfdOwner | PidOwner = PidOwner(pid)

    @classmethod
    def _owning(cls, owner: PidfdOwner | PidOwner) -> Process:
        process = cls(owner.pid)
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
        """End the process at once, without waiting for it (Go: ``Process.Kill``)."""
        self.signal(KILL)

    def signal(self, sig: int) -> None:
        """Send *sig* (Go: ``Process.Signal``).

        0 only asks whether it could be sent. Raises ``ProcessDoneError`` after the end
        was waited for, ``ProcessReleasedError`` after ``release``, ``SyscallError``
        with EINVAL for a bad number, and what the kernel refuses.
        """
        self._owner.signal(_int("sig", sig))

    def wait(self, timeout: float | None = None) -> ProcessState:
        """Wait for the end and return how it was (Go: ``Process.Wait``).

        *timeout* is in seconds; ``TimeoutError`` changes nothing. An interrupt loses
        nothing either: call again. The state goes to one caller only; every other
        ``wait`` raises ``SyscallError`` with ECHILD, a ``ChildProcessError``.
        """
        state = self._owner.wait(timeout)
        return state

    async def wait_async(self) -> ProcessState:
        """Wait under asyncio without blocking its loop; cancelling changes nothing."""
        import asyncio  # only who awaits pays for it

        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        with self.handle() as fd:
            own = os.dup(fd)
        try:
            loop.add_reader(own, ended.cancel)
            try:
                await asyncio.wait([ended])
            finally:
                loop.remove_reader(own)
        finally:
            os.close(own)
        return self.wait()

    def release(self) -> None:
        """Give the process up; this object can no longer be used for it.

        Go: ``Process.Release``. Needed only where ``wait`` is not called. Never fails.
        """
        self._pid = -1
        self._owner.settle(ProcessStatus.RELEASED)
        self._owner.close_if_unused()

    @contextmanager
    def handle(self) -> Iterator[int]:
        """Lend the pidfd to a ``with`` block (Go: ``Process.WithHandle``).

        It stays open until the block ends, whatever happens meanwhile. Raises
        ``NoHandleError`` where there is none.
        """
        with self._owner.handle() as fd:
            yield fd

    def fileno(self) -> int:
        """Return the pidfd, readable once the process ended, for ``selectors``.

        It is open until ``wait`` or ``release``.
        """
        with self._owner.handle() as fd:
            return fd


def start_process(
    name: str | bytes | os.PathLike[str],
    argv: Sequence[str | bytes],
    attr: ProcAttr | None = None,
) -> Process:
    """Start the program at the path *name* with the arguments *argv*.

    Go: ``os.StartProcess``. *name* is never looked up in PATH; *argv* begins with the
    name that the program shall see. Raises ``PathError`` for what the kernel refuses,
    ``TypeError`` or ``ValueError`` for arguments that no system could take.
    """
    attr = attr or ProcAttr()
    path = _bytes("name", name)
    arguments = [_bytes("argv", word) for word in argv]
    if not arguments:
        raise ValueError("argv is empty; its first entry is the program's own name")
    directory = _bytes("dir", attr.dir) if attr.dir else None
    if directory and attr.sys is None:
        _check_directory(directory)
    try:
        pid = _spawn(path, arguments, attr, directory)
    except OSError as error:
        shown = os.fsdecode(path)
        raise PathError("fork/exec", shown, error.errno or errno.EINVAL) from None
    return Process._owning(_owner(pid))


def find_process(pid: int) -> Process:
    """Give the process with the id *pid*; never fails (Go: ``os.FindProcess``).

    If there is none, the ``Process`` is already ``done``; ``signal(0)`` tells.
    """
    _int("pid", pid)
    if not pidfd.works():
        return Process(pid)
    try:
        return Process._owning(PidfdOwner(pid, os.pidfd_open(pid)))
    except ProcessLookupError:
        process = Process(pid)
        process._owner.settle(ProcessStatus.DONE)
        return process
    except OSError:
        return Process(pid)


def _spawn(
    path: bytes, argv: list[bytes], attr: ProcAttr, directory: bytes | None
) -> int:
    system = attr.sys or SysProcAttr()
    files = [_descriptor(file) for file in attr.files]
    return posix_spawn.spawn(
        path,
        argv,
        _environment(attr.env),
        files,
        directory=directory,
        setsid=system.setsid,
        pgroup=system.pgid if system.setpgid else None,
    )


def _owner(pid: int) -> PidfdOwner | PidOwner:
    if not pidfd.works():
        return PidOwner(pid)
    return PidfdOwner(pid, os.pidfd_open(pid))


def _environment(env: Env) -> list[bytes]:
    if env is None:
        return [b"=".join(pair) for pair in os.environb.items()]
    if isinstance(env, Mapping):
        pairs = env.items()
        return [
            _bytes("env", key) + b"=" + _bytes("env", value) for key, value in pairs
        ]
    return [_bytes("env", entry) for entry in env]


def _descriptor(file: File) -> int:
    if file is None or isinstance(file, int):
        return -1 if file is None else file
    return host.descriptor(file)


def _check_directory(directory: bytes) -> None:
    try:
        os.stat(directory)
    except OSError as error:
        shown = os.fsdecode(directory)
        raise PathError("chdir", shown, error.errno or errno.EINVAL) from None


def _bytes(argument: str, value: object) -> bytes:
    try:
        encoded = os.fsencode(value)  # type: ignore[arg-type]
    except TypeError:
        kind = type(value).__name__
        raise TypeError(f"{argument}: expected str or bytes, not {kind}") from None
    if b"\0" in encoded:
        raise ValueError(f"{argument}: embedded NUL byte in {encoded!r}")
    return encoded


def _int(argument: str, value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{argument}: expected an int, not {type(value).__name__}")
    return value
