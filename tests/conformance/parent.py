"""What a scenario changes around its start: files on disk, and the driver itself."""

from __future__ import annotations

import base64
import ctypes
import os
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.conformance.files import Files

BASE_ENVIRONMENT = ["PATH=/usr/bin:/bin", "HOME=/", "LANG=C"]

_MS_REMOUNT, _MS_NOEXEC = 32, 8
_libc = ctypes.CDLL(None, use_errno=True)


def set_up(steps: list[dict[str, Any]], cleanup: ExitStack) -> None:
    """Make the files, mounts and cgroups that a scenario needs."""
    for step in steps:
        kind = next(kind for kind in _SETUP if kind in step)
        _SETUP[kind](step, cleanup)


def _mode(step: dict[str, Any]) -> int:
    return int(step.get("mode", "0755"), 8)


def _mkdir(step: dict[str, Any], _: ExitStack) -> None:
    os.makedirs(step["mkdir"], exist_ok=True)
    os.chmod(step["mkdir"], _mode(step))


def _write(step: dict[str, Any], _: ExitStack) -> None:
    content = base64.b64decode(step.get("b64", "")) or step.get("text", "").encode()
    Path(step["write"]).write_bytes(content)
    os.chmod(step["write"], _mode(step))


def _symlink(step: dict[str, Any], _: ExitStack) -> None:
    os.symlink(step["symlink"], step["at"])


def _copy(step: dict[str, Any], _: ExitStack) -> None:
    target = Path(step["to"])
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(step["copy"], target)
    target.chmod(_mode(step))


def _mount(step: dict[str, Any], cleanup: ExitStack) -> None:
    point = step["mount_tmpfs"].encode()
    _check(_libc.mount(b"tmpfs", point, b"tmpfs", 0, None))
    cleanup.callback(_libc.umount, point)


def _remount(step: dict[str, Any], _: ExitStack) -> None:
    point = step["remount_noexec"].encode()
    _check(_libc.mount(None, point, None, _MS_REMOUNT | _MS_NOEXEC, None))


def _cgroup(step: dict[str, Any], cleanup: ExitStack) -> None:
    os.mkdir(step["cgroup"])
    cleanup.callback(os.rmdir, step["cgroup"])


def _hold_write(step: dict[str, Any], cleanup: ExitStack) -> None:
    fd = os.open(step["hold_write"], os.O_WRONLY | os.O_APPEND)
    cleanup.callback(os.close, fd)


_SETUP = {
    "mkdir": _mkdir,
    "write": _write,
    "symlink": _symlink,
    "copy": _copy,
    "mount_tmpfs": _mount,
    "remount_noexec": _remount,
    "cgroup": _cgroup,
    "hold_write": _hold_write,
}


def _check(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextmanager
def environment(entries: list[str] | None) -> Iterator[None]:
    """Use exactly this environment for a while."""
    before = dict(os.environb)
    os.environb.clear()
    for entry in BASE_ENVIRONMENT if entries is None else entries:
        key, _, value = entry.partition("=")
        os.environ[key] = value
    try:
        yield
    finally:
        os.environb.clear()
        os.environb.update(before)


def change(parent: dict[str, Any], files: Files, undo: ExitStack) -> None:
    """Change the driver's own state as a scenario asks, until *undo* is closed."""
    for number in parent.get("ignore") or []:
        _handle(number, signal.SIG_IGN, undo)
    for number in parent.get("catch") or []:
        _handle(number, lambda *_: None, undo)
    if parent.get("umask") is not None:
        undo.callback(os.umask, os.umask(int(parent["umask"], 8)))
    if parent.get("nofile") is not None:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        undo.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        resource.setrlimit(resource.RLIMIT_NOFILE, (parent["nofile"][0], limits[1]))
    if parent.get("groups") is not None:
        undo.callback(os.setgroups, os.getgroups())
        os.setgroups(parent["groups"])
    for spec in parent.get("leak") or []:
        files.open(spec, [])


def _handle(number: int, handler: Any, undo: ExitStack) -> None:
    undo.callback(signal.signal, number, signal.signal(number, handler))
