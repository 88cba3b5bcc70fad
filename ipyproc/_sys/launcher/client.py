"""The parent's side of the launcher: it sends what to do and receives the outcome."""

from __future__ import annotations

import ctypes
import marshal
import os
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from errno import ENOSYS, EPIPE
from functools import cache

from ipyproc._sys import inherit, posix_spawn
from ipyproc._sys.helper_code import code_of
from ipyproc._sys.interpreter import OPTIONS, Interpreter, interpreter
from ipyproc._sys.launcher import program as launcher
from ipyproc._sys.libc import system_call
from ipyproc._sys.posix_spawn import Vector, vector
from ipyproc.attr import Credential, SysProcAttr, SysProcIDMap

# The launcher's descriptors for what it is handed. Its 0 to 2 are closed, because an
# interpreter looks at its standard files when it starts.
_STATUS, _FIRST = 3, 4
_UNOPENED = 0x7FFFFFFF
_CREDENTIALS = struct.Struct("iII")  # unix(7): pid, uid, gid
# It receives its code and its task over the socket: a write to a pipe could raise
# SIGPIPE here, and a file counts for RLIMIT_FSIZE.
_PIECE = 1 << 15
_START = f"""
import marshal, posix
data = b""
while len(data) < {{size}}:
    data += posix.read({_STATUS}, {_PIECE}) or posix._exit(253)
code, task = marshal.loads(data)
launcher = {{{{"__name__": "launcher"}}}}
exec(marshal.loads(code), launcher)
launcher["run"](task)
"""
_NO_PYTHON = (
    "needs the launcher, which needs a Python {}.{}: "
    "this program is none, and none was found"
)
# clone(2) flags that would share our memory, or write to it: Go sets these itself.
_CLONE_VM, _CLONE_VFORK, _CLONE_PIDFD = 0x100, 0x4000, 0x1000
_OURS = _CLONE_VM | _CLONE_VFORK | _CLONE_PIDFD


class LaunchError(OSError):
    """A start that failed in the launcher, at *stage*.

    *text* says what happened if the error number has no good text for it.
    """

    def __init__(self, number: int, stage: str, text: str = "") -> None:
        super().__init__(number, text or os.strerror(number))
        self.stage = stage
        self.text = text


@dataclass
class _Handed:
    """Descriptors of ours, and the numbers that they have in the launcher."""

    sources: list[int] = field(default_factory=list)

    def number(self, fd: int) -> int:
        """Hand over *fd* and return its number there; a closed one is closed there."""
        if fd < 0 or not _is_open(fd):
            return _UNOPENED if fd >= 0 else fd
        if fd not in self.sources:
            self.sources.append(fd)
        return _FIRST + self.sources.index(fd)

    @property
    def numbers(self) -> list[int]:
        return [_STATUS, *range(_FIRST, _FIRST + len(self.sources))]


@dataclass
class _Report:
    """What the launcher has reported."""

    pid: int = 0
    ready: bool = False
    failure: tuple[str, int] | None = None
    ended: bool = False

    def hear(self, message: str, sender: int) -> None:
        """Note one message of the process that has the pid *sender* here."""
        match message.split():
            case ["pid", pid] if not self.pid:
                self.pid = int(pid)
            case ["here" | "ready" as word]:
                # The kernel translates the sender's pid into our namespace. An
                # interrupt may lose one message, so both messages do this.
                self.pid = sender or self.pid
                self.ready = word == "ready"
            case []:
                self.ended = True
            case ["failed", stage, number] if self.failure is None:
                self.failure = stage, int(number)


def launch(
    pid: ctypes.c_int,
    path: bytes,
    argv: Sequence[bytes],
    env: Vector,
    files: Sequence[int],
    directory: bytes | None,
    system: SysProcAttr,
) -> None:
    """Start *path* with all that *system* asks for and fill in its *pid*.

    Beyond that it is as ``posix_spawn.spawn``. Raises a bare ``OSError``, a
    ``LaunchError`` for what the launcher was refused.
    """
    python = interpreter()
    if python is None:
        text = _NO_PYTHON.format(*sys.version_info)
        raise LaunchError(ENOSYS, "start of the launcher", text)
    handed = _Handed()
    fields = _fields(handed, files, system)
    fields |= {"path": path, "argv": list(argv), "env": list(env)[:-1]}
    fields |= {"directory": directory, "handed": handed.numbers}
    data = marshal.dumps((_code(), fields))
    started, report = posix_spawn.Pid(), _Report()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        try:
            with theirs:
                ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
                given = [-1, -1, -1, theirs.fileno(), *handed.sources]
                _run_launcher(started, python, given, len(data))
            _send(ours, data)
            _listen(ours, report)
            _settle(started.value, report, cloned=_clones(fields))
            pid.value = report.pid or started.value
        except BaseException:
            _abandon(started.value, report, ours)
            raise


def _fields(
    handed: _Handed, files: Sequence[int], system: SysProcAttr
) -> dict[str, object]:
    """Return the fields of ``launcher.Spec`` that follow from *files* and *system*."""
    credential = system.credential
    surroundings = getattr(system, "surroundings", None)
    return {
        "files": [handed.number(fd) for fd in files],
        "status": _STATUS,
        "parent": os.getpid(),
        "clone": system_call("clone"),
        "clone3": system_call("clone3"),
        "cloneflags": system.cloneflags & ~_OURS,
        "cgroup": handed.number(system.cgroup_fd) if system.use_cgroup_fd else None,
        "unshareflags": system.unshareflags,
        "uid_map": _map(system.uid_mappings),
        "gid_map": _map(system.gid_mappings),
        "setgroups": system.gid_mappings_enable_setgroups,
        "setsid": system.setsid,
        "setpgid": system.setpgid,
        "pgid": system.pgid,
        "foreground": system.foreground,
        "ctty": handed.number(system.ctty) if system.foreground else 0,
        "default_signals": inherit.changed_by_interpreters(),
        "chroot": os.fsencode(system.chroot) if system.chroot else None,
        "credential": credential and _identity(credential),
        "caps": list(system.ambient_caps),
        "pdeathsig": int(system.pdeathsig),
        "noctty": system.noctty,
        "setctty": system.setctty,
        "child_ctty": system.ctty,
        "ptrace": system.ptrace,
        "umask": surroundings and surroundings.umask,
        "limits": surroundings and [tuple(limit) for limit in surroundings.limits],
        "nice": surroundings and surroundings.nice,
        "ignored_signals": surroundings and list(surroundings.ignored),
    }


def _identity(of: Credential) -> tuple[int, int, list[int], bool]:
    return of.uid, of.gid, list(of.groups), of.no_set_groups


def _clones(fields: dict[str, object]) -> bool:
    return bool(fields["cloneflags"]) or fields["cgroup"] is not None


def _map(entries: Sequence[SysProcIDMap] | None) -> bytes | None:
    """Return an id map in the format of user_namespaces(7)."""
    if entries is None:
        return None
    lines = (f"{e.container_id} {e.host_id} {e.size}\n" for e in entries)
    return "".join(lines).encode()


@cache
def _code() -> bytes:
    """Return the launcher's code, compiled here, so the child need not find it.

    It is read once, so a package that is replaced later changes nothing.
    """
    return marshal.dumps(code_of(launcher.__name__))


def _run_launcher(
    pid: ctypes.c_int, python: Interpreter, files: Sequence[int], size: int
) -> None:
    words = [python.name, *OPTIONS, "-c", _START.format(size=size)]
    blocked = posix_spawn.attributes(
        default=inherit.default_signals(), mask=posix_spawn.EVERY_SIGNAL
    )
    try:
        posix_spawn.spawn(
            pid,
            os.fsencode(python.program),
            [os.fsencode(word) for word in words],
            vector([os.fsencode(entry) for entry in python.environment]),
            files,
            blocked,
        )
    except OSError as error:
        stage = f"start of the launcher, {python.name}"
        raise LaunchError(error.errno or EPIPE, stage) from None


def _send(ours: socket.socket, data: bytes) -> None:
    """Send the launcher its code and its task; if it has ended, its silence tells."""
    with suppress(BrokenPipeError, ConnectionResetError):
        for start in range(0, len(data), _PIECE):
            ours.send(data[start : start + _PIECE], socket.MSG_NOSIGNAL)


def _listen(ours: socket.socket, report: _Report) -> None:
    """Receive messages until the launcher has become the program, or has ended."""
    while not report.ended:
        _hear_one(ours, report)


def _hear_one(ours: socket.socket, report: _Report) -> None:
    size = socket.CMSG_SPACE(_CREDENTIALS.size)
    try:
        message, extra, _, _ = ours.recvmsg(256, size)
    except ConnectionResetError:
        # It ended before it had read all. That is told once, and does not hide what
        # it sent: the next message, or the end, comes with the next call.
        return
    sender = _CREDENTIALS.unpack(extra[0][2])[0] if message and extra else 0
    report.hear(message.decode(), sender)


def _settle(launched: int, report: _Report, *, cloned: bool) -> None:
    if cloned:
        _reap(launched)
    if report.failure:
        stage, number = report.failure
        raise LaunchError(number, stage)
    if not report.ready:
        raise LaunchError(EPIPE, "start of the launcher, which ended without a word")


def _abandon(launched: int, report: _Report, ours: socket.socket) -> None:
    """End and reap what a failed or interrupted start has left."""
    while launched and not report.ended:
        # A clone that we do not know yet will send its message.
        _kill(report.pid or launched)
        _hear_one(ours, report)
    if report.ready and not report.failure:
        _kill(report.pid or launched)  # it has become the program
    for pid in {launched, report.pid} - {0}:
        _reap(pid)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _reap(pid: int) -> None:
    # ECHILD: it was reaped in _settle, or by the kernel, where SIGCHLD is ignored.
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _is_open(fd: int) -> bool:
    try:
        os.get_inheritable(fd)
    except OSError:
        return False
    return True
