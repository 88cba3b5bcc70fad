"""Go's process model for Python and the notebook.

>>> import sys
>>> from ipyproc import ProcAttr, start_process
>>> p = start_process("/bin/true", ["true"], ProcAttr(files=[sys.stdin]))
>>> print(p.wait())
exit status 0

``%load_ext ipyproc`` brings the magics ``%spawn``, ``%procwait`` and ``%prockill``.
"""

from __future__ import annotations

from importlib import import_module

from ipyproc.attr import Credential, ProcAttr, SysProcAttr, SysProcIDMap
from ipyproc.errors import (
    CanceledError,
    CmdStateError,
    DeadlineExceededError,
    DotError,
    ExecError,
    ExitError,
    NoHandleError,
    NotFoundError,
    PathError,
    ProcessDoneError,
    ProcessNotInitializedError,
    ProcessReleasedError,
    SyscallError,
    WaitDelayError,
)
from ipyproc.process import (
    INTERRUPT,
    KILL,
    Process,
    ProcessStatus,
    find_process,
    start_process,
)
from ipyproc.state import ProcessState, Rusage, WaitStatus

__version__ = "0.1.0"

# What a script that only starts processes need not pay for is imported on first use.
_LAZY = {
    "Cmd": "ipyproc.exec",
    "command": "ipyproc.exec",
    "command_context": "ipyproc.exec",
    "look_path": "ipyproc.exec",
    "PIPE": "ipyproc.jobs",
    "Job": "ipyproc.jobs",
    "JobStatus": "ipyproc.jobs",
    "jobs": "ipyproc.jobs",
    "spawn": "ipyproc.jobs",
}

__all__ = [
    "INTERRUPT",
    "KILL",
    "PIPE",
    "CanceledError",
    "Cmd",
    "CmdStateError",
    "Credential",
    "DeadlineExceededError",
    "DotError",
    "ExecError",
    "ExitError",
    "Job",
    "JobStatus",
    "NoHandleError",
    "NotFoundError",
    "PathError",
    "ProcAttr",
    "Process",
    "ProcessDoneError",
    "ProcessNotInitializedError",
    "ProcessReleasedError",
    "ProcessState",
    "ProcessStatus",
    "Rusage",
    "SysProcAttr",
    "SysProcIDMap",
    "SyscallError",
    "WaitDelayError",
    "WaitStatus",
    "command",
    "command_context",
    "context",
    "find_process",
    "jobs",
    "look_path",
    "spawn",
    "start_process",
]


def __getattr__(name: str) -> object:
    """Import the layer that *name* lives in, on its first use."""
    if name == "context":
        return import_module("ipyproc.context")
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(ip: object) -> None:
    """Register the magics and the displays (``%load_ext ipyproc``)."""
    import_module("ipyproc.magics").load(ip)


def unload_ipython_extension(ip: object) -> None:
    """Undo what loading did (``%unload_ext ipyproc``)."""
    import_module("ipyproc.magics").unload(ip)
