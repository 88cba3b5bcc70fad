"""Ctrl-C while a process is started, or waited for: nothing is lost, nothing left."""

from __future__ import annotations

import gc
import os
import random
import threading
from collections.abc import Callable

import pytest

from ipyproc import ProcAttr, Process, ProcessState, SysProcAttr, start_process
from ipyproc._process.threads import Event, begin
from tests.process.interrupts import (
    MANY,
    deaf_interrupt,
    instants,
    interrupt_at,
    interrupted_after,
)
from tests.process.tools import (
    children,
    descriptors,
    start_sh,
    start_sleep,
    wait_until_ended,
)
from tests.threads import SOON

MOMENTS = 240


def interrupted(work: Callable[[], object], number: int) -> bool | None:
    """Do the work; say whether it was interrupted, None if it has fewer instants."""
    with interrupt_at(number) as interrupts:
        try:
            work()
        except KeyboardInterrupt:
            return True
    return None if interrupts.left > 0 else False


def test_wait_at_every_instant(mode: str) -> None:
    """Wherever wait is interrupted, the next one gives the state."""
    for number in instants():
        process = start_sh("exit 7")
        wait_until_ended(process.pid)
        states: list[ProcessState] = []
        again = interrupted(lambda p=process, s=states: s.append(p.wait()), number)
        if not states:
            assert again
            states.append(process.wait())

        assert str(states[0]) == "exit status 7"
        with pytest.raises(ChildProcessError):
            process.wait()
        if again is None and number < MANY:
            break

    assert number > 10


@pytest.mark.slow
# An interrupt that comes in a destructor is lost, as Python tells.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_wait_at_random_moments(mode: str) -> None:
    """Real signals at any moment around the end lose neither state nor handle."""
    chance = random.Random(3)
    times = 0
    while times < MOMENTS:
        process, state = start_sh("exit 7"), None
        try:
            with interrupted_after(chance.uniform(0, 0.002)):
                state = process.wait()
        except KeyboardInterrupt:
            times += 1
        if state is None:
            state = process.wait()

        assert (state.exit_code, state.pid) == (7, process.pid)


@pytest.mark.slow
# An interrupt that comes in a destructor is lost, as Python tells.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_wait_with_timeout_at_random_moments(mode: str) -> None:
    """The same is true of a wait with a timeout."""
    chance = random.Random(4)
    times = 0
    while times < MOMENTS / 2:
        process, state = start_sh("exit 7"), None
        try:
            with interrupted_after(chance.uniform(0, 0.002)):
                state = process.wait(SOON)
        except KeyboardInterrupt:
            times += 1
        if state is None:
            state = process.wait(SOON)

        assert state.exit_code == 7


def test_wait_is_interrupted_at_once(mode: str) -> None:
    """A signal ends a long wait and does nothing to the process."""
    process = start_sleep()
    try:
        with pytest.raises(KeyboardInterrupt), interrupted_after(0.05):
            process.wait()

        process.signal(0)
    finally:
        process.kill()
    assert str(process.wait()) == "signal: killed"


# A wait with a time-out sleeps in another call of the system.
WAITS: dict[str, Callable[[Process], object]] = {
    "wait": Process.wait,
    "timeout": lambda process: process.wait(SOON),
}


@pytest.mark.slow
@pytest.mark.parametrize("wait", WAITS.values(), ids=list(WAITS))
def test_a_deaf_wait_is_interrupted(
    mode: str, wait: Callable[[Process], object]
) -> None:
    """A signal that comes just before the sleep begins does not wait for the end."""
    process = start_sleep()
    try:
        with pytest.raises(KeyboardInterrupt), deaf_interrupt():
            wait(process)
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_deaf_wait_for_an_event_is_interrupted() -> None:
    """Nor does it wait until the event happens."""
    event = Event()
    for timeout in (None, SOON):
        with pytest.raises(KeyboardInterrupt), deaf_interrupt():
            event.wait(timeout)


@pytest.mark.slow
@pytest.mark.parametrize(
    "system",
    [None, SysProcAttr(pdeathsig=9), SysProcAttr(cloneflags=0x10000000)],
    ids=["plain", "launcher", "clone"],
)
def test_start_at_every_instant(mode: str, system: SysProcAttr | None) -> None:
    """An interrupted start leaves a Process, or no child and no descriptor."""
    attr = ProcAttr(sys=system)
    start_process("/bin/true", ["true"], attr).wait()
    before, others = descriptors(), children()
    step = 1 if system is None else 7
    for number in instants(step):
        started: list[Process] = []

        def start(into: list[Process] = started) -> None:
            into.append(start_process("/bin/sleep", ["sleep", "1000"], attr))

        again = interrupted(start, number)
        for process in started:
            process.kill()
            process.wait()
        started.clear()
        gc.collect()

        assert children() == others
        assert descriptors() == before
        if again is None and number < MANY:
            break
    assert number > 10


# If it is interrupted Python's socketpair closes the two, and says so.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "seconds"),
    [(None, 0.002), (SysProcAttr(pdeathsig=9), 0.03)],
    ids=["plain", "launcher"],
)
# An interrupt that comes in a destructor is lost, as Python tells.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_start_at_random_moments(
    mode: str, system: SysProcAttr | None, seconds: float
) -> None:
    """Real signals during a start leave no child and no descriptor behind."""
    chance = random.Random(5)
    attr = ProcAttr(sys=system)
    start_process("/bin/true", ["true"], attr).wait()
    before, others = descriptors(), children()
    for _ in range(MOMENTS if system is None else MOMENTS // 10):
        process = None
        try:
            with interrupted_after(chance.uniform(0, seconds)):
                process = start_process("/bin/sleep", ["sleep", "1000"], attr)
        except KeyboardInterrupt:
            pass
        if process is not None:
            process.kill()
            process.wait()
        del process

        assert children() == others
    gc.collect()
    assert descriptors() == before


def test_signal_while_a_handler_raises(mode: str) -> None:
    """After an interrupted signal the Process can be used as before."""
    for number in instants():
        process = start_sleep()
        again = interrupted(lambda p=process: p.signal(0), number)
        process.kill()

        assert str(process.wait()) == "signal: killed"
        assert str(os.getpid()) not in repr(process)
        if again is None and number < MANY:
            break


class LateError(Exception):
    """What a handler raises, which is no KeyboardInterrupt."""


class StartedLate(threading.Thread):
    """Raises what a start does if a handler raises once the thread runs."""

    def start(self) -> None:
        """Fail as Python does."""
        try:
            raise LateError
        except LateError:
            raise KeyError(self)  # noqa: B904


def test_handler_that_raises_while_a_thread_starts() -> None:
    """What a handler raises while a thread starts is raised, and nothing else."""
    with pytest.raises(LateError):
        begin(StartedLate())
