"""posix_spawn(3) of the C library: a child without a fork of a big process."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from ipyproc._sys.libc import has, libc

_SETPGROUP, _SETSIGDEF, _SETSIGMASK, _SETSID = 0x02, 0x04, 0x08, 0x80
# Opaque structures: glibc needs 80 and 336 bytes, others less.
_Opaque = ctypes.c_byte * 512
Attributes = ctypes.Array[ctypes.c_byte]
_SignalSet = ctypes.c_byte * 128
#: A NULL-terminated array of strings.
Vector = ctypes.Array[ctypes.c_char_p]

# Python itself ignores the first two. glibc keeps the others for its threads, and a
# child ignores them unless glibc is told to reset them.
DEFAULT = (1 << signal.SIGPIPE - 1) | (1 << signal.SIGXFSZ - 1) | (0b11 << 31)
EVERY_SIGNAL = (1 << 64) - 1

#: What the C library can do: glibc has these from 2.29, 2.35 and 2.34 on.
CAN_CHANGE_DIRECTORY = has("posix_spawn_file_actions_addchdir_np")
CAN_SET_FOREGROUND = has("posix_spawn_file_actions_addtcsetpgrp_np")
_CAN_CLOSE_THE_REST = has("posix_spawn_file_actions_addclosefrom_np")

_spawn = libc.posix_spawn
_init_actions = libc.posix_spawn_file_actions_init
_destroy_actions = libc.posix_spawn_file_actions_destroy
_add_dup2 = libc.posix_spawn_file_actions_adddup2
_add_close = libc.posix_spawn_file_actions_addclose
_add_open = libc.posix_spawn_file_actions_addopen

#: Memory for a pid. The C library fills it before Python runs a signal handler, so an
#: exception that a handler raises does not lose the child.
Pid = ctypes.c_int


def spawn(
    pid: ctypes.c_int,
    path: bytes,
    argv: Sequence[bytes],
    env: Vector,
    files: Sequence[int],
    attributes: Attributes,
    *,
    directory: bytes | None = None,
    foreground: int | None = None,
    terminal: tuple[int, bytes] | None = None,
) -> None:
    """Start *path* and fill in its *pid*.

    Entry *i* of *files* becomes descriptor *i* of the child, -1 a closed one; every
    other descriptor is closed. The terminal *foreground*, a descriptor of ours, gets
    the child's process group as its foreground group. A child that leads a session gets
    *terminal*, a descriptor of ours and its path, as its controlling terminal, if that
    is nobody's. Raises a bare ``OSError``.
    """
    actions = _file_actions(tuple(files), directory, foreground, terminal).memory
    filled = ctypes.byref(pid)
    number = _spawn(filled, path, actions, attributes, vector(argv), env)
    _check(number)


def vector(strings: Sequence[bytes]) -> Vector:
    """Make the NULL-terminated array of strings that exec wants."""
    return (ctypes.c_char_p * (len(strings) + 1))(*strings, None)


class _FileActions:
    """What the child does to its descriptors; the C library only reads it."""

    def __init__(
        self,
        files: tuple[int, ...],
        directory: bytes | None,
        foreground: int | None,
        terminal: tuple[int, bytes] | None,
    ) -> None:
        self.memory = _Opaque()
        _check(_init_actions(self.memory))
        if terminal is not None:
            # Opening it makes it the session's, tty_ioctl(4). The C library closes the
            # child's copy of the descriptor first, so that no other number is needed.
            _check(_add_open(self.memory, *terminal, os.O_RDWR, 0))
        if foreground is not None:
            add = libc.posix_spawn_file_actions_addtcsetpgrp_np
            _check(add(self.memory, foreground))
        if directory is not None:
            add = libc.posix_spawn_file_actions_addchdir_np
            _check(add(self.memory, directory))
        _add_files(self.memory, files)
        _close_the_rest(self.memory, len(files))

    def __del__(self, destroy: Callable[..., int] = _destroy_actions) -> None:
        if hasattr(self, "memory"):  # an interrupt may have come before it was set
            destroy(self.memory)


# Without closefrom, the descriptors to close differ from one start to the next.
_file_actions = (
    lru_cache(maxsize=64)(_FileActions) if _CAN_CLOSE_THE_REST else _FileActions
)


@lru_cache(maxsize=64)
def attributes(
    setsid: bool = False,
    pgroup: int | None = None,
    default: int = DEFAULT,
    mask: int = 0,
) -> Attributes:
    """Make attributes; the C library only reads them, so equal ones are made once.

    *pgroup* is the process group to join, 0 a new one. In the sets of signals, signal
    *n* is bit *n* - 1: those in *default* get their default action, those in *mask* are
    blocked.
    """
    made = _Opaque()
    _check(libc.posix_spawnattr_init(made))
    flags = _SETSIGDEF | _SETSIGMASK | (_SETSID if setsid else 0)
    if pgroup is not None:
        flags |= _SETPGROUP
        _check(libc.posix_spawnattr_setpgroup(made, pgroup))
    _check(libc.posix_spawnattr_setsigdefault(made, _signal_set(default)))
    _check(libc.posix_spawnattr_setsigmask(made, _signal_set(mask)))
    _check(libc.posix_spawnattr_setflags(made, ctypes.c_short(flags)))
    return made


def moves(files: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (source, target) steps after which every file is at its index.

    A source below its target may be overwritten before its turn. It is first copied to
    a free number above the table, so that swaps and repeats come out right.
    """
    free = max(len(files), *files, 0) + 1
    sources = list(files)
    for target, source in enumerate(files):
        if 0 <= source < target:
            yield source, free
            sources[target] = free
            free += 1
    # A step from a number to itself removes its close-on-exec flag.
    yield from zip(sources, range(len(sources)), strict=True)


def _add_files(actions: Attributes, files: Sequence[int]) -> None:
    for source, target in moves(files):
        if source < 0:
            _check(_add_close(actions, target))
        else:
            _check(_add_dup2(actions, source, target))


def _close_the_rest(actions: Attributes, first: int) -> None:
    if _CAN_CLOSE_THE_REST:
        _check(libc.posix_spawn_file_actions_addclosefrom_np(actions, first))
        return
    # Close-on-exec closes the others, except one that a thread opens without that flag
    # at this moment.
    for name in os.listdir("/dev/fd"):
        if int(name) >= first and _is_inheritable(int(name)):
            _check(_add_close(actions, int(name)))


def _is_inheritable(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:  # it was open for listdir only
        return False


def _signal_set(bits: int) -> ctypes.Array[ctypes.c_byte]:
    """Make a ``sigset_t``; sigaddset(3) would refuse the signals that glibc uses."""
    return _SignalSet.from_buffer_copy(
        bits.to_bytes(8, sys.byteorder).ljust(128, b"\0")
    )


def _check(number: int) -> None:
    """Raise for the error number that the posix_spawn family returns."""
    if number:
        raise OSError(number, os.strerror(number))
