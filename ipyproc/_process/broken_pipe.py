"""Writing to pipes that another process may have closed."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from signal import (
    SIG_BLOCK,
    SIG_IGN,
    SIG_SETMASK,
    SIGPIPE,
    getsignal,
    pthread_sigmask,
    sigtimedwait,
)
from typing import Any


def write(fd: int, data: Any) -> int:
    """Write as ``os.write`` does; ``BrokenPipeError`` if nobody reads any more.

    Python ignores SIGPIPE. In a program that does not, as scripts for a shell's pipes
    like it, that would end this process; in Go it does so for descriptors 1 and 2 only.
    """
    return call(os.write, fd, data)


def call(function: Callable[..., int], *args: object) -> int:
    """Call what writes, in the same way."""
    if getsignal(SIGPIPE) is SIG_IGN:
        return function(*args)
    before = pthread_sigmask(SIG_BLOCK, ())
    try:
        pthread_sigmask(SIG_BLOCK, {SIGPIPE})
        return function(*args)
    except BrokenPipeError:
        # It is pending for this thread, unless it was blocked and pending before.
        if SIGPIPE not in before:
            with suppress(OSError):
                sigtimedwait({SIGPIPE}, 0)
        raise
    finally:
        pthread_sigmask(SIG_SETMASK, before)
