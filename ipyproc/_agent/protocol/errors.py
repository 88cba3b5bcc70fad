"""Errors on their way: the class, the operation, the path and the errno."""

from __future__ import annotations

from typing import Final

from ipyproc._agent.protocol.frames import Body, Fields
from ipyproc.errors import (
    DotError,
    ExecError,
    JobLostError,
    NoHandleError,
    NotFoundError,
    PathError,
    ProcessDoneError,
    ProcessNotInitializedError,
    ProcessReleasedError,
    SyscallError,
)

# Those that have a fixed text.
_PLAIN: Final = {
    cls.__name__: cls
    for cls in (
        NoHandleError,
        NotFoundError,
        ProcessDoneError,
        ProcessNotInitializedError,
        ProcessReleasedError,
    )
}
_BUILTIN: Final = {
    cls.__name__: cls
    for cls in (BrokenPipeError, RuntimeError, TimeoutError, TypeError, ValueError)
}


def body_of(error: BaseException) -> Body:
    """Return what travels of *error*."""
    name = type(error).__name__
    match error:
        case PathError():
            rest: Body = {"op": error.op, "path": error.path}
        case SyscallError():
            rest = {"syscall": error.syscall}
        case ExecError():
            rest = {"name": error.name, "err": body_of(error.err)}
        case DotError():
            rest = {"path": error.path}
        case JobLostError():
            return {"class": "lost", "text": error.reason}
        case OSError() if name not in _PLAIN and name not in _BUILTIN:
            name, rest = "OSError", {}
        case _:
            rest = {}
    number = getattr(error, "errno", None)
    text = getattr(error, "strerror", None) or str(error)
    return {"class": name, "errno": number, "text": text, **rest}


def error_of(fields: Fields) -> Exception:
    """Make the same error here."""
    name = fields.text("class")
    number = fields.number("errno", 0, most=1 << 31) if fields.body.get("errno") else 0
    text = fields.text("text", "")
    if name in _PLAIN:
        return _PLAIN[name]()
    match name:
        case "PathError":
            return PathError(fields.text("op"), fields.text("path"), number)
        case "SyscallError":
            return SyscallError(fields.optional("syscall"), number)
        case "ExecError":
            return ExecError(fields.text("name"), error_of(fields.fields("err")))
        case "DotError":
            return DotError(fields.text("path"))
        case "lost":
            return JobLostError(text)
    if name in _BUILTIN and not number:
        return _BUILTIN[name](text)
    return OSError(number, text) if number else OSError(text)
