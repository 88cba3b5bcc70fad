"""posix_spawn(3) of the C library: a child without a fork of a big process."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count

_libc = ctypes.CDLL(None, use_errno=True)
_SETPGROUP, _SETSIGDEF, _SETSIGMASK = 0x02, 0x04, 0x08
_SETSID = 0x80
# Python ignores these on its own account; a child must not inherit that.
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)
# Opaque structures: glibc needs 80 and 336 bytes, others less.
_Opaque = ctypes.c_byte * 1024
_SignalSet = ctypes.c_ulong * 16


def spawn(
    path: bytes,
    argv: Sequence[bytes],
    env: Sequence[bytes],
    files: Sequence[int],
    *,
    directory: bytes | None = None,
    setsid: bool = False,
    pgroup: int | None = None,
) -> int:
    """Start *path* and return its pid.

    Entry *i* of *files* becomes descriptor *i* of the child; -1 stands for a closed
    one, and whatever is not listed is closed. Raises a bare ``OSError``.
    """
    pid = ctypes.c_int()
    with _file_actions() as actions, _attributes(setsid, pgroup) as attributes:
        if directory is not None:
            _check(_libc.posix_spawn_file_actions_addchdir_np(actions, directory))
        for source, target in _moves(files):
            _add(actions, source, target)
        _check(_libc.posix_spawn_file_actions_addclosefrom_np(actions, len(files)))
        number = _libc.posix_spawn(
            ctypes.byref(pid), path, actions, attributes, _vector(argv), _vector(env)
        )
    _check(number)
    return pid.value


def _moves(files: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Give (source, target) steps after which every file is at its index.

    A source that lies in the table may be overwritten before its turn; it goes first to
    a free number above the table, so that swaps and repeats come out right.
    """
    size = len(files)
    free = (number for number in count(size) if number not in files)
    moved = {
        source: next(free)
        for target, source in enumerate(files)
        if 0 <= source < size and source != target
    }
    yield from moved.items()
    for target, source in enumerate(files):
        yield (source if source == target else moved.get(source, source)), target


def _add(actions: ctypes.Array[ctypes.c_byte], source: int, target: int) -> None:
    if source < 0:
        _check(_libc.posix_spawn_file_actions_addclose(actions, target))
    else:
        _check(_libc.posix_spawn_file_actions_adddup2(actions, source, target))


@contextmanager
def _file_actions() -> Iterator[ctypes.Array[ctypes.c_byte]]:
    actions = _Opaque()
    _check(_libc.posix_spawn_file_actions_init(actions))
    try:
        yield actions
    finally:
        _libc.posix_spawn_file_actions_destroy(actions)


@contextmanager
def _attributes(
    setsid: bool, pgroup: int | None
) -> Iterator[ctypes.Array[ctypes.c_byte]]:
    attributes = _Opaque()
    _check(_libc.posix_spawnattr_init(attributes))
    try:
        flags = _SETSIGDEF | _SETSIGMASK | (_SETSID if setsid else 0)
        if pgroup is not None:
            flags |= _SETPGROUP
            _check(_libc.posix_spawnattr_setpgroup(attributes, pgroup))
        default = _SignalSet()
        for sig in _DEFAULT_SIGNALS:
            _libc.sigaddset(default, int(sig))
        _check(_libc.posix_spawnattr_setsigdefault(attributes, default))
        _check(_libc.posix_spawnattr_setsigmask(attributes, _SignalSet()))
        _check(_libc.posix_spawnattr_setflags(attributes, ctypes.c_short(flags)))
        yield attributes
    finally:
        _libc.posix_spawnattr_destroy(attributes)


def _vector(strings: Sequence[bytes]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * (len(strings) + 1))(*strings, None)


def _check(number: int) -> None:
    """Raise for the error number that the posix_spawn family returns."""
    if number:
        raise OSError(number, os.strerror(number))


if not hasattr(_libc, "posix_spawn_file_actions_addclosefrom_np"):
    raise ImportError(
        "ipyproc needs a C library with posix_spawn_file_actions_addclosefrom_np"
    )
