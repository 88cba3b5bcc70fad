"""The C library, as far as Python's own modules do not reach it."""

from __future__ import annotations

import ctypes
import os
import sys

#: System calls made through it leave their errno in ``ctypes.get_errno()``.
libc = ctypes.CDLL(None, use_errno=True)

_GENERIC = {"clone": 220, "clone3": 435, "waitid": 95}
_NUMBERS = {
    "x86_64": {"clone": 56, "clone3": 435, "waitid": 247},
    "aarch64": _GENERIC,
    "riscv64": _GENERIC,
}


def system_call(name: str) -> int | None:
    """Return the number of a system call, or ``None`` for a machine we do not know."""
    # The machine is the kernel's: a 32-bit Python on it has other numbers.
    if sys.maxsize < 2**32:
        return None
    return _NUMBERS.get(os.uname().machine, {}).get(name)


def has(function: str) -> bool:
    """Whether the C library has a function that not all of them have."""
    return hasattr(libc, function)
