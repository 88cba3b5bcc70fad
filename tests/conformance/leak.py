"""The kind fd_leak: failing and good starts, over and over."""

from __future__ import annotations

import os
from contextlib import suppress

from ipyproc import ProcAttr, command, start_process
from tests.conformance.scene import Scene


def fd_leak(scene: Scene) -> None:
    """Count descriptors before and after many starts, and the children left."""
    names, arguments = scene.scenario["names"], scene.scenario["args"]
    _round(names, arguments)
    before = _open_descriptors()
    for _ in range(scene.scenario["n"]):
        _round(names, arguments)
    scene.result["leaked"] = _open_descriptors() - before
    scene.result["children_left"] = _has_children()


def _round(names: list[str], arguments: list[str]) -> None:
    for name in names:
        _run_command(name, arguments)
        _start_and(name, arguments, released=False)
        _start_and(name, arguments, released=True)


def _run_command(name: str, arguments: list[str]) -> None:
    cmd = command(name, *arguments)
    cmd.stdin_pipe()
    cmd.stdout_pipe()
    cmd.stderr_pipe()
    try:
        cmd.start()
    except OSError:
        return
    with suppress(OSError):
        cmd.wait()


def _start_and(name: str, arguments: list[str], *, released: bool) -> None:
    try:
        process = start_process(name, [name, *arguments], ProcAttr())
    except OSError:
        return
    if released:
        pid = process.pid
        process.release()
        os.waitpid(pid, 0)
    else:
        process.wait()


def _open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _has_children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True
