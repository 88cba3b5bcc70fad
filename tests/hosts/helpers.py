"""Hosts on this machine, and how tests find the agents that they started."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ipyproc.hosts import CommandHost, command
from tests.jobs.helpers import PATIENCE, lives


def agents(folder: Path) -> list[int]:
    """Return the pids of the agents of *folder*: they have its lock open."""
    lock = folder / "agent-1.lock"
    return [pid for pid in _pythons() if _has_open(pid, lock)]


def relays(folder: Path) -> list[int]:
    """Return the pids of the relays to the agent of *folder*."""
    variable = f"IPYPROC_RUNTIME_DIR={folder}".encode()
    return [
        pid
        for pid in _pythons()
        if variable in read(pid, "environ").split(b"\0")
        and b"_agent.relay" in read(pid, "cmdline")
        and pid not in agents(folder)
    ]


def bare(
    folder: Path, lease: float = 600.0, python: str | None = None, **env: str
) -> CommandHost:
    """Make a host with an environment of its own, and an agent in *folder*."""
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "IPYPROC_RUNTIME_DIR": str(folder),
        **env,
    }
    words = [f"{name}={value}" for name, value in variables.items()]
    return command("there", ["env", "-i", *words], python=python, lease=lease)


def gone_agents(folder: Path) -> bool:
    """Whether no agent of *folder* is left, soon."""
    deadline = time.monotonic() + PATIENCE
    while any(map(lives, agents(folder))):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _pythons() -> Iterator[int]:
    """Yield the pids of all that runs Python: others have many more files open."""
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError):
            if "python" in os.path.basename(os.readlink(f"/proc/{name}/exe")):
                yield int(name)


def read(pid: int, name: str) -> bytes:
    """Read a file of a process in /proc; empty if it has gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


def _has_open(pid: int, path: Path) -> bool:
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                if os.readlink(f"/proc/{pid}/fd/{name}") == str(path):
                    return True
    return False
