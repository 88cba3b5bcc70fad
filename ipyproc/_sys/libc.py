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


def variables() -> dict[bytes, bytes]:
    """Return a copy of our environment, which other threads may be changing.

    The dictionary inside ``os.environb`` is private to Python. Copying it is one call
    into C. Reading ``os.environb`` itself is ten times slower, and a ``KeyError`` if a
    variable is deleted meanwhile; it is read only if Python has no such dictionary.
    """
    inside = getattr(os.environb, "_data", None)
    if isinstance(inside, dict):
        return inside.copy()
    while True:
        try:
            return dict(os.environb)
        except (KeyError, RuntimeError):  # another thread has changed it
            continue


class _Environment:
    """Our environment as exec wants it, made anew only when a variable has changed."""

    def __init__(self) -> None:
        self._made: tuple[dict[bytes, bytes], Vector] = ({}, vector([]))

    def __call__(self) -> Vector:
        current = variables()
        known, made = self._made
        if known != current:
            known = current
            made = vector([b"=".join(item) for item in known.items()])
            self._made = known, made
        return made


#: Returns our environment; the array is not to be written to.
own_environment = _Environment()
