"""A wait status, taken apart as Go does; usage and state are plain values."""

from __future__ import annotations

import os
import signal
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyproc.state import ProcessState, Rusage, WaitStatus

TRAP = signal.SIGTRAP << 8 | 0x7F

STATUSES = [
    (0x0000, "exit status 0"),
    (0x0300, "exit status 3"),
    (0xFF00, "exit status 255"),
    (0x0009, "signal: killed"),
    (0x008B, "signal: segmentation fault (core dumped)"),
    (0x0022, "signal: signal 34"),
    (0x137F, "stop signal: stopped (signal)"),
    (TRAP, "stop signal: trace/breakpoint trap"),
    (TRAP | 4 << 16, "stop signal: trace/breakpoint trap (trap 4)"),
    (0xFFFF, "continued"),
]


@pytest.mark.parametrize(("status", "text"), STATUSES)
def test_text(status: int, text: str) -> None:
    """A state prints as Go prints it."""
    assert str(ProcessState(pid=1, sys=WaitStatus(status))) == text


def test_exited() -> None:
    """An exit has a code and no signal."""
    status = WaitStatus(0x0300)

    assert (status.exited, status.exit_status) == (True, 3)
    assert (status.signaled, status.stopped, status.continued) == (False,) * 3
    assert (status.signal, status.stop_signal, status.trap_cause) == (-1, -1, -1)
    assert not status.core_dump


def test_signaled() -> None:
    """A death by signal has its number, perhaps a core dump, and no exit code."""
    status = WaitStatus(signal.SIGSEGV | 0x80)

    assert (status.signaled, status.signal) == (True, signal.SIGSEGV)
    assert status.core_dump
    assert (status.exited, status.exit_status) == (False, -1)


def test_stopped() -> None:
    """A stop is no end; only a stop by SIGTRAP has a cause."""
    status = WaitStatus(signal.SIGTSTP << 8 | 0x7F)

    assert (status.stopped, status.stop_signal) == (True, signal.SIGTSTP)
    assert (status.exited, status.signaled) == (False, False)
    assert status.trap_cause == -1
    assert WaitStatus(TRAP | 4 << 16).trap_cause == 4


@given(st.integers(0, 0xFFFF))
def test_agrees_with_the_c_library(raw: int) -> None:
    """Where the C library has a word for a status, it is ours, too."""
    status = WaitStatus(raw)

    assert status.exited == os.WIFEXITED(raw)
    if os.WIFEXITED(raw):
        assert status.exit_status == os.WEXITSTATUS(raw)
    if os.WIFSTOPPED(raw):
        assert status.stop_signal == os.WSTOPSIG(raw)
    if os.WIFSIGNALED(raw):
        assert (status.signal, status.core_dump) == (
            os.WTERMSIG(raw),
            os.WCOREDUMP(raw),
        )


@given(st.integers(-(2**31), 2**32 - 1))
def test_a_status_is_of_one_kind_at_most(raw: int) -> None:
    """No status is an exit and a death and a stop at once."""
    status = WaitStatus(raw)
    kinds = (status.exited, status.signaled, status.stopped, status.continued)

    assert sum(kinds) <= 1
    assert 0 <= status < 2**32


def test_state_properties() -> None:
    """A state answers for its status word and its usage."""
    usage = Rusage(utime=1.5, stime=0.25, maxrss=4096)
    state = ProcessState(pid=7, sys=WaitStatus(0), sys_usage=usage)

    assert (state.pid, state.exited, state.success, state.exit_code) == (
        7,
        True,
        True,
        0,
    )
    assert (state.user_time, state.system_time) == (1.5, 0.25)


def test_a_signal_is_no_success_and_has_no_code() -> None:
    """exit_code is -1 unless the process exited, whatever the signal was."""
    state = ProcessState(pid=7, sys=WaitStatus(signal.SIGKILL))

    assert (state.success, state.exited, state.exit_code) == (False, False, -1)


def test_plain_int_becomes_a_status() -> None:
    """A state may be made from the bare number, too."""
    state = ProcessState(pid=7, sys=0x0300)  # type: ignore[arg-type]

    assert state == ProcessState(pid=7, sys=WaitStatus(0x0300))
    assert state.sys.exit_status == 3


def test_frozen_and_comparable() -> None:
    """States are values: equal by content, hashable, never changed."""
    state = ProcessState(pid=7, sys=WaitStatus(0))

    assert {state, ProcessState(pid=7)} == {state}
    with pytest.raises(FrozenInstanceError):
        state.pid = 8  # type: ignore[misc]


def test_repr() -> None:
    """A status shows its bits, a state all that it holds."""
    assert repr(WaitStatus(0x0300)) == "WaitStatus(0x0300)"
    assert "sys=WaitStatus(0x0300)" in repr(ProcessState(pid=7, sys=WaitStatus(0x0300)))
