"""The parent's side of the launcher: it sends what to do and receives the outcome."""

from __future__ import annotations

import ctypes
import marshal
import os
import signal
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from errno import EPIPE
from functools import cache
from importlib.abc import InspectLoader
from importlib.util import find_spec
from types import CodeType

from ipyproc._sys import inherit, posix_spawn
from ipyproc._sys.launcher import program as launcher
from ipyproc._sys.libc import Vector, own_environment, system_call
from ipyproc._sys.pidfd import opened
from ipyproc.attr import Credential, SysProcAttr, SysProcIDMap

# The launcher's descriptors for what it is handed. Its 0 to 2 are closed, because an
# interpreter looks at its standard files when it starts.
_STATUS, _SPEC, _FIRST = 3, 4, 5
_UNOPENED = 0x7FFFFFFF
_SELF = b"/proc/self/exe"
_CREDENTIALS = struct.Struct("iII")  # unix(7): pid, uid, gid
_START = (
    f"import marshal; f = open({_SPEC}, 'rb'); g = {{'__name__': 'launcher'}};"
    "exec(marshal.load(f), g); s = marshal.load(f); f.close(); g['run'](s)"
)
# clone(2) flags that would share our memory, or write to it: Go sets these itself.
_CLONE_VM, _CLONE_VFORK, _CLONE_PIDFD = 0x100, 0x4000, 0x1000
_OURS = _CLONE_VM | _CLONE_VFORK | _CLONE_PIDFD


class LaunchError(OSError):
    """A start that failed in the launcher, at *stage*."""

    def __init__(self, number: int, stage: str) -> None:
        super().__init__(number, os.strerror(number))
        self.stage = stage


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
    handed = _Handed()
    fields = _fields(handed, files, system)
    fields |= {"path": path, "argv": list(argv), "env": list(env)[:-1]}
    fields |= {"directory": directory, "handed": handed.numbers}
    started, report = posix_spawn.Pid(), _Report()
    with ExitStack() as closing:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        closing.enter_context(ours)
        try:
            with theirs, _memory(fields) as spec:
                ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
                given = [-1, -1, -1, theirs.fileno(), spec, *handed.sources]
                _run_launcher(started, given)
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


@contextmanager
def _memory(fields: dict[str, object]) -> Iterator[int]:
    """Lend a file in memory with the launcher's code and what it must do."""
    held: list[int] = []
    try:
        fd = opened(held, os.memfd_create, "ipyproc-launcher")
        with open(fd, "wb", closefd=False) as file:
            file.write(marshal.dumps(_code()) + marshal.dumps(fields))
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        for fd in held:
            os.close(fd)


@cache
def _code() -> CodeType:
    """Return the launcher's code, compiled here, so the child need not find it."""
    spec = find_spec(launcher.__name__)
    loader = spec and spec.loader
    code = None
    if isinstance(loader, InspectLoader):
        code = loader.get_code(launcher.__name__)
    if code is None:
        raise ImportError(f"the code of {launcher.__name__} cannot be read")
    return code


def _run_launcher(pid: ctypes.c_int, files: Sequence[int]) -> None:
    name = os.fsencode(sys.executable or "python")
    words = [name, b"-I", b"-S", b"-B", b"-c", _START.encode()]
    env = own_environment()
    blocked = posix_spawn.attributes(
        default=inherit.default_signals(), mask=posix_spawn.EVERY_SIGNAL
    )
    try:
        try:
            # A failed try makes a child, too, and in a new pid namespace the last one.
            program = name if sys.executable else _SELF
            posix_spawn.spawn(pid, program, words, env, files, blocked)
        except OSError:
            # It was moved, or this user may not read its directory: ask the kernel.
            posix_spawn.spawn(pid, _SELF, words, env, files, blocked)
    except OSError as error:
        stage = f"start of the launcher, {os.fsdecode(name)}"
        raise LaunchError(error.errno or EPIPE, stage) from None


def _listen(ours: socket.socket, report: _Report) -> None:
    """Receive messages until the launcher has become the program, or has ended."""
    while not report.ended:
        _hear_one(ours, report)


def _hear_one(ours: socket.socket, report: _Report) -> None:
    size = socket.CMSG_SPACE(_CREDENTIALS.size)
    message, extra, _, _ = ours.recvmsg(256, size)
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
