"""A network of a test's own: a namespace, and a link to it that can be cut."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    """A namespace with an *address*, reached by a link, whose other end is *ours*."""

    name: str
    address: str
    ours: str

    @property
    def inside(self) -> tuple[str, ...]:
        """The command that runs words in it."""
        return "ip", "netns", "exec", self.name

    def cut(self) -> None:
        """Pull the cable."""
        _ip("-n", self.name, "link", "set", "far", "down")

    def mend(self) -> None:
        """Put it in again."""
        _ip("-n", self.name, "link", "set", "far", "up")


def impossible() -> str:
    """Why there can be none here; empty if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not shutil.which("ip"):
        return "network namespaces need iproute2"
    name = f"ipyproc{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode:
        return f"no network namespace can be made here: {made.stderr.strip()}"
    _ip("netns", "delete", name)
    return ""


@contextmanager
def network() -> Iterator[Network]:
    """Make one, which is gone after the block."""
    pid = os.getpid()
    name, near = f"ipyproc{pid}", f"ipy{pid}"
    # Of the range for private networks; processes of one run have others.
    prefix = f"10.{213 + pid % 32}.{pid // 32 % 256}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", near, "type", "veth", "peer", "name", "far", "netns", name)
        _ip("address", "add", f"{prefix}.1/30", "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", name, "address", "add", f"{prefix}.2/30", "dev", "far")
        for device in ("lo", "far"):
            _ip("-n", name, "link", "set", device, "up")
        yield Network(name, f"{prefix}.2", f"{prefix}.1")
    finally:
        _ip("netns", "delete", name)  # and the link with it


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
