"""Our own environment, read while other threads may write it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ipyproc._sys.posix_spawn import Vector, vector


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


class Entries(tuple[bytes, ...]):
    """The ``K=V`` entries of an environment, as they go into the system call."""

    __slots__ = ()

    @classmethod
    def of(cls, variables: Mapping[bytes, bytes]) -> Entries:
        """Make the entries; ``ValueError`` for a NUL byte, at which one would end."""
        entries = cls(map(b"=".join, variables.items()))
        if 0 in b"".join(entries):
            raise ValueError("env: a variable contains a NUL byte")
        return entries


class _Environment:
    """Our environment as exec wants it, made anew only when a variable has changed."""

    def __init__(self) -> None:
        self._made: tuple[dict[bytes, bytes], Vector] = ({}, vector([]))

    def __call__(self) -> Vector:
        current = variables()
        known, made = self._made
        if known != current:
            known = current
            made = vector(Entries.of(known))
            self._made = known, made
        return made


#: Returns our environment; the array is not to be written to.
own_environment = _Environment()
