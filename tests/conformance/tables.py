"""The kinds that only look texts and bits up: no process is started."""

from __future__ import annotations

from ipyproc import ProcessState, SyscallError, WaitStatus
from ipyproc.state import Rusage
from tests.conformance import values
from tests.conformance.scene import Scene
from tests.conformance.values import KINDS_OF_ERRNO, Json


def signal_string(scene: Scene) -> None:
    """Name signals, as they appear in the text of a process that one ended."""
    scene.result["results"] = [
        {"value": number, "string": _signal_text(number)}
        for number in scene.scenario["values"]
    ]


def errno_string(scene: Scene) -> None:
    """Name error numbers and say which of Python's classes they have."""
    scene.result["results"] = [_errno(number) for number in scene.scenario["values"]]


def wait_status(scene: Scene) -> None:
    """Take wait statuses apart."""
    results = []
    for number in scene.scenario["values"]:
        state = ProcessState(sys=WaitStatus(number), sys_usage=Rusage())
        shown = values.wait_status(state.sys) | values.summary(state)
        results.append({"value": number, **shown})
    scene.result["results"] = results


def _signal_text(number: int) -> str:
    stopped = ProcessState(sys=WaitStatus((number & 0xFF) << 8 | 0x7F))
    return str(stopped).removeprefix("stop signal: ")


def _errno(number: int) -> Json:
    error = SyscallError(None, number)
    names = {name for kind, name in KINDS_OF_ERRNO.items() if isinstance(error, kind)}
    return {
        "value": number,
        "string": str(error),
        "not_exist": "fs.ErrNotExist" in names,
        "permission": "fs.ErrPermission" in names,
        "exist": "fs.ErrExist" in names,
    }
