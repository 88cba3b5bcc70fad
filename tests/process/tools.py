"""What the tests of processes have in common."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from ipyproc import ProcAttr, Process, start_process

#: Longer than any test: what sleeps so long must be ended by the test.
FOR_EVER = "1000"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def start_sh(script: str, **attr: Any) -> Process:
    """Start a shell script."""
    return start_process("/bin/sh", ["sh", "-c", script], ProcAttr(**attr))


def start_sleep() -> Process:
    """Start what sleeps for longer than the test lasts."""
    return start_process("/bin/sleep", ["sleep", FOR_EVER])


def output_of(script: str, **attr: Any) -> str:
    """Return what a shell script prints; it must succeed."""
    return printed_by("/bin/sh", ["sh", "-c", script], **attr)


def printed_by(name: str, argv: Sequence[str | bytes], **attr: Any) -> str:
    """Return what a program prints; it must succeed."""
    reader, writer = os.pipe()
    with open(reader, "rb") as file:
        try:
            attribute = ProcAttr(files=[None, writer, 2], **attr)
            process = start_process(name, argv, attribute)
        finally:
            os.close(writer)
        printed = file.read()
    state = process.wait()
    assert state.success, state
    return os.fsdecode(printed)


def run_python(code: str, *options: str, **environment: str) -> str:
    """Run a program of its own and give what it prints to both streams, joined."""
    reader, writer = os.pipe()
    words = ["python", *options, "-c", code]
    attr = ProcAttr(
        files=[None, writer, writer],
        env={**os.environ, **environment},
        dir=Path(__file__).parents[2],
    )
    process = start_process(sys.executable, words, attr)
    os.close(writer)
    with open(reader) as file:
        printed = file.read()
    process.wait()
    return printed


def in_thread(function: Callable[[], Any]) -> Any:
    """Call *function* in a thread that ends right afterwards and give its result."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


def wait_until_ended(pid: int) -> None:
    """Wait for the end of a child, and leave it to be reaped."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def children() -> set[int]:
    """Return the pids of our children; what fixtures run stays there all the time."""
    return {child.pid for child in psutil.Process().children()}


def descriptors() -> dict[str, str]:
    """Return what this process has open, by number."""
    found = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            found[number] = os.readlink(f"/proc/self/fd/{number}")
        except OSError:  # it listed the others and is closed again
            continue
    return found
