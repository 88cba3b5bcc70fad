"""A home of its own for what tests start, and the end of all that lives in it."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

#: In the environment of everything that runs in a sandbox, and of its descendants.
MARK = "IPYPROC_TEST_RUN"
#: How long what runs there may take to end by itself: twice what DESIGN allows.
PATIENCE = 4.0
#: Where Jupyter, IPython and the desktop look before they look into the home, and what
#: makes ipykernel behave otherwise than for a reader: it watches no descriptors then.
REMOVED = ("JUPYTER", "IPYTHON", "XDG_", "PYTEST_")


class StrayError(AssertionError):
    """A process outlived the kernel or the server that it belonged to."""


@contextmanager
def sandbox(home: Path, patience: float = PATIENCE) -> Iterator[dict[str, str]]:
    """Give an environment whose home is *home*; no process of it survives the block.

    StrayError tells which ones still run after *patience* seconds, and they are killed.
    """
    mark = uuid.uuid4().hex
    try:
        yield _environment(home) | {MARK: mark}
    finally:
        _end_strays(mark, patience)


def _environment(home: Path) -> dict[str, str]:
    """Copy the environment, less what kernels would find beside *home*."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(REMOVED)}
    path = [str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]
    return kept | {"HOME": str(home), "PATH": os.pathsep.join(path)}


def _end_strays(mark: str, patience: float) -> None:
    deadline = time.monotonic() + patience
    while (strays := _marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    names = [str(stray) for stray in strays]
    while strays:  # one of them may have started another meanwhile
        for stray in strays:
            with suppress(psutil.NoSuchProcess):
                stray.kill()
        psutil.wait_procs(strays)
        strays = _marked(mark)
    if names:
        raise StrayError("; ".join(names))


def _marked(mark: str) -> list[psutil.Process]:
    """Find the processes whose environment carries *mark*."""
    return [process for process in psutil.process_iter() if _has(process, mark)]


def _has(process: psutil.Process, mark: str) -> bool:
    with suppress(psutil.Error):
        return process.environ().get(MARK) == mark
    return False
