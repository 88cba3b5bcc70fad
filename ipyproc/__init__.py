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

from ipyproc import _jobs

__version__ = "0.2.0"

# Names are imported on first use: a script that only starts processes pays for nothing
# else, and ``import ipyproc`` itself is cheap. Type checkers read ``__init__.pyi``.
_MODULES = {
    "ipyproc.attr": "Credential ProcAttr SysProcAttr SysProcIDMap",
    "ipyproc.errors": (
        "CanceledError CmdStateError DeadlineExceededError DotError "
        "ExecError ExitError JobLostError NoHandleError NotFoundError NotReadyError "
        "PathError ProcessDoneError ProcessNotInitializedError "
        "ProcessReleasedError SyscallError WaitDelayError"
    ),
    "ipyproc.exec": "Cmd command command_context look_path",
    "ipyproc._jobs.job": "Job",
    "ipyproc._jobs.output.capture": "Capture",
    "ipyproc._jobs.output.interleaved": "Chunk",
    "ipyproc._jobs.procinfo.course": "Peak UsagePoint",
    "ipyproc._jobs.procinfo.usage": "Usage",
    "ipyproc._jobs.registry": "Jobs",
    "ipyproc._jobs.checks": "PIPE",
    "ipyproc._jobs.runner": "JobStatus",
    "ipyproc.process": (
        "INTERRUPT KILL Process ProcessStatus find_process start_process"
    ),
    "ipyproc.session": "jobs spawn",
    "ipyproc.state": "ProcessState Rusage WaitStatus",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}

# Public names that are modules themselves.
_SUBMODULES = ("context", "hosts")

__all__ = sorted([*_HOME, *_SUBMODULES])


def __getattr__(name: str) -> object:
    """Import the module that *name* lives in, on its first use."""
    if name in _SUBMODULES:
        return import_module(f"ipyproc.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _make_widget(job: object) -> object:
    """Make the view of a job; jobs run without any, and import none."""
    return import_module("ipyproc.views").JobView(job)


def _make_page(job: object) -> str:
    """Draw what a job printed as a page."""
    page: str = import_module("ipyproc.views.render.html").page(job)
    return page


_jobs.make_widget = _make_widget
_jobs.make_page = _make_page


def load_ipython_extension(ip: object) -> None:
    """Register the magics and the displays (``%load_ext ipyproc``)."""
    import_module("ipyproc.magics").load(ip)


def unload_ipython_extension(ip: object) -> None:
    """Undo what loading did (``%unload_ext ipyproc``)."""
    import_module("ipyproc.magics").unload(ip)
