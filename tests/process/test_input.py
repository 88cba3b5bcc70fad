"""Bad input: Go's error, or one that names the argument; never a wrong signal."""

from __future__ import annotations

import io
import os
import socket
from typing import Any

import pytest

from ipyproc import (
    Credential,
    NoHandleError,
    PathError,
    ProcAttr,
    Process,
    ProcessDoneError,
    ProcessNotInitializedError,
    ProcessReleasedError,
    SyscallError,
    SysProcAttr,
    SysProcIDMap,
    find_process,
    start_process,
)
from tests.process.tools import start_sleep


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ((None, ["x"]), TypeError, "name: expected str"),
        (("/bin/true", "true"), TypeError, "argv: expected a sequence"),
        (("/bin/true", [1]), TypeError, "argv: expected str"),
        (("/bin/true", []), ValueError, "argv: empty"),
        (("/bin/true", None), ValueError, "argv: empty"),
        (("/bin/tr\0ue", ["x"]), ValueError, "name: NUL"),
        (("/bin/true", ["a\0"]), ValueError, "argv: NUL"),
        (("/bin/true", ["x"], {}), TypeError, "attr: expected a ProcAttr"),
    ],
)
def test_arguments(arguments: Any, kind: type[Exception], text: str) -> None:
    """The error says which argument is wrong and what was expected."""
    with pytest.raises(kind, match=text):
        start_process(*arguments)


@pytest.mark.parametrize(
    ("attributes", "kind", "text"),
    [
        ({"env": "A=1"}, TypeError, "env: expected a sequence"),
        ({"env": [1]}, TypeError, "env: expected str"),
        ({"env": ["A=\0"]}, ValueError, "env: NUL"),
        ({"env": {"A=": "1"}}, ValueError, "env: 'A='"),
        ({"env": {"": "1"}}, ValueError, "env: ''"),
        ({"dir": 3}, TypeError, "dir: expected str"),
        ({"files": 3}, TypeError, "files: expected a sequence"),
        ({"files": ["x"]}, TypeError, r"files\[0\]: expected a file"),
        ({"files": [None, -5]}, ValueError, r"files\[1\]: -5"),
        ({"files": [io.BytesIO()]}, ValueError, r"files\[0\]: BytesIO has no desc"),
        ({"sys": {}}, TypeError, "sys: expected a SysProcAttr"),
        ({"sys": SysProcAttr(pgid="x")}, TypeError, "pgid: expected an int"),
        ({"sys": SysProcAttr(credential=5)}, TypeError, "credential: expected"),
        ({"sys": SysProcAttr(credential=Credential(-1, 0))}, ValueError, "uid: -1"),
        ({"sys": SysProcAttr(credential=Credential(0, 2**32))}, ValueError, "gid"),
        ({"sys": SysProcAttr(ambient_caps=["x"])}, TypeError, "ambient_caps"),
        ({"sys": SysProcAttr(uid_mappings=[(0, 0, 1)])}, TypeError, "uid_mappings"),
    ],
)
def test_attributes(attributes: Any, kind: type[Exception], text: str) -> None:
    """The error says which attribute is wrong and what was expected."""
    with pytest.raises(kind, match=text):
        start_process("/bin/true", ["true"], ProcAttr(**attributes))


@pytest.mark.parametrize(
    ("system", "text"),
    [
        (
            SysProcAttr(setctty=True, foreground=True),
            "both Setctty and Foreground set in SysProcAttr",
        ),
        (SysProcAttr(setctty=True, ctty=3), "Setctty set but Ctty not valid in child"),
        (SysProcAttr(uid_mappings=[SysProcIDMap(0, 0, 1)]), "invalid argument"),
        (SysProcAttr(gid_mappings=[]), "invalid argument"),
        (SysProcAttr(chroot="/\0"), "invalid argument"),
    ],
)
def test_combinations(system: SysProcAttr, text: str) -> None:
    """Attributes that make no sense, or on which Go hangs, give Go's words."""
    with pytest.raises(PathError) as caught:
        start_process("/bin/true", ["true"], ProcAttr(files=[None] * 3, sys=system))

    assert str(caught.value) == f"fork/exec /bin/true: {text}"


def test_foreign_descriptor() -> None:
    """A descriptor that is not open is the kernel's EBADF."""
    with pytest.raises(PathError, match="bad file descriptor"):
        start_process("/bin/true", ["true"], ProcAttr(files=[9999]))


def test_closed_files_are_closed() -> None:
    """A file or socket that was closed stands for a closed descriptor."""
    with open(os.devnull) as file, socket.socket() as connection:
        pass
    attr = ProcAttr(files=[file, connection, None])

    assert start_process("/bin/true", ["true"], attr).wait().success


@pytest.mark.parametrize("number", [65, -1, 1000, 2**31, 2**32 + 9, 2**40])
def test_bad_signal_number(number: int, mode: str) -> None:
    """A number that is no signal is EINVAL, and nobody gets one."""
    process = start_sleep()
    try:
        with pytest.raises(SyscallError, match=r"^invalid argument$"):
            process.signal(number)
    finally:
        process.kill()
        process.wait()


def test_no_number_at_all(mode: str) -> None:
    """A signal that is no number is a TypeError in every state of the process."""
    process = start_sleep()
    for step in (lambda: None, process.kill, process.wait, process.release):
        step()
        with pytest.raises(TypeError, match="sig: expected an int"):
            process.signal("TERM")  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [Process, find_process])
def test_absurd_pids(make: Any, mode: str) -> None:
    """Any number makes a Process; none of its methods reaches another process."""
    with pytest.raises(TypeError):
        make("1")
    with pytest.raises(ProcessNotInitializedError):
        make(0).signal(0)
    with pytest.raises(ProcessReleasedError):
        make(-1).kill()
    for pid in (2**31, 2**32 + os.getpid(), -(2**31), 2**80, 2**22 + 1):
        with pytest.raises(ProcessDoneError):
            make(pid).signal(0)
        with pytest.raises(OSError, match=r"^waitid: "):
            make(pid).wait()
        with pytest.raises(NoHandleError):
            make(pid).fileno()


def test_bad_timeout() -> None:
    """A timeout is a number of seconds."""
    process = start_sleep()
    try:
        with pytest.raises(ValueError, match="timeout"):
            process.wait(float("nan"))
        with pytest.raises(TypeError):
            process.wait("1")  # type: ignore[arg-type]
        with pytest.raises(TimeoutError):
            process.wait(-1)
    finally:
        process.kill()
        process.wait(float("inf"))
