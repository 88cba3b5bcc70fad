"""Pseudo-terminals for scenarios, and sessions that one controls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any


def open_pty(undo: ExitStack) -> str:
    """Open a pseudo-terminal and give the name of its slave."""
    master, name = _master()
    undo.callback(os.close, master)
    return name


def run_in_session(scenario: dict[str, Any], directory: str) -> dict[str, Any]:
    """Make a driver do one scenario as the leader of a session with a terminal."""
    path = Path(directory, "scenario.json")
    path.write_text(json.dumps(scenario))
    master, name = _master()
    slave = os.open(name, os.O_RDWR | os.O_NOCTTY)
    # Whatever is written to the terminal is read away, or its writer would stop.
    threading.Thread(target=_drain, args=[master], daemon=True).start()
    try:
        return _driver(str(path), slave)
    finally:
        os.close(slave)
        path.unlink()


def _driver(path: str, slave: int) -> dict[str, Any]:
    # The session is led by the driver itself, so not by ipyproc that it is to judge;
    # setsid --ctty makes the terminal on descriptor 0 the session's own.
    command = ["setsid", "--ctty", "--wait", _interpreter()]
    done = subprocess.run(
        [*command, "-m", "tests.conformance.driver", "--one", path],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        cwd=Path(__file__).parents[2],
        check=True,
    )
    return json.loads(done.stdout)


def _interpreter() -> str:
    # Nobody may run an interpreter by its name that lies in the home of root.
    usable = os.access(sys.executable, os.X_OK)
    return sys.executable if usable else f"/proc/{os.getpid()}/exe"


def _master() -> tuple[int, str]:
    master, slave = os.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    return master, name


def _drain(master: int) -> None:
    with suppress(OSError):  # EIO: the last user of the slave is gone
        while os.read(master, 65536):
            pass
    os.close(master)
