"""Results as JSON: errors, process states and output, in the words of Go's driver."""

from __future__ import annotations

import base64
import errno
import hashlib
import re
from contextlib import suppress
from typing import Any, TypeGuard

from ipyproc import (
    CanceledError,
    DeadlineExceededError,
    DotError,
    ExecError,
    ExitError,
    NoHandleError,
    NotFoundError,
    PathError,
    ProcessDoneError,
    ProcessState,
    SyscallError,
    WaitDelayError,
    WaitStatus,
)

Json = dict[str, Any]

_SHOWN_WHOLE = 4096
_SENTINELS: dict[type[BaseException], str] = {
    ProcessDoneError: "os.ErrProcessDone",
    NoHandleError: "os.ErrNoHandle",
    DotError: "exec.ErrDot",
    NotFoundError: "exec.ErrNotFound",
    WaitDelayError: "exec.ErrWaitDelay",
    CanceledError: "context.Canceled",
    DeadlineExceededError: "context.DeadlineExceeded",
}
#: Python's classes for what Go asks with errors.Is(err, fs.ErrNotExist) and so on.
KINDS_OF_ERRNO: dict[type[OSError], str] = {
    FileNotFoundError: "fs.ErrNotExist",
    PermissionError: "fs.ErrPermission",
    FileExistsError: "fs.ErrExist",
}


class UserError(Exception):
    """An error of the driver's own, where Go's driver has its userError."""


class Texts:
    """Puts what differs from run to run back to the placeholder it came from."""

    def __init__(
        self, directory: str, terminal: str | None, cgroups: dict[str, str]
    ) -> None:
        self._names = {directory: "{T}"}
        self._names |= {own: name for name, own in cgroups.items()}
        if terminal:
            self._names[terminal] = "{PTS}"

    def text(self, value: object) -> str:
        """Return *value* as text, with placeholders; odd bytes are lost."""
        shown = re.sub("[\udc80-\udcff]", "\N{REPLACEMENT CHARACTER}", str(value))
        for name, placeholder in self._names.items():
            shown = shown.replace(name, placeholder)
        return shown

    def data(self, raw: bytes) -> Json:
        """Describe output: whole if it is short, else by its hash and its ends."""
        for name, placeholder in self._names.items():
            raw = raw.replace(name.encode(), placeholder.encode())
        if len(raw) > _SHOWN_WHOLE:
            return {
                "len": len(raw),
                "sha256": hashlib.sha256(raw).hexdigest(),
                "head_b64": _base64(raw[:64]),
                "tail_b64": _base64(raw[-64:]),
            }
        shown: Json = {"len": len(raw), "b64": _base64(raw)}
        with suppress(UnicodeDecodeError):
            shown["text"] = raw.decode()
        return shown

    def error(self, error: BaseException | None) -> Json | None:
        """Describe an error: its text, its Go type, what it is and what it wraps."""
        if error is None:
            return None
        shown: Json = {
            "str": self.text(error),
            "type": _type(error),
            "is": sorted(_names(error) - _own_name(error)),
            **self._details(error),
        }
        wrapped = self._wrapped(error)
        if wrapped is not None:
            shown["wraps"] = wrapped
        return shown

    def set(self, result: Json, error: BaseException | None) -> Json:
        """Note in *result* whether an operation succeeded."""
        result["ok"] = error is None
        if error is not None:
            result["err"] = self.error(error)
        return result

    def _details(self, error: BaseException) -> Json:
        if isinstance(error, PathError):
            return {"op": error.op, "path": self.text(error.path)}
        if isinstance(error, SyscallError):
            if error.syscall is None:
                return {"errno": errno_name(error.errno), "num": error.errno}
            return {"syscall": error.syscall}
        if isinstance(error, ExecError):
            return {"name": self.name(error.name)}
        if isinstance(error, ExitError):
            return {"stderr": self.data(error.stderr)}
        return {}

    def name(self, name: str) -> str:
        """Return a name, in base64 if its bytes are no UTF-8."""
        try:
            name.encode()
        except UnicodeEncodeError:
            return "b64:" + _base64(name.encode("utf-8", "surrogateescape"))
        return self.text(name)

    def _wrapped(self, error: BaseException) -> Json | None:
        if isinstance(error, ExecError):
            return self.error(error.err)
        if isinstance(error, PathError | SyscallError) and _type(error) != "Errno":
            return self._cause(error)
        return self.error(error.__cause__)

    def _cause(self, error: PathError | SyscallError) -> Json | None:
        bare = SyscallError(None, error.errno)
        if error.strerror == bare.strerror:
            return self.error(bare)
        return {"str": error.strerror, "type": "error", "is": []}


def state(state: ProcessState | None, pid: int) -> Json | None:
    """Describe the end of the process that had the id *pid*."""
    if state is None:
        return None
    return {
        **wait_status(state.sys),
        **summary(state),
        "pid_ok": state.pid == pid,
        "rusage": state.sys_usage is not None,
        "times_ok": 0 <= state.user_time == state.sys_usage.utime
        and 0 <= state.system_time == state.sys_usage.stime,
    }


def summary(state: ProcessState) -> Json:
    """Describe what follows from the status of *state* alone."""
    return {
        "string": str(state),
        "exit_code": state.exit_code,
        "exited": state.exited,
        "success": state.success,
    }


def wait_status(status: WaitStatus) -> Json:
    """Take a wait status apart."""
    return {
        "sys": int(status),
        "ws_exited": status.exited,
        "ws_exit_status": status.exit_status,
        "ws_signaled": status.signaled,
        "ws_signal": status.signal,
        "ws_core_dump": status.core_dump,
        "ws_stopped": status.stopped,
        "ws_stop_signal": status.stop_signal,
        "ws_continued": status.continued,
        "ws_trap_cause": status.trap_cause,
    }


def errno_name(number: int) -> str:
    """Return the name that Go's driver has for an error number."""
    if number == errno.EAGAIN:
        return "EAGAIN"
    return errno.errorcode.get(number, f"E{number}")


def _type(error: BaseException) -> str:
    if isinstance(error, UserError):
        return "user"
    for kind, name in _SENTINELS.items():
        if type(error) is kind:
            return name
    if isinstance(error, PathError):
        return "PathError"
    if isinstance(error, SyscallError):
        return "Errno" if _is_errno(error) else "SyscallError"
    if isinstance(error, ExecError):
        return "exec.Error"
    if isinstance(error, ExitError):
        return "exec.ExitError"
    return "exec.wrappedError" if _wraps_text(error) else "error"


def _is_errno(error: BaseException) -> TypeGuard[SyscallError]:
    return isinstance(error, SyscallError) and error.syscall is None


def _wraps_text(error: BaseException) -> bool:
    return error.__cause__ is not None and str(error).endswith(f": {error.__cause__}")


def _names(error: BaseException | None) -> set[str]:
    """Return the names of what *error*, or what it wraps, is."""
    if error is None:
        return set()
    if type(error) in _SENTINELS:
        return {_SENTINELS[type(error)]}
    if isinstance(error, ExecError):
        return _names(error.err)
    if isinstance(error, PathError | SyscallError):
        return _names_of_errno(error)
    return _names(error.__cause__)


def _names_of_errno(error: PathError | SyscallError) -> set[str]:
    bare = SyscallError(None, error.errno)
    if error.strerror != bare.strerror:
        return set()
    names = {name for kind, name in KINDS_OF_ERRNO.items() if isinstance(error, kind)}
    return names | {f"syscall.{errno_name(error.errno)}"}


def _own_name(error: BaseException) -> set[str]:
    """Return what an Errno is called by itself, which Go's driver does not repeat."""
    return {f"syscall.{errno_name(error.errno)}"} if _is_errno(error) else set()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
