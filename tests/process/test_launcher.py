"""The launcher: nothing of it is left in the program, whatever goes wrong with it."""

from __future__ import annotations

import os
import sys

import pytest

from ipyproc import PathError, ProcAttr, SysProcAttr, SysProcIDMap, start_process
from ipyproc._sys import posix_spawn
from ipyproc._sys.interpreter import Interpreter
from ipyproc._sys.launcher import client
from tests.process.tools import (
    children,
    descriptors,
    needs_root,
    output_of,
    run_python,
    start_sh,
)

LAUNCHED = SysProcAttr(pdeathsig=9)
NEWUSER, NEWPID, NEWUTS = 0x10000000, 0x20000000, 0x04000000


def test_environment_is_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child does not see what the launcher's Python does to the environment."""
    # The Python that runs this test may have been coerced out of a C locale itself.
    monkeypatch.delenv("LC_CTYPE", raising=False)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    shown = output_of("/usr/bin/env", sys=LAUNCHED)

    assert "LC_CTYPE" not in shown
    assert "PYTHONHOME=/nowhere" in shown


def test_refusal_names_the_stage() -> None:
    """A note says what was refused; the text stays Go's."""
    attr = ProcAttr(dir="/nope", sys=LAUNCHED)
    with pytest.raises(
        PathError, match=r"^fork/exec /bin/true: no such file"
    ) as caught:
        start_process("/bin/true", ["true"], attr)

    assert caught.value.__notes__ == ["refused in the child: chdir"]


def test_interpreter_that_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The running interpreter is found where its name leads nowhere."""
    monkeypatch.setattr(sys, "executable", "/nope/python")

    assert start_sh("exit 4", sys=LAUNCHED).wait().exit_code == 4


def test_interpreter_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter that says nothing is an error, and leaves nothing behind."""
    silent = Interpreter("/bin/true", "true", ())
    monkeypatch.setattr(client, "interpreter", lambda: silent)
    before, others = descriptors(), children()
    with pytest.raises(PathError, match="broken pipe") as caught:
        start_sh("exit 4", sys=LAUNCHED)

    assert "ended without a word" in caught.value.__notes__[0]
    assert children() == others
    assert descriptors() == before


def test_interpreter_that_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the interpreter cannot be started, the error names it."""
    gone = Interpreter("/nope/python", "/nope/python", ())
    monkeypatch.setattr(client, "interpreter", lambda: gone)
    with pytest.raises(PathError) as caught:
        start_sh("exit 4", sys=LAUNCHED)

    assert "start of the launcher, /nope/python" in caught.value.__notes__[0]


def test_user_namespace() -> None:
    """Id maps are written for a child that is our own, with the pid that we know."""
    mappings = [SysProcIDMap(0, os.geteuid(), 1)], [SysProcIDMap(0, os.getegid(), 1)]
    system = SysProcAttr(
        cloneflags=NEWUSER | NEWPID,
        uid_mappings=mappings[0],
        gid_mappings=mappings[1],
    )
    try:
        shown = output_of("echo $$ $(id -u)", sys=system)
    except PermissionError:
        pytest.skip("no user namespaces for us")

    assert shown == "1 0\n"


@needs_root
def test_pid_from_another_pid_namespace() -> None:
    """The pid is the one that the caller sees, also in another pid namespace."""
    code = (
        "import ctypes, os; from ipyproc import *;"
        f"assert ctypes.CDLL(None).unshare({NEWPID}) == 0;"
        "attr = ProcAttr(files=[None, 1, 2], sys=SysProcAttr(pdeathsig=9));"
        "p = start_process('/bin/sh', ['sh', '-c', 'echo $$; exit 3'], attr);"
        "print(p.wait().exit_code, p.pid > 1)"
    )

    assert sorted(run_python(code, "-u").split()) == ["1", "3", "True"]


@needs_root
def test_clone_flags_of_ours_are_no_harm() -> None:
    """CLONE_VM and CLONE_VFORK mean nothing here: Go sets them itself."""
    system = SysProcAttr(cloneflags=NEWUTS | 0x100 | 0x4000)

    assert start_sh("exit 2", sys=system).wait().exit_code == 2


def test_foreground_by_the_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """The launcher does a step that the C library's posix_spawn lacks."""
    monkeypatch.setattr(posix_spawn, "CAN_SET_FOREGROUND", False)
    monkeypatch.setattr(posix_spawn, "CAN_CHANGE_DIRECTORY", False)
    with pytest.raises(PathError, match="inappropriate ioctl for device"):
        start_sh("x", files=[0], sys=SysProcAttr(foreground=True, ctty=0))

    assert output_of("pwd", dir="/usr", sys=None) == "/usr\n"
