"""The child's side of a start that posix_spawn(3) cannot make.

``launch`` runs this code in a fresh interpreter: isolated, one thread, every signal
blocked, no descriptors except those that it was handed. It applies the attributes in
Go's order (syscall/exec_linux.go), reports over a socket how that went, and becomes the
program. It imports only modules that are built in, and none once it has begun.

It sends these messages: ``pid N``, the child that it cloned; ``here``, from that child;
``ready``, right before the exec; ``failed STAGE ERRNO``.
"""

from __future__ import annotations

import ctypes
import posix
import sys

# clone(2), unshare(2), prctl(2), capabilities(7), mount(2), ioctl_tty(2), ptrace(2)
CLONE_NEWUSER = 0x10000000
_CLONE_PARENT = 0x8000
_CLONE_NEWTIME = 0x80
_CLONE_NEWNS = 0x20000
_CLONE_INTO_CGROUP = 0x200000000
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS = 1, 8
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAPABILITY_VERSION_3 = 0x20080522
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_TIOCSCTTY, _TIOCNOTTY, _TIOCSPGRP = 0x540E, 0x5422, 0x5410
_PTRACE_TRACEME = 0
_SIG_DFL, _SIG_SETMASK = None, 2
_SIG_IGN = ctypes.c_void_p(1)
_EINVAL = 22
_ALL = (1 << 64) - 1

# PyDLL keeps the interpreter's lock, which a cloned child could not take again.
_libc = ctypes.PyDLL(None, use_errno=True)
# musl has only those of 64 bits, by their short names.
_setrlimit = getattr(_libc, "setrlimit64", None) or _libc.setrlimit
_getrlimit = getattr(_libc, "getrlimit64", None) or _libc.getrlimit


class Spec:
    """What to do. Descriptors are the launcher's own, except for *child_ctty*."""

    path: bytes
    argv: list[bytes]
    env: list[bytes]
    files: list[int]
    handed: list[int]
    status: int
    parent: int
    clone: int | None
    clone3: int | None
    cloneflags: int
    cgroup: int | None
    unshareflags: int
    uid_map: bytes | None
    gid_map: bytes | None
    setgroups: bool
    setsid: bool
    setpgid: bool
    pgid: int
    foreground: bool
    ctty: int
    default_signals: list[int]
    chroot: bytes | None
    credential: tuple[int, int, list[int], bool] | None
    caps: list[int]
    directory: bytes | None
    pdeathsig: int
    noctty: bool
    setctty: bool
    child_ctty: int
    ptrace: bool
    umask: int | None
    #: Of each its number, the soft one and the hard one.
    limits: list[tuple[int, int, int]] | None
    nice: int | None
    ignored_signals: list[int] | None
    #: The pipe by which a cloned child learns that its id maps are written.
    pipe: tuple[int, int] | None = None

    def __init__(self, fields: dict[str, object]) -> None:
        self.__dict__.update(fields)

    @property
    def has_maps(self) -> bool:
        """Whether there are id maps to write."""
        return self.uid_map is not None or self.gid_map is not None

    @property
    def unshares_user(self) -> bool:
        """Whether the child makes its own user namespace, and so its maps."""
        return bool(self.unshareflags & CLONE_NEWUSER)

    def say(self, message: str) -> None:
        """Send the caller a message."""
        posix.write(self.status, message.encode())


def run(fields: dict[str, object]) -> None:
    """Apply the fields of a ``Spec``, then become its program."""
    spec, stage = Spec(fields), "clone"
    try:
        _clone(spec)
        for name, apply in _STAGES.items():
            stage = name
            apply(spec)
    except OSError as error:
        spec.say(f"failed {stage} {error.errno}")
    posix._exit(253)


def _clone(spec: Spec) -> None:
    """Continue as a new child of our parent, if that is asked for.

    Namespaces and a cgroup are given at birth. The caller waits for the new process, so
    it must be the caller's own child.
    """
    if not spec.cloneflags and spec.cgroup is None:
        return
    spec.pipe = posix.pipe() if spec.has_maps else None
    pid = _check(_raw_clone(spec))
    if pid == 0:
        spec.say("here")
        return
    spec.say(f"pid {pid}")
    if spec.pipe:
        number = _write_maps(pid, spec)
        posix.write(spec.pipe[1], number.to_bytes(4, sys.byteorder))
    posix._exit(0)


def _raw_clone(spec: Spec) -> int:
    flags = spec.cloneflags | _CLONE_PARENT
    if spec.cgroup is None and not flags & _CLONE_NEWTIME:
        nothing = [ctypes.c_long(0)] * 4
        return _system_call(spec.clone, ctypes.c_ulong(flags), *nothing)
    if spec.cgroup is not None:
        flags |= _CLONE_INTO_CGROUP
    # struct clone_args, where only the flags and the cgroup are not 0. With
    # CLONE_PARENT the signal at its end is the one that we end with.
    words = (ctypes.c_uint64 * 11)(flags, *[0] * 9, spec.cgroup or 0)
    return _system_call(spec.clone3, ctypes.byref(words), ctypes.c_size_t(88))


def _write_maps(pid: int, spec: Spec) -> int:
    """Write the id maps of the child, and return the error number, or 0."""
    try:
        if not spec.unshares_user:
            _write_uid_map(f"/proc/{pid}", spec)
            _write_gid_map(f"/proc/{pid}", spec)
    except OSError as error:
        return error.errno or _EINVAL
    return 0


def _write_uid_map(process: str, spec: Spec) -> None:
    if spec.uid_map is not None:
        _write(f"{process}/uid_map", spec.uid_map)


def _write_gid_map(process: str, spec: Spec) -> None:
    if spec.gid_map is not None:
        _write(f"{process}/setgroups", b"allow" if spec.setgroups else b"deny")
        _write(f"{process}/gid_map", spec.gid_map)


def _write(path: str, content: bytes) -> None:
    fd = posix.open(path, posix.O_WRONLY | posix.O_CLOEXEC)
    try:
        posix.write(fd, content)
    finally:
        posix.close(fd)


def _keep_capabilities(spec: Spec) -> None:
    if spec.caps:
        _prctl(_PR_SET_KEEPCAPS, 1)


def _await_maps(spec: Spec) -> None:
    if spec.pipe:
        reader, writer = spec.pipe
        posix.close(writer)
        answer = posix.read(reader, 4)
        posix.close(reader)
        number = int.from_bytes(answer, sys.byteorder) if answer else _EINVAL
        if number:
            raise OSError(number, "")


def _lead_session(spec: Spec) -> None:
    if spec.setsid:
        posix.setsid()


def _join_group(spec: Spec) -> None:
    if spec.setpgid or spec.foreground:
        _check(_libc.setpgid(0, ctypes.c_int(spec.pgid)))


def _take_foreground(spec: Spec) -> None:
    if spec.foreground:
        group = ctypes.c_int(spec.pgid or posix.getpid())
        _check(_libc.ioctl(spec.ctty, _TIOCSPGRP, ctypes.byref(group)))


def _restore_signals(spec: Spec) -> None:
    """Undo what the interpreter did to signals; from here on they can arrive."""
    for number in spec.default_signals:
        _libc.signal(number, _SIG_DFL)
    for number in spec.ignored_signals or ():
        _libc.signal(number, _SIG_IGN)
    _check(_libc.sigprocmask(_SIG_SETMASK, (ctypes.c_byte * 128)(), None))


def _unshare(spec: Spec) -> None:
    if not spec.unshareflags:
        return
    _check(_libc.unshare(ctypes.c_int(spec.unshareflags)))
    if spec.unshares_user:
        _write_gid_map("/proc/self", spec)
        _write_uid_map("/proc/self", spec)
    if spec.unshareflags & _CLONE_NEWNS:
        # If / is shared, a mount made in here would also be seen outside.
        private = ctypes.c_ulong(_MS_REC | _MS_PRIVATE)
        _check(_libc.mount(b"none", b"/", None, private, None))


def _change_root(spec: Spec) -> None:
    if spec.chroot is not None:
        posix.chroot(spec.chroot)


def _become(spec: Spec) -> None:
    if spec.credential is None:
        return
    uid, gid, groups, no_set_groups = spec.credential
    denied = spec.gid_map is not None and not spec.setgroups and not groups
    if not denied and not no_set_groups:
        array = (ctypes.c_uint32 * len(groups))(*groups)
        _check(_libc.setgroups(ctypes.c_size_t(len(groups)), array))
    _check(_libc.setgid(ctypes.c_uint32(gid)))
    _check(_libc.setuid(ctypes.c_uint32(uid)))


def _raise_capabilities(spec: Spec) -> None:
    if not spec.caps:
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # Two times three words: effective, permitted, inheritable.
    sets = (ctypes.c_uint32 * 6)()
    _check(_libc.capget(header, sets))
    for number in spec.caps:
        word, bit = divmod(number, 32)
        if word not in (0, 1):
            raise OSError(_EINVAL, "")
        sets[3 * word + 1] |= 1 << bit
        sets[3 * word + 2] |= 1 << bit
    _check(_libc.capset(header, sets))
    for number in spec.caps:
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number)


def _change_directory(spec: Spec) -> None:
    if spec.directory is not None:
        posix.chdir(spec.directory)


def _die_with_parent(spec: Spec) -> None:
    """Ask for a signal when the thread that started us ends.

    A change of uid would clear that request, so it comes later. If the parent is gone
    already, the kernel does not send the signal, so we do.
    """
    if spec.pdeathsig:
        _prctl(_PR_SET_PDEATHSIG, spec.pdeathsig)
        if posix.getppid() != spec.parent:
            posix.kill(posix.getpid(), spec.pdeathsig)


def _arrange_files(spec: Spec) -> None:
    """Put every file at its number; the exec closes the others that we were handed."""
    for fd in spec.handed:
        posix.set_inheritable(fd, False)
    free = max(*spec.handed, len(spec.files)) + 1
    spec.status = posix.dup2(spec.status, free, False)
    sources = list(spec.files)
    for target, source in enumerate(sources):
        # It would be overwritten before it is its turn.
        if 0 <= source < target:
            free += 1
            sources[target] = posix.dup2(source, free, False)
    for target, source in enumerate(sources):
        _place(source, target)
    for target in range(len(sources), 3):
        _libc.close(target)


def _place(source: int, target: int) -> None:
    if source < 0:
        _libc.close(target)
    elif source == target:
        posix.set_inheritable(target, True)
    else:
        posix.dup2(source, target, True)


def _leave_terminal(spec: Spec) -> None:
    if spec.noctty:
        _check(_libc.ioctl(0, _TIOCNOTTY, 0))


def _take_terminal(spec: Spec) -> None:
    if spec.setctty:
        _check(_libc.ioctl(ctypes.c_int(spec.child_ctty), _TIOCSCTTY, 1))


def _be_traced(spec: Spec) -> None:
    if spec.ptrace:
        _check(_libc.ptrace(_PTRACE_TRACEME, 0, None, None))


def _surround(spec: Spec) -> None:
    """Take over what the child has of another process, as far as we may."""
    if spec.umask is not None:
        posix.umask(spec.umask)
    if spec.nice is not None:
        _libc.setpriority(0, 0, ctypes.c_int(spec.nice))


def _limit(spec: Spec) -> None:
    """Set the limits, as far as we may: a hard one cannot be raised.

    Last of all: with less memory, or fewer files, nothing else may be possible.
    """
    for number, soft, hard in spec.limits or ():
        for wanted in (hard, _hard(number)):
            pair = (ctypes.c_uint64 * 2)(soft & _ALL, wanted & _ALL)
            if not _setrlimit(number, pair):
                break


def _hard(number: int) -> int:
    """Return our own hard limit."""
    pair = (ctypes.c_uint64 * 2)()
    _getrlimit(number, pair)
    return int(pair[1])


def _exec(spec: Spec) -> None:
    argv, env = (
        (ctypes.c_char_p * (len(strings) + 1))(*strings, None)
        for strings in (spec.argv, spec.env)
    )
    _limit(spec)
    spec.say("ready")
    _check(_libc.execve(spec.path, argv, env))


def _prctl(option: int, *arguments: int) -> None:
    words = [ctypes.c_ulong(number) for number in (*arguments, 0, 0, 0, 0)[:4]]
    _check(_libc.prctl(option, *words))


def _system_call(number: int | None, *arguments: object) -> int:
    return int(
        _libc.syscall(ctypes.c_long(-1 if number is None else number), *arguments)
    )


def _check(result: int) -> int:
    """Raise if a function of the C library failed."""
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


#: Go's order: it decides which of two errors is reported.
_STAGES = {
    "keepcaps": _keep_capabilities,
    "maps": _await_maps,
    "setsid": _lead_session,
    "setpgid": _join_group,
    "foreground": _take_foreground,
    "signals": _restore_signals,
    "unshare": _unshare,
    "chroot": _change_root,
    "credential": _become,
    "caps": _raise_capabilities,
    "chdir": _change_directory,
    "surroundings": _surround,
    "pdeathsig": _die_with_parent,
    "files": _arrange_files,
    "noctty": _leave_terminal,
    "setctty": _take_terminal,
    "ptrace": _be_traced,
    "exec": _exec,
}
