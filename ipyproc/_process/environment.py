"""Our own environment, read while other threads may write it."""

from __future__ import annotations

import os

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
