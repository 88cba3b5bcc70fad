"""What a child would inherit from us although the user did not mean it to.

ipykernel redirects ``sys.stdout`` and ignores SIGINT between cells, Python ignores two
signals, and libraries make shared files non-blocking. What is private to ipykernel and
used here is behind ``_kernel_stream`` and ``_kernel_ignores_interrupts``; without it
children print into the server's terminal, and ignore SIGINT if started between cells.
"""

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

# How long we wait for output to reach the cell, and how long ipykernel may need for its
# last read. Something else may print without end, so there is a limit.
PATIENCE, HANDLING = 1.0, 0.005

_WITH_INTERRUPT = DEFAULT | 1 << signal.SIGINT - 1


def descriptor(file: HasFileno) -> int:
    """Return the descriptor by which a child reaches what *file* stands for.

    ``fileno()`` of ipykernel's ``sys.stdout`` is the terminal of the server. What a
    child writes to descriptor 1 or 2 of the kernel itself reaches the cell.
    """
    if is_cell(file):
        return 2 if getattr(file, "name", "") == "stderr" else 1
    return file.fileno()


def is_cell(*files: object) -> bool:
    """Whether one of *files* is a stream whose text ipykernel shows in the cell."""
    stream = _kernel_stream()
    return stream is not None and any(isinstance(file, stream) for file in files)


def _kernel_stream() -> type | None:
    """Return ipykernel's class of ``sys.stdout``, if ipykernel is here and has it."""
    iostream = sys.modules.get("ipykernel.iostream")
    stream = getattr(iostream, "OutStream", None)
    return stream if isinstance(stream, type) else None


def let_output_pass() -> None:
    """Wait until ipykernel has read what was written to descriptors 1 and 2.

    One of its threads reads them. What a child wrote should appear in the cell before
    what the cell prints next, and before the cell ends.
    """
    end = time.monotonic() + PATIENCE
    while output_waits() and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(HANDLING)


def output_waits() -> bool:
    """Whether ipykernel has yet to read something from descriptors 1 and 2."""
    return any(map(_unread, (1, 2)))


def _unread(fd: int) -> int:
    """Return the number of bytes that wait in a pipe."""
    number = array.array("i", [0])
    with suppress(OSError):
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            fcntl.ioctl(fd, termios.FIONREAD, number)
    return number[0]


def make_blocking(fd: int) -> None:
    """Make a file that a child will share blocking, as programs expect."""
    with suppress(OSError):  # the start will report what is wrong with it
        if not os.get_blocking(fd):
            os.set_blocking(fd, True)


def default_signals() -> int:
    """Return the set of signals that have their default action in a child."""
    return _WITH_INTERRUPT if _kernel_ignores_interrupts() else DEFAULT


def changed_by_interpreters() -> list[int]:
    """Return the signals whose action a Python changes when it starts."""
    changed = [int(signal.SIGPIPE), int(signal.SIGXFSZ)]
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if not ignored or _kernel_ignores_interrupts():
        changed.append(int(signal.SIGINT))
    return changed


def _kernel_ignores_interrupts() -> bool:
    """Whether it is ipykernel that ignores SIGINT, as it does between cells.

    What the user ignores stays ignored in a child; this is not the user's wish.
    """
    kernelapp = sys.modules.get("ipykernel.kernelapp")
    if kernelapp is None:
        return False
    app = getattr(kernelapp, "IPKernelApp", None)
    runs = getattr(app, "initialized", None)
    if not callable(runs) or not runs():
        return False
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN
