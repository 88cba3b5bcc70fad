"""Giving a part of a file back to the disk, fallocate(2)."""

from __future__ import annotations

import ctypes
import os
from errno import ENOSYS

from ipyproc._sys.libc import libc

# musl has only that of 64 bits, by its short name.
_fallocate = getattr(libc, "fallocate64", None) or getattr(libc, "fallocate", None)
_KEEP_SIZE, _PUNCH_HOLE = 1, 2


def punch(fd: int, start: int, size: int) -> None:
    """Make *size* bytes from *start* on a hole, which reads as zeros.

    ``OSError`` where the file system, or the C library, cannot do that.
    """
    if _fallocate is None:
        raise OSError(ENOSYS, os.strerror(ENOSYS))
    offsets = ctypes.c_int64(start), ctypes.c_int64(size)
    if _fallocate(fd, _KEEP_SIZE | _PUNCH_HOLE, *offsets):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
