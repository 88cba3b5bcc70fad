"""What is special about the process that we run in, and its files."""

from __future__ import annotations

import array
import fcntl
import os
import signal
import stat
import sys
import termios
import time
from contextlib import suppress

from ipyproc._sys.posix_spawn import DEFAULT
from ipyproc.attr import HasFileno

# How long output may take to reach the cell, and how long ipykernel may need for what
# it has just read. Something else may print without end, so there is a limit.
_PATIENCE, _HANDLING = 1.0, 0.005

_WITH_INTERRUPT = DEFAULT | 1 << signal.SIGINT - 1


def descriptor(file: HasFileno) -> int:
    """Give the descriptor by which a child reaches what *file* stands for.

    ``fileno()`` of ipykernel's ``sys.stdout`` is the terminal of the server; what a
    child writes to descriptor 1 or 2 itself is what reaches the cell.
    """
    if is_cell(file):
        return 2 if getattr(file, "name", "") == "stderr" else 1
    return file.fileno()


def is_cell(file: object) -> bool:
    """Say whether *file* is a stream whose text ipykernel shows in the cell."""
    iostream = sys.modules.get("ipykernel.iostream")
    return iostream is not None and isinstance(file, iostream.OutStream)


def let_output_pass() -> None:
    """Wait until ipykernel has taken what was written to descriptors 1 and 2.

    One of its threads reads them. What a child wrote shall stand in the cell before
    what the cell prints next, and not be late for its end.
    """
    end = time.monotonic() + _PATIENCE
    while any(map(_unread, (1, 2))) and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(_HANDLING)


def _unread(fd: int) -> int:
    """Give the number of bytes that lie in a pipe."""
    number = array.array("i", [0])
    with suppress(OSError):
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            fcntl.ioctl(fd, termios.FIONREAD, number)
    return number[0]


def make_blocking(fd: int) -> None:
    """Have a file that we share with a child block, as programs expect of theirs."""
    with suppress(OSError):  # the start will say what is wrong with it
        if not os.get_blocking(fd):
            os.set_blocking(fd, True)


def default_signals() -> int:
    """Give the set of signals that a child gets back the default actions of."""
    return _WITH_INTERRUPT if _kernel_ignores_interrupts() else DEFAULT


def changed_by_interpreters() -> list[int]:
    """Give the signals that a Python to be started will not leave as they are."""
    changed = [int(signal.SIGPIPE), int(signal.SIGXFSZ)]
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if not ignored or _kernel_ignores_interrupts():
        changed.append(int(signal.SIGINT))
    return changed


def _kernel_ignores_interrupts() -> bool:
    """Say whether it is ipykernel that ignores SIGINT, as it does between cells.

    What the user ignores stays ignored in a child; this is not the user's wish.
    """
    kernelapp = sys.modules.get("ipykernel.kernelapp")
    if kernelapp is None or not kernelapp.IPKernelApp.initialized():
        return False
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN
