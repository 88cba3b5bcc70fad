"""What is done where the kernel or the C library has less to offer."""

from __future__ import annotations

import os
import signal
import sys
from types import ModuleType

import pytest

from ipyproc._process import environment
from ipyproc._sys import inherit, posix_spawn, waitid
from tests.process.tools import output_of, run_python, start_sh, start_sleep


def test_wait4_instead_of_waitid(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the number of waitid is not known, wait4 gives the same."""
    monkeypatch.setattr(waitid, "_WAITID", None)
    process = start_sh("exit 9")
    with pytest.raises(TimeoutError):
        start_sleep_and_wait()
    state = process.wait()

    assert (state.exit_code, state.pid) == (9, process.pid)
    assert state.sys_usage.maxrss > 100_000
    with pytest.raises(ChildProcessError):
        process.wait()


def start_sleep_and_wait() -> None:
    """Wait for what does not end, then end it."""
    process = start_sleep()
    try:
        process.wait(0.01)
    finally:
        process.kill()
        process.wait()


def test_no_closefrom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without closefrom, inheritable descriptors are closed one by one."""
    monkeypatch.setattr(posix_spawn, "_CAN_CLOSE_THE_REST", False)
    inheritable = os.dup(0)
    os.set_inheritable(inheritable, True)
    try:
        seen = output_of("ls /proc/$$/fd").split()
    finally:
        os.close(inheritable)

    assert set(seen) == {"1", "2"}


def test_environment_says_no_to_pidfds() -> None:
    """IPYPROC_PIDFD=0 forces pid mode."""
    code = (
        "import os; os.environ.pop('IPYPROC_PIDFD', None); from ipyproc import *\n"
        "p = start_process('/bin/true', ['true'])\n"
        "try: p.fileno()\n"
        "except NoHandleError: print('none')\n"
        "p.wait()"
    )
    kept = "from ipyproc import *; import os\n" + code

    assert run_python(code, IPYPROC_PIDFD="1") == ""
    assert run_python(
        kept.replace("os.environ.pop", "os.environ.get"), IPYPROC_PIDFD="0"
    )


ELSEWHERE = """
import sys
sys.platform = "darwin"
try:
    import ipyproc.{module}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("module", ["process", "exec", "session"])
def test_other_systems_are_told(module: str) -> None:
    """On any other system than Linux the import says in one line why it fails."""
    said = run_python(ELSEWHERE.format(module=module))

    assert said == "ipyproc runs on Linux only, not on darwin\n"


def test_environment_without_the_private_dictionary(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where Python has no dictionary inside os.environb, a child gets the same."""
    monkeypatch.setenv("SEEN_BY_THE_CHILD", "yes")
    inside = output_of("env | sort")
    monkeypatch.setattr(environment.os, "environb", dict(os.environb))

    assert output_of("env | sort") == inside
    assert "SEEN_BY_THE_CHILD=yes" in inside


def test_ipykernel_without_its_private_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ipykernel that has renamed what is private to it breaks no start."""
    for name in ("ipykernel.iostream", "ipykernel.kernelapp"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))

    assert not inherit.is_cell(sys.stdout)
    assert inherit.default_signals() == posix_spawn.DEFAULT
    assert signal.SIGINT in inherit.changed_by_interpreters()
    assert output_of("echo hello") == "hello\n"
