"""A home folder for what tests start, and the end of all that runs in it."""

from __future__ import annotations

import os
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from tests.hosts.helpers import agents

#: A variable in the environment of everything that runs in a sandbox.
MARK = "IPYPROC_TEST_RUN"
#: Seconds that what runs there may take to end by itself, on a busy machine, too.
PATIENCE = 60.0
#: Variables with which Jupyter, IPython and the desktop leave the home folder, and
#: those of pytest, with which ipykernel watches no descriptors.
REMOVED = ("JUPYTER", "IPYTHON", "XDG_", "PYTEST_")


class StrayError(AssertionError):
    """A process outlived the kernel or the server that it belonged to."""


@contextmanager
def sandbox(home: Path, patience: float = PATIENCE) -> Iterator[dict[str, str]]:
    """Yield an environment whose home is *home*; no process of it survives the block.

    Those that still run after *patience* seconds are killed, and StrayError lists them.
    An agent that was started in it would leave by itself, and is told to, at the end.
    """
    mark = uuid.uuid4().hex
    # A socket's path has at most 107 bytes, and *home* may be longer.
    with TemporaryDirectory(prefix="ipyproc-") as runtime:
        try:
            sockets = {
                "IPYPROC_RUNTIME_DIR": runtime,
                "JUPYTER_RUNTIME_DIR": f"{runtime}/jupyter",
            }
            here = {MARK: mark, **sockets}
            yield _environment(home) | here
        finally:
            for pid in agents(Path(runtime)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            _end_strays(mark, patience)


def _environment(home: Path) -> dict[str, str]:
    """Copy the environment, without the variables that lead away from *home*."""
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
    """Find the processes that have *mark* in their environment."""
    return [process for process in psutil.process_iter() if _has(process, mark)]


def _has(process: psutil.Process, mark: str) -> bool:
    with suppress(psutil.Error):
        return process.environ().get(MARK) == mark
    return False
