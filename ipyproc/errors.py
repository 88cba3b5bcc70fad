"""Every error that ipyproc raises.

What the kernel or the process model refuses is an ``OSError``. ``str(error)`` is Go's
text, and the class also derives from the builtin class that Python uses for the errno,
so that ``except FileNotFoundError`` and ``except PathError`` both work::

    OSError
    ├── PathError(op, path, errno)          also FileNotFoundError, PermissionError, ...
    ├── SyscallError(syscall, errno)        also ChildProcessError, ...
    ├── ProcessDoneError                    a ProcessLookupError
    ├── ProcessReleasedError
    ├── ProcessNotInitializedError
    ├── NoHandleError
    ├── ExecError(name, err)                also the builtin class of err
    ├── NotFoundError                       a FileNotFoundError
    ├── DotError(path)
    ├── ExitError(state, stderr)
    ├── NotReadyError(text, job, state)
    ├── JobLostError(reason)
    ├── WaitDelayError                      a TimeoutError
    ├── CanceledError
    └── DeadlineExceededError               a TimeoutError
    RuntimeError
    └── CmdStateError(text)

>>> from ipyproc import start_process
>>> try:
...     start_process("/nope", ["nope"])
... except FileNotFoundError as error:
...     print(error)
fork/exec /nope: no such file or directory
"""

from __future__ import annotations

import errno
from typing import Self, TypeVar

from ipyproc._text import errno_text, quote
from ipyproc.state import ProcessState

__all__ = [
    "CanceledError",
    "CmdStateError",
    "DeadlineExceededError",
    "DotError",
    "ExecError",
    "ExitError",
    "JobLostError",
    "NoHandleError",
    "NotFoundError",
    "NotReadyError",
    "PathError",
    "ProcessDoneError",
    "ProcessNotInitializedError",
    "ProcessReleasedError",
    "SyscallError",
    "WaitDelayError",
]


class _KernelError(OSError):
    """An errno with Go's text; an instance is also of Python's class for the errno."""

    def __new__(cls, *args: object, **named: object) -> Self:
        """Mix in the builtin class of the errno, the last argument."""
        number = named["errno"] if "errno" in named else args[-1]
        if not isinstance(number, int):
            raise TypeError(f"errno must be an int, not {type(number).__name__}")
        mixed = _with_builtin(cls, type(OSError(number, "")))
        return super().__new__(mixed, number, errno_text(number))

    def __str__(self) -> str:
        return self.strerror or ""


class PathError(_KernelError):
    """The kernel refused an operation on a path (Go: ``fs.PathError``).

    *op* is the operation, such as ``fork/exec``, *path* its object, *errno* the
    kernel's number of the reason.

    >>> isinstance(PathError("fork/exec", "/nope", errno.ENOENT), FileNotFoundError)
    True
    """

    def __init__(self, op: str, path: str, errno: int) -> None:
        super().__init__()
        self.op = op
        self.path = path
        self.filename = path

    def __str__(self) -> str:
        return f"{self.op} {self.path}: {self.strerror}"

    def __reduce__(self) -> tuple[object, ...]:
        return PathError, (self.op, self.path, self.errno)


class SyscallError(_KernelError):
    """The kernel refused a system call (Go: ``os.SyscallError``).

    *syscall* is its name, or ``None`` where Go returns the bare errno; *errno* is the
    kernel's number of the reason.
    """

    def __init__(self, syscall: str | None, errno: int) -> None:
        super().__init__()
        self.syscall = syscall

    def __str__(self) -> str:
        return f"{self.syscall}: {self.strerror}" if self.syscall else super().__str__()

    def __reduce__(self) -> tuple[object, ...]:
        return SyscallError, (self.syscall, self.errno)


class ProcessDoneError(ProcessLookupError):
    """The process has ended; its pid may be another's (Go: ``os.ErrProcessDone``)."""

    def __init__(self) -> None:
        super().__init__(errno.ESRCH, "os: process already finished")

    def __str__(self) -> str:
        return self.strerror or ""

    def __reduce__(self) -> tuple[object, ...]:
        return ProcessDoneError, ()


class _Sentinel(OSError):
    """An error with a fixed text and no arguments."""

    _text = ""

    def __init__(self) -> None:
        super().__init__(self._text)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), ()


class ProcessReleasedError(_Sentinel):
    """The ``Process`` was released and can no longer be used."""

    _text = "os: process already released"


class ProcessNotInitializedError(_Sentinel):
    """The ``Process`` has pid 0 and is no process."""

    _text = "os: process not initialized"


class NoHandleError(_Sentinel):
    """The ``Process`` has no handle (Go: ``os.ErrNoHandle``)."""

    _text = "os: process handle unavailable"


class NotFoundError(FileNotFoundError):
    """The search path has no such executable (Go: ``exec.ErrNotFound``)."""

    def __init__(self) -> None:
        super().__init__(errno.ENOENT, "executable file not found in $PATH")

    def __str__(self) -> str:
        return self.strerror or ""

    def __reduce__(self) -> tuple[object, ...]:
        return NotFoundError, ()


class DotError(OSError):
    """A look-up found a program in the current directory only (Go: ``exec.ErrDot``).

    *path* is the relative path that was found and refused.
    """

    def __init__(self, path: str = "") -> None:
        super().__init__("cannot run executable found relative to current directory")
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return DotError, (self.path,)


class ExecError(OSError):
    """A program could not be found or run under its name (Go: ``exec.Error``).

    *name* is the name that was asked for. *err* is the reason: ``NotFoundError``,
    ``DotError``, ``PathError``, ...; its builtin class is this error's, too.
    """

    def __new__(cls, name: str, err: BaseException) -> Self:
        """Mix in the builtin class of the errno of *err*."""
        number = getattr(err, "errno", None)
        builtin = type(OSError(number, "")) if number is not None else OSError
        return super().__new__(_with_builtin(cls, builtin), number, str(err))

    def __init__(self, name: str, err: BaseException) -> None:
        super().__init__()
        self.name = name
        self.err = err

    def __str__(self) -> str:
        return f"exec: {quote(self.name)}: {self.err}"

    def __reduce__(self) -> tuple[object, ...]:
        return ExecError, (self.name, self.err)

    @property
    def path(self) -> str | None:
        """The path that the look-up found and refused; ``None`` if it found nothing."""
        return self.err.path if isinstance(self.err, DotError) else None


class ExitError(OSError):
    """A command ran and did not exit with code 0 (Go: ``exec.ExitError``).

    *state* is its ``ProcessState``. *stderr* is the first and the last 32 KiB of its
    standard error, if ``Cmd.output`` captured that. *output* is what it wrote before it
    failed, or ``None`` if that was not captured.
    """

    def __init__(
        self, state: ProcessState, stderr: bytes = b"", output: bytes | None = None
    ) -> None:
        super().__init__(str(state))
        self.state = state
        self.stderr = stderr
        self.output = output

    def __reduce__(self) -> tuple[object, ...]:
        return ExitError, (self.state, self.stderr, self.output)

    @property
    def exit_code(self) -> int:
        """The exit code of *state*, or -1 unless the process exited.

        Go: ``ProcessState.ExitCode``, which Go's ``ExitError`` has, too.
        """
        return self.state.exit_code


class NotReadyError(OSError):
    """A job ended before it was ready for what somebody waited for.

    The *text* says how it ended, and what it printed last. *job* is the job, and
    *state* its ``ProcessState``, or ``None`` if nobody knows how it ended. A copy of
    the error in another process has no job.
    """

    def __init__(
        self, text: str, job: object = None, state: ProcessState | None = None
    ) -> None:
        super().__init__(text)
        self.job = job
        self.state = state

    def __reduce__(self) -> tuple[object, ...]:
        return NotReadyError, (str(self), None, self.state)


class JobLostError(OSError):
    """Nobody will learn how a job on another machine ended.

    That is final. *reason* says why: its agent was killed, for one, and the job was
    ended with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the job is lost: {reason}")
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        return JobLostError, (self.reason,)


class WaitDelayError(_Sentinel, TimeoutError):
    """The process ended, but its pipes stayed open (Go: ``exec.ErrWaitDelay``).

    *output* is what it wrote until then, if ``Cmd.output`` captured it.
    """

    output: bytes | None = None
    _text = "exec: WaitDelay expired before I/O complete"


class CanceledError(_Sentinel):
    """The context was cancelled (Go: ``context.Canceled``).

    *output* is what the command wrote until then, if ``Cmd.output`` captured it.
    """

    output: bytes | None = None
    _text = "context canceled"


class DeadlineExceededError(_Sentinel, TimeoutError):
    """The context's deadline passed (Go: ``context.DeadlineExceeded``).

    *output* is what the command wrote until then, if ``Cmd.output`` captured it.
    """

    output: bytes | None = None
    _text = "context deadline exceeded"


class CmdStateError(RuntimeError):
    """A ``Cmd`` method was called at the wrong time; the text is Go's."""


_Error = TypeVar("_Error", bound=OSError)


_mixed: dict[tuple[type, type], type] = {}


def _with_builtin(cls: type[_Error], builtin: type[OSError]) -> type[_Error]:
    """Return the class that is both *cls* and *builtin*, under the name of *cls*.

    Each is made once, so that equal errors are of one type.
    """
    if issubclass(cls, builtin):
        return cls
    if (cls, builtin) not in _mixed:
        namespace = {"__module__": cls.__module__, "__doc__": cls.__doc__}
        mixed = type(cls.__name__, (cls, builtin), namespace)
        _mixed.setdefault((cls, builtin), mixed)
    return _mixed[cls, builtin]
