"""What is special about the process that we run in, and its files."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

from ipyproc._sys.posix_spawn import DEFAULT
from ipyproc.attr import HasFileno

_WITH_INTERRUPT = DEFAULT | 1 << signal.SIGINT - 1


def descriptor(file: HasFileno) -> int:
    """Give the descriptor by which a child reaches what *file* stands for.

    ``fileno()`` of ipykernel's ``sys.stdout`` is the terminal of the server; what a
    child writes to descriptor 1 or 2 itself is what reaches the cell.
    """
    iostream = sys.modules.get("ipykernel.iostream")
    if iostream is not None and isinstance(file, iostream.OutStream):
        return 2 if file.name == "stderr" else 1
    return file.fileno()


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
