"""The kinds start_process, find_process and literal."""

from __future__ import annotations

import ctypes
import os
import threading
from contextlib import suppress
from typing import Any

from ipyproc import (
    NoHandleError,
    ProcAttr,
    Process,
    SyscallError,
    find_process,
    start_process,
)
from tests.conformance import system
from tests.conformance.parent import BASE_ENVIRONMENT
from tests.conformance.scene import Scene
from tests.conformance.steps import Steps, described
from tests.conformance.values import Json

_WAIT: list[Json] = [{"op": "wait"}]
_libc = ctypes.CDLL(None, use_errno=True)


def start(scene: Scene) -> None:
    """Start a process and do the steps with it."""
    scenario = scene.scenario
    scene.start_helper()
    attr = _attributes(scene, scenario.get("attr"))
    process, error = _started(scenario, attr)
    result = scene.result["start"] = scene.texts.set({}, error)
    if process is not None:
        result["pid_positive"] = process.pid > 0
        scene.pids.append(process.pid)
    pidfd = _callers_pidfd(scene, process)
    scene.files.close_after_start()
    _feed(scene, scenario.get("stdin"))
    if process is None:
        return
    steps = Steps(scene, process, process.pid)
    steps.pidfd = pidfd
    wanted = scenario.get("steps")
    scene.result["steps"] = steps.perform(_WAIT if wanted is None else wanted)


def find(scene: Scene) -> None:
    """Find a process by its pid and do the steps with it."""
    _with_pid(scene, find_process)


def literal(scene: Scene) -> None:
    """Make a ``Process`` from a bare pid and do the steps with it."""
    _with_pid(scene, Process)


def _with_pid(scene: Scene, make: Any) -> None:
    scene.start_helper()
    pid = _pid(scene, scene.scenario["pid"])
    process = make(pid)
    scene.result["start"] = {"ok": True}
    if make is find_process:
        scene.result["start"]["pid_ok"] = process.pid == pid
    if scene.scenario.get("steps") is not None:
        steps = Steps(scene, process, pid)
        scene.result["steps"] = steps.perform(scene.scenario["steps"])


def _attributes(scene: Scene, spec: Json | None) -> ProcAttr | None:
    if spec is None:
        return ProcAttr()
    if spec.get("null"):
        return None
    return ProcAttr(
        dir=spec.get("dir"),
        env=spec.get("env"),
        sys=scene.system(spec.get("sys")),
        files=scene.files.open_all(spec.get("files")),
    )


def _started(
    scenario: Json, attr: ProcAttr | None
) -> tuple[Process | None, Exception | None]:
    """Start the process, if need be from a thread that ends right afterwards."""
    outcome: list[Any] = [None, None]

    def attempt() -> None:
        try:
            _unshare(scenario.get("thread_unshare"))
            argv = scenario.get("argv")
            outcome[0] = start_process(scenario["name"], argv, attr)
        except Exception as error:  # noqa: BLE001 - it is the result
            outcome[1] = error

    if scenario.get("in_thread"):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    else:
        attempt()
    return outcome[0], outcome[1]


def _unshare(names: list[str] | None) -> None:
    if names and _libc.unshare(system.clone_flags(names)):
        raise SyscallError(None, ctypes.get_errno())


def _callers_pidfd(scene: Scene, process: Process | None) -> int | None:
    """Do what Go's ``*PidFD`` is for: have a pidfd of one's own."""
    wanted = ((scene.scenario.get("attr") or {}).get("sys") or {}).get("pidfd")
    if wanted is None or process is None:
        return None
    try:
        fd = os.dup(process.fileno())
    except NoHandleError:
        return None
    scene.cleanup.callback(os.close, fd)
    scene.result["start"]["pidfd"] = {
        **described(fd, process.pid),
        "cloexec": not os.get_inheritable(fd),
    }
    return fd


def _feed(scene: Scene, text: str | None) -> None:
    """Write the text to the child's standard input, however slowly it reads."""
    stdin = scene.files.stdin
    if text is None or stdin is None:
        return
    scene.files.stdin = None

    def write() -> None:
        with stdin, suppress(BrokenPipeError):
            stdin.write(text.encode())

    threading.Thread(target=write, daemon=True).start()


def _pid(scene: Scene, value: int | str) -> int:
    if isinstance(value, int):
        return value
    if value == "dead":
        process = start_process("/bin/true", ["true"], ProcAttr(env=BASE_ENVIRONMENT))
        pid = process.pid
        process.wait()
        return pid
    return {
        "self": os.getpid(),
        "ppid": os.getppid(),
        "init": 1,
        "helper": scene.helper,
    }[value]
