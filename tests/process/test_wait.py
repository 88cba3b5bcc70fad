"""Waiting: with a timeout, by many, after a release, for strangers."""

from __future__ import annotations

import math
import os
import selectors
import signal
import threading

import pytest

from ipyproc import (
    NoHandleError,
    ProcAttr,
    ProcessDoneError,
    ProcessReleasedError,
    ProcessState,
    ProcessStatus,
    SyscallError,
    SysProcAttr,
    find_process,
    start_process,
)
from ipyproc._sys import pidfd, waitid
from tests.process.tools import (
    descriptors,
    in_thread,
    start_sh,
    start_sleep,
    wait_until_ended,
)
from tests.threads import SOON, in_threads


def test_timeout_changes_nothing(mode: str) -> None:
    """A wait that timed out can be followed by anything, also by a wait."""
    process = start_sleep()
    for seconds in (0, 0.01, -1):
        with pytest.raises(TimeoutError, match=f"process {process.pid} still runs"):
            process.wait(seconds)
    process.kill()

    assert str(process.wait(SOON)) == "signal: killed"
    assert process.status is ProcessStatus.DONE


def test_usage(mode: str) -> None:
    """The state carries the time and memory that the process took."""
    state = start_sh("i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done").wait()

    assert state.user_time + state.system_time > 0
    assert state.sys_usage.maxrss > 100_000
    assert state.sys_usage.nvcsw + state.sys_usage.nivcsw > 0


def test_concurrent_waits(mode: str) -> None:
    """One gets the state, the others ECHILD."""
    for _ in range(20):
        process = start_sh("exit 3")
        states: list[ProcessState] = []
        refused: list[OSError] = []

        def wait(_: int, p=process, s=states, r=refused) -> None:  # type: ignore[no-untyped-def]
            try:
                s.append(p.wait())
            except ChildProcessError as error:
                r.append(error)

        in_threads(5, wait)
        assert [state.exit_code for state in states] == [3]
        assert len(refused) == 4


def test_signals_race_with_the_reap(mode: str) -> None:
    """A signal reaches the process or is refused; it never reaches a stranger."""
    for _ in range(60):
        process = start_sh("exit 0")
        stop = threading.Event()

        def pester(p=process, s=stop) -> None:  # type: ignore[no-untyped-def]
            while not s.is_set():
                try:
                    p.signal(signal.SIGCONT)
                except ProcessDoneError:
                    return

        thread = threading.Thread(target=pester)
        thread.start()
        process.wait()
        with pytest.raises(ProcessDoneError):
            process.kill()
        stop.set()
        thread.join()


def test_release_while_waiting(mode: str) -> None:
    """A wait that has begun gets the state; a later one is refused."""
    process = start_sleep()
    pid = process.pid
    states: list[ProcessState] = []
    thread = threading.Thread(target=lambda: states.append(process.wait()))
    thread.start()
    while not process._owner._users:
        thread.join(0.001)
    process.release()
    os.kill(pid, signal.SIGKILL)
    thread.join(SOON)

    assert [(state.pid, str(state)) for state in states] == [(pid, "signal: killed")]
    with pytest.raises(SyscallError, match=r"^invalid argument$"):
        process.wait()
    with pytest.raises(ProcessReleasedError):
        process.signal(0)


def test_pidfd_is_closed_with_the_end() -> None:
    """wait and release close the pidfd, at the latest when its borrower is done."""
    before = descriptors()
    process = start_sleep()
    with process.handle() as fd:
        process.kill()
        process.wait()
        os.fstat(fd)
    assert descriptors() == before
    with pytest.raises(ProcessDoneError):
        process.fileno()


def test_fileno_with_selectors(mode: str) -> None:
    """The pidfd is readable once the process ended; in pid mode there is none."""
    process = start_sh("exit 0")
    if mode == "pid":
        with pytest.raises(NoHandleError):
            process.fileno()
        with pytest.raises(NoHandleError), process.handle():
            pass
    else:
        with selectors.DefaultSelector() as selector:
            selector.register(process, selectors.EVENT_READ)
            assert selector.select(SOON)
    assert process.wait().success


def test_strangers(mode: str) -> None:
    """Waiting for a process that is no child gives ECHILD at once."""
    for timeout in (None, 0, SOON):
        with pytest.raises(ChildProcessError):
            find_process(os.getpid()).wait(timeout)
        with pytest.raises(ChildProcessError):
            find_process(os.getppid()).wait(timeout)


def test_reaped_by_another(mode: str) -> None:
    """After other code reaped the child, wait gives ECHILD and nothing is signalled."""
    process = start_sh("exit 1")
    os.waitpid(process.pid, 0)
    with pytest.raises(ChildProcessError, match=r"^waitid: no child processes$"):
        process.wait()
    with pytest.raises(ProcessDoneError):
        process.kill()
    process.release()


@pytest.mark.skipif(not pidfd.works(), reason="there are no pidfds")
def test_a_child_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait without a timeout looks at the child when that has ended, not before."""
    steps: list[str] = []
    theirs, ours = os.pipe()
    attr = ProcAttr(files=[theirs])
    process = start_process("/bin/sh", ["sh", "-c", "read line; exit 3"], attr)
    os.close(theirs)
    reap, readable_within = waitid.Report.reap, waitid.readable_within

    def look(report: waitid.Report) -> bool:
        steps.append("look")
        return reap(report)

    def sleep(fd: int, seconds: float | None) -> bool:
        steps.append("sleep")
        os.close(ours)  # so it ends now, and not before
        return readable_within(fd, seconds)

    monkeypatch.setattr(waitid.Report, "reap", look)
    monkeypatch.setattr(waitid, "readable_within", sleep)

    assert process.wait().exit_code == 3
    assert steps == ["sleep", "look"]


def test_traced_process(mode: str) -> None:
    """Waiting for a process that we trace reports its stop, with a timeout, too."""
    attr = ProcAttr(sys=SysProcAttr(ptrace=True))
    for timeout in (None, SOON):
        process = start_process("/bin/true", ["true"], attr)
        state = process.wait(timeout)
        os.kill(process.pid, signal.SIGKILL)
        os.waitpid(process.pid, 0)

        assert str(state) == "stop signal: trace/breakpoint trap"


def test_wait_from_other_threads(mode: str) -> None:
    """A thread waits as the main thread does."""
    process = start_sh("exit 5")
    wait_until_ended(process.pid)
    codes: list[int] = []
    in_threads(1, lambda _: codes.append(process.wait(SOON).exit_code))

    assert codes == [5]


@pytest.mark.parametrize("seconds", [2.2e6, 1e10, 1e300, math.inf])
def test_any_number_of_seconds(seconds: float, mode: str) -> None:
    """A wait may be as long as a float can say, in every thread."""
    ours, theirs = start_sh("exit 4"), start_sh("exit 5")

    assert in_thread(lambda: theirs.wait(seconds)).exit_code == 5
    assert ours.wait(seconds).exit_code == 4


@pytest.mark.skipif(not pidfd.works(), reason="there are no pidfds")
@pytest.mark.parametrize("seconds", [2.2e6, 1e10, 1e300, math.inf])
def test_poll_for_any_number_of_seconds(seconds: float) -> None:
    """An end is polled for as long as a float can say, though poll(2) cannot."""
    process = start_sh("exit 4")
    wait_until_ended(process.pid)
    with process.handle() as fd:
        assert waitid.readable_within(fd, seconds)

    assert process.wait().exit_code == 4
