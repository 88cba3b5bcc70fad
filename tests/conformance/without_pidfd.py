"""Run a program that gets ENOSYS from pidfd_open(2): Go falls back to pids there.

``python without_pidfd.py PROGRAM [ARGUMENT...]``, as root.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

_PIDFD_OPEN = 434
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP_SET_MODE_FILTER, _PR_SET_SECCOMP = 2, 22
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install() -> None:
    """Install the filter, seccomp(2), for this process and all it becomes."""
    code = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (_LOAD, 0, 0, 4),  # the architecture
            (_JUMP_IF_EQUAL, 0, 3, _ARCHITECTURES[platform.machine()]),
            (_LOAD, 0, 0, 0),  # the number of the system call
            (_JUMP_IF_EQUAL, 0, 1, _PIDFD_OPEN),
            (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
            (_RETURN, 0, 0, _ALLOW),
        )
    )
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    mode = _SECCOMP_SET_MODE_FILTER
    if libc.prctl(_PR_SET_SECCOMP, mode, ctypes.byref(program), 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    install()
    os.execvp(sys.argv[1], sys.argv[1:])
