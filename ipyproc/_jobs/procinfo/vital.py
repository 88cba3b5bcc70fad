"""Processes that no slip of a finger may signal."""

from __future__ import annotations

import os

import psutil


def refusal(pid: int) -> str | None:
    """Say why *pid* must not be signalled; ``None`` if it may be."""
    if pid < 1:
        what = "a process group" if pid else "the kernel's own process group"
        return f"pid {pid} is refused: it stands for {what}"
    if pid == 1:
        return "pid 1 is refused: it is the parent of all others"
    if pid == os.getpid():
        return f"pid {pid} is refused: it is the kernel itself"
    if pid in (parent.pid for parent in psutil.Process().parents()):
        return f"pid {pid} is refused: it is a parent of the kernel"
    return None
