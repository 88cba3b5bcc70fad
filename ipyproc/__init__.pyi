"""The public names, for type checkers; ``__init__.py`` imports them on first use."""

from ipyproc import context, hosts
from ipyproc._jobs.checks import PIPE
from ipyproc._jobs.job import Job
from ipyproc._jobs.output.capture import Capture
from ipyproc._jobs.output.interleaved import Chunk
from ipyproc._jobs.procinfo.course import Peak, UsagePoint
from ipyproc._jobs.procinfo.usage import Usage
from ipyproc._jobs.registry import Jobs
from ipyproc._jobs.runner import JobStatus
from ipyproc.attr import (
    Credential,
    ProcAttr,
    SysProcAttr,
    SysProcIDMap,
)
from ipyproc.errors import (
    CanceledError,
    CmdStateError,
    DeadlineExceededError,
    DotError,
    ExecError,
    ExitError,
    JobLostError,
    NoHandleError,
    NotFoundError,
    NotReadyError,
    PathError,
    ProcessDoneError,
    ProcessNotInitializedError,
    ProcessReleasedError,
    SyscallError,
    WaitDelayError,
)
from ipyproc.exec import (
    Cmd,
    command,
    command_context,
    look_path,
)
from ipyproc.process import (
    INTERRUPT,
    KILL,
    Process,
    ProcessStatus,
    find_process,
    start_process,
)
from ipyproc.session import jobs, spawn
from ipyproc.state import (
    ProcessState,
    Rusage,
    WaitStatus,
)

__all__ = [
    "INTERRUPT",
    "KILL",
    "PIPE",
    "CanceledError",
    "Capture",
    "Chunk",
    "Cmd",
    "CmdStateError",
    "Credential",
    "DeadlineExceededError",
    "DotError",
    "ExecError",
    "ExitError",
    "Job",
    "JobLostError",
    "JobStatus",
    "Jobs",
    "NoHandleError",
    "NotFoundError",
    "NotReadyError",
    "PathError",
    "Peak",
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
    "Usage",
    "UsagePoint",
    "WaitDelayError",
    "WaitStatus",
    "command",
    "command_context",
    "context",
    "find_process",
    "hosts",
    "jobs",
    "look_path",
    "spawn",
    "start_process",
]

__version__: str

def load_ipython_extension(ip: object) -> None: ...
def unload_ipython_extension(ip: object) -> None: ...
