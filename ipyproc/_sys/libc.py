"""The C library, as far as Python's own modules do not reach it."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence

#: System calls made through it leave their errno in ``ctypes.get_errno()``.
libc = ctypes.CDLL(None, use_errno=True)

#: A NULL-terminated array of strings.
Vector = ctypes.Array[ctypes.c_char_p]

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


def vector(strings: Sequence[bytes]) -> Vector:
    """Make the NULL-terminated array of strings that exec wants."""
    return (ctypes.c_char_p * (len(strings) + 1))(*strings, None)


def _variables() -> dict[bytes, bytes]:
    """Return our environment; the caller must not change it.

    The dictionary inside ``os.environb`` is private to Python. Reading it is ten times
    faster than reading ``os.environb``, which decodes and encodes every word. Where
    Python has no such dictionary, the slow way is the same.
    """
    inside = getattr(os.environb, "_data", None)
    return inside if isinstance(inside, dict) else dict(os.environb)


class _Environment:
    """Our environment as exec wants it, made anew only when a variable has changed."""

    def __init__(self) -> None:
        self._made: tuple[dict[bytes, bytes], Vector] = ({}, vector([]))

    def __call__(self) -> Vector:
        variables = _variables()
        known, made = self._made
        if known != variables:
            known = dict(variables)
            made = vector([b"=".join(item) for item in known.items()])
            self._made = known, made
        return made


#: Returns our environment; the array is not to be written to.
own_environment = _Environment()
