"""Opening and closing descriptors whatever signal handlers and other threads do.

Python runs signal handlers, which may raise, between two of its instructions. Here each
step is one call into C, in which none of them comes: a descriptor is opened and kept,
or forgotten and closed, exactly once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import chain, repeat, starmap


def opened(into: list[int], call: Callable[..., int], *arguments: object) -> int:
    """Append the descriptor that *call* opens to *into*, and return it."""
    into.extend(starmap(call, [arguments]))
    return into[-1]


def opened_pipe(into: list[int]) -> None:
    """Append the two ends of a new pipe to *into*: the one to read from, the other."""
    into.extend(chain.from_iterable(starmap(os.pipe, [()])))


def move_last(held: list[int], into: list[int]) -> int:
    """Move the last descriptor of *held* to *into*, and return it."""
    into.extend(map(list.pop, [held]))
    return into[-1]


def close_last(held: list[int]) -> None:
    """Remove the last descriptor from *held* and close it, if there is one."""
    try:
        any(map(os.close, map(list.pop, [held])))
    except IndexError:
        return


def close_all(held: list[int]) -> None:
    """Remove all descriptors from *held*, the last one first, and close them."""
    try:
        any(map(os.close, map(list.pop, repeat(held, len(held)))))
    except IndexError:  # a handler, or another thread, was faster
        return
