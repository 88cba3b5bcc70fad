"""The C library, as far as Python's own modules do not reach it."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence

#: System calls made through it leave their errno in ``ctypes.get_errno()``.
libc = ctypes.CDLL(None, use_errno=True)

_GENERIC = {"clone": 220, "clone3": 435, "waitid": 95}
_NUMBERS = {
    "x86_64": {"clone": 56, "clone3": 435, "waitid": 247},
    "aarch64": _GENERIC,
    "riscv64": _GENERIC,
}


def system_call(name: str) -> int | None:
    """Give the number of a system call, or ``None`` where we do not know it."""
    # The machine is the kernel's: a 32-bit Python on it has other numbers.
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return None
    return _NUMBERS.get(os.uname().machine, {}).get(name)


def has(function: str) -> bool:
    """Say whether the C library has a function that not all have."""
    return hasattr(libc, function)


def vector(strings: Sequence[bytes]) -> ctypes.Array[ctypes.c_char_p]:
    """Make the NULL-terminated array of strings that exec wants."""
    return (ctypes.c_char_p * (len(strings) + 1))(*strings, None)
