"""Opening and closing descriptors whatever signal handlers and other threads do.

Python runs signal handlers, which may raise, between two of its instructions. Here each
step is one call into C, in which none of them comes: a descriptor is opened and kept,
or forgotten and closed, exactly once.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain, repeat, starmap

from ipyproc._sys import fallocate

#: Bytes that a new pipe holds, unless the user has too many pipes.
USUAL_PIPE = 1 << 16
#: The most that an ordinary user may ask for; for a stream that fills the usual size.
LARGE_PIPE = 1 << 20
_RESIZE = getattr(fcntl, "F_SETPIPE_SZ", -1)  # it is Linux that can do that


def opened(into: list[int], call: Callable[..., int], *arguments: object) -> int:
    """Append the descriptor that *call* opens to *into*, and return it."""
    into.extend(starmap(call, [arguments]))
    return into[-1]


def opened_pipe(into: list[int]) -> None:
    """Append the two ends of a new pipe to *into*: the one to read from, the other."""
    into.extend(chain.from_iterable(starmap(os.pipe, [()])))


def opened_terminal(into: list[int]) -> None:
    """Append the two ends of a new pseudo-terminal to *into*: the master, the slave.

    They are close-on-exec only once both are open. But Python starts nothing in
    another thread meanwhile.
    """
    into.extend(chain.from_iterable(starmap(os.openpty, [()])))


def move_last(held: list[int], into: list[int]) -> int:
    """Move the last descriptor of *held* to *into*, and return it."""
    into.extend(map(list.pop, [held]))
    return into[-1]


def resize_pipe(ends: Sequence[int], size: int) -> bool:
    """Resize a pipe to *size* bytes; return whether the system allows that.

    *ends* has one of its descriptors, or none if it was closed meanwhile.
    """
    with suppress(OSError):
        return any(map(fcntl.fcntl, ends, (_RESIZE,), (size,)))
    return False


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


def give_back(fd: int, start: int, end: int) -> bool:
    """Free what a file takes of the disk between two offsets; return whether it did."""
    try:
        fallocate.punch(fd, start, end - start)
    except OSError:
        return False
    return True
