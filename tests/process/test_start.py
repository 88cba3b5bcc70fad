"""Starting: what a child gets, and what it does not get."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from ipyproc import (
    PathError,
    ProcAttr,
    ProcessDoneError,
    SysProcAttr,
    find_process,
    start_process,
)
from ipyproc._process import start
from ipyproc._sys import pidfd
from tests.process.tools import (
    children,
    descriptors,
    in_thread,
    needs_root,
    output_of,
    run_python,
    start_sh,
    start_sleep,
)
from tests.threads import in_threads

LAUNCHED = SysProcAttr(pdeathsig=9)
BOTH_WAYS = pytest.mark.parametrize(
    "system", [None, LAUNCHED], ids=["fast", "launcher"]
)


@BOTH_WAYS
def test_it_is_our_own_child(system: SysProcAttr | None, mode: str) -> None:
    """No process stands in between: its parent is we, its pid the one we wait for."""
    shown = output_of("echo $PPID $$", sys=system).split()

    assert shown[0] == str(os.getpid())


def test_textbook_example(capfd: pytest.CaptureFixture[str]) -> None:
    """The three standard files of ours become those of the child."""
    attr = ProcAttr(files=[None, sys.__stdout__, sys.__stderr__])
    state = start_process(
        "/bin/sh", ["sh", "-c", "echo out; echo err >&2"], attr
    ).wait()

    assert state.success
    assert capfd.readouterr() == ("out\n", "err\n")


@BOTH_WAYS
def test_nothing_else_is_handed_over(system: SysProcAttr | None) -> None:
    """Descriptors that are not listed are closed, inheritable ones, too."""
    inheritable = os.dup(0)
    os.set_inheritable(inheritable, True)
    try:
        seen = output_of("ls /proc/$$/fd", sys=system).split()
    finally:
        os.close(inheritable)

    assert set(seen) == {"1", "2"}


@BOTH_WAYS
def test_environment(
    system: SysProcAttr | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is our environment of now; a mapping or a list is all there is, in order."""
    monkeypatch.setenv("IPYPROC_TEST", "now")
    show = "/usr/bin/env"
    assert "IPYPROC_TEST=now\n" in output_of(show, sys=system)
    monkeypatch.setenv("IPYPROC_TEST", "then")
    assert "IPYPROC_TEST=then\n" in output_of(show, sys=system)
    monkeypatch.delenv("IPYPROC_TEST")
    assert "IPYPROC_TEST" not in output_of(show, sys=system)
    shown = output_of(
        "cat /proc/$$/environ", sys=system, env={"PATH": "/bin", "B": "ü"}
    )
    assert shown == "PATH=/bin\0B=ü\0"
    shown = output_of("/bin/cat /proc/$$/environ", sys=system, env=["A=1", "A=2", "x"])
    assert shown == "A=1\0A=2\0x\0"


@BOTH_WAYS
def test_signals(system: SysProcAttr | None) -> None:
    """A child ignores the signals that the user ignores, and blocks none."""
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        shown = in_thread(lambda: _masked(system)).split()
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert shown == ["SigBlk:", "0" * 16, "SigIgn:", f"{1 << signal.SIGUSR1 - 1:016x}"]


def _masked(system: SysProcAttr | None) -> str:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
    return output_of("exec grep -E '^Sig(Blk|Ign)' /proc/self/status", sys=system)


def test_many_at_once(mode: str) -> None:
    """Starts from many threads do not mix up their files or their states."""
    others = children()

    def work(index: int) -> None:
        for code in range(index, index + 20):
            assert output_of(f"echo {code}") == f"{code}\n"
            assert start_sh(f"exit {code}").wait().exit_code == code

    in_threads(6, work)
    assert children() == others


@BOTH_WAYS
def test_failing_starts_leave_nothing(system: SysProcAttr | None, mode: str) -> None:
    """A failed start leaves no child and no descriptor."""
    attempts = [
        ("/nope", ProcAttr(sys=system)),
        ("/etc/passwd", ProcAttr(sys=system)),
        ("/bin/true", ProcAttr(sys=system, files=[9999])),
        ("/bin/true", ProcAttr(sys=system, dir="/nope")),
        ("/bin/true", ProcAttr(sys=SysProcAttr(setpgid=True, pgid=-5))),
        ("/bin/true", ProcAttr(sys=SysProcAttr(use_cgroup_fd=True, cgroup_fd=9999))),
    ]
    with pytest.raises(PathError):
        start_process("/nope", ["x"], ProcAttr(sys=system))
    before, others = descriptors(), children()
    for name, attr in attempts:
        with pytest.raises(PathError):
            start_process(name, ["x"], attr)

    assert descriptors() == before
    assert children() == others


def test_no_room_for_a_pidfd() -> None:
    """A child without a free descriptor for its pidfd is reached by its pid."""
    code = (
        "import resource as r, os; from ipyproc import *;"
        "start_process('/bin/true', ['true']).wait();"
        "r.setrlimit(r.RLIMIT_NOFILE, (len(os.listdir('/proc/self/fd')) - 1, 9));"
        "p = start_process('/bin/sleep', ['sleep', '1000']);"
        "r.setrlimit(r.RLIMIT_NOFILE, (9, 9));"
        "p.kill(); print(p.wait())"
    )

    assert run_python(code) == "signal: killed\n"


def test_group_and_session(mode: str) -> None:
    """setsid, setpgid and pgid are what they are in Go."""
    show = "read -r pid a b c pgrp sid rest < /proc/self/stat; echo $pid $pgrp $sid"
    pid, group, session = output_of(show, sys=SysProcAttr(setsid=True)).split()
    assert pid == group == session
    pid, group, session = output_of(show, sys=SysProcAttr(setpgid=True)).split()
    assert (pid == group, session) == (True, str(os.getsid(0)))
    leader = start_process(
        "/bin/sleep", ["sleep", "1000"], ProcAttr(sys=SysProcAttr(setpgid=True))
    )
    try:
        join = SysProcAttr(setpgid=True, pgid=leader.pid)
        assert output_of(show, sys=join).split()[1] == str(leader.pid)
    finally:
        leader.kill()
        leader.wait()


def test_bad_directory_is_named() -> None:
    """Without system attributes a missing directory is what the error is about."""
    with pytest.raises(FileNotFoundError, match=r"^chdir /nope: no such file or dir"):
        start_process("/bin/true", ["true"], ProcAttr(dir="/nope"))
    attr = ProcAttr(dir=Path("/nope"), sys=SysProcAttr())
    with pytest.raises(FileNotFoundError, match=r"^fork/exec /bin/true: no such file"):
        start_process("/bin/true", ["true"], attr)


def test_find_process(mode: str) -> None:
    """Finding never fails; a found process can be signalled, and a child waited for."""
    process = start_sleep()
    found = find_process(process.pid)
    found.signal(0)
    found.kill()

    assert str(found.wait()) == "signal: killed"
    with pytest.raises(ChildProcessError):
        process.wait()
    process.release()


@needs_root
def test_ids_of_others_are_refused_quietly() -> None:
    """Another user's process gives a PermissionError and stays alive."""
    code = (
        "import os; from ipyproc import *; p = find_process(1); os.setuid(65534)\n"
        "try: p.signal(0)\n"
        "except PermissionError as error: print(error)"
    )

    assert run_python(code) == "operation not permitted\n"


def test_number_that_is_a_strangers() -> None:
    """A child that is gone at once gives a done Process, not a stranger's."""
    # Between the start and the opening of the pidfd the kernel may have given the
    # number to another process; here our parent plays that one.
    if not pidfd.works():
        pytest.skip("pid mode cannot tell")
    before = descriptors()
    stranger = start._owner(os.getppid())
    with pytest.raises(ProcessDoneError):
        stranger.signal(0)
    with pytest.raises(ChildProcessError):
        stranger.wait(None)

    assert stranger.status == "done"
    assert descriptors() == before


def test_number_that_is_another_childs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SIGCHLD is ignored a child that started later is another one."""
    if not pidfd.works():
        pytest.skip("pid mode cannot tell")
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    process = start_sleep()
    try:
        assert start._owner(process.pid).status == "ok"
        monkeypatch.setattr(pidfd, "start_time", lambda _: time.monotonic() * 2)
        assert start._owner(process.pid).status == "done"
        assert process.status == "ok"
    finally:
        process.kill()
        with suppress(ChildProcessError):
            process.wait()
        signal.signal(signal.SIGCHLD, before)


def test_gone_children_are_nobody(mode: str) -> None:
    """Where SIGCHLD is ignored, a child that ends at once never signals a stranger."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        for _ in range(200):
            process = start_process("/bin/true", ["true"])
            with suppress(ProcessDoneError):
                process.signal(0)
            with pytest.raises(ChildProcessError):
                process.wait()
            with pytest.raises(ProcessDoneError):
                process.signal(0)
    finally:
        signal.signal(signal.SIGCHLD, before)
