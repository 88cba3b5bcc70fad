"""Errors say what Go says and are what Python expects."""

from __future__ import annotations

import errno
import pickle

import pytest

from ipyproc import errors
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
from ipyproc.state import ProcessState, WaitStatus

FAILED = ProcessState(pid=1, sys=WaitStatus(0x0300))

SAMPLES = [
    (
        PathError("fork/exec", "/nope", errno.ENOENT),
        FileNotFoundError,
        "fork/exec /nope: no such file or directory",
    ),
    (
        PathError(op="chdir", path="/root", errno=errno.EACCES),
        PermissionError,
        "chdir /root: permission denied",
    ),
    (
        SyscallError("wait", errno.ECHILD),
        ChildProcessError,
        "wait: no child processes",
    ),
    (SyscallError(None, errno.EINVAL), OSError, "invalid argument"),
    (SyscallError(None, 4095), OSError, "errno 4095"),
    (ProcessDoneError(), ProcessLookupError, "os: process already finished"),
    (ProcessReleasedError(), OSError, "os: process already released"),
    (ProcessNotInitializedError(), OSError, "os: process not initialized"),
    (NoHandleError(), OSError, "os: process handle unavailable"),
    (NotFoundError(), FileNotFoundError, "executable file not found in $PATH"),
    (
        DotError("./prog"),
        OSError,
        "cannot run executable found relative to current directory",
    ),
    (
        ExecError("nope", NotFoundError()),
        FileNotFoundError,
        'exec: "nope": executable file not found in $PATH',
    ),
    (
        ExecError("a\tb", PathError("stat", "a\tb", errno.EACCES)),
        PermissionError,
        'exec: "a\\tb": stat a\tb: permission denied',
    ),
    (
        ExecError("prog", DotError("./prog")),
        OSError,
        'exec: "prog": cannot run executable found relative to current directory',
    ),
    (ExitError(FAILED, b"oh", b"out"), OSError, "exit status 3"),
    (
        NotReadyError("web: exit status 3 before it was ready", state=FAILED),
        OSError,
        "web: exit status 3 before it was ready",
    ),
    (
        JobLostError("its agent was killed"),
        OSError,
        "the job is lost: its agent was killed",
    ),
    (
        WaitDelayError(),
        TimeoutError,
        "exec: WaitDelay expired before I/O complete",
    ),
    (CanceledError(), OSError, "context canceled"),
    (DeadlineExceededError(), TimeoutError, "context deadline exceeded"),
    (CmdStateError("exec: not started"), RuntimeError, "exec: not started"),
]
IDS = [type(sample[0]).__name__ + str(i) for i, sample in enumerate(SAMPLES)]


@pytest.mark.parametrize(("error", "builtin", "text"), SAMPLES, ids=IDS)
def test_texts_and_classes(
    error: Exception, builtin: type[Exception], text: str
) -> None:
    """Every error has Go's text and is of the class that Python users catch."""
    assert str(error) == text
    assert isinstance(error, builtin)
    assert isinstance(error, OSError | CmdStateError)


@pytest.mark.parametrize("error", [sample[0] for sample in SAMPLES], ids=IDS)
def test_pickle(error: Exception) -> None:
    """An error crosses to another process whole."""
    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is type(error)
    assert str(copy) == str(error)
    public = {k for k in vars(error) if not k.startswith("_")}
    assert {k: str(vars(copy)[k]) for k in public} == {
        k: str(vars(error)[k]) for k in public
    }


def test_every_error_is_sampled() -> None:
    """No public error escapes the tables above."""
    sampled = {type(error).__name__ for error, _, _ in SAMPLES}

    assert sampled == set(errors.__all__)


def test_attributes() -> None:
    """An error has what it is about as attributes."""
    path = PathError("fork/exec", "/nope", errno.ENOENT)
    looked_up = ExecError("x", DotError("./x"))
    exited = ExitError(FAILED, b"oh")

    assert (path.op, path.path, path.errno) == ("fork/exec", "/nope", errno.ENOENT)
    assert path.filename == "/nope"
    assert (looked_up.name, looked_up.path) == ("x", "./x")
    assert ExecError("x", NotFoundError()).path is None
    assert (exited.state, exited.stderr, exited.output) == (FAILED, b"oh", None)
    assert SyscallError("wait", errno.ECHILD).syscall == "wait"


def test_equal_errors_are_of_one_type() -> None:
    """The class that mixes in a builtin is made once and keeps its public name."""
    one, other = (PathError("open", str(i), errno.ENOENT) for i in range(2))

    assert type(one) is type(other)
    assert repr(one).startswith("PathError(")


@pytest.mark.parametrize("wrong", ["2", None, 2.0])
def test_errno_must_be_a_number(wrong: object) -> None:
    """Something that is no errno is refused where it is given."""
    with pytest.raises(TypeError, match="errno must be an int"):
        SyscallError("wait", wrong)  # type: ignore[arg-type]


def test_user_errors_can_be_wrapped() -> None:
    """ExecError takes an error that is not the kernel's."""
    error = ExecError("x", ValueError("mine"))

    assert (str(error), error.errno) == ('exec: "x": mine', None)
