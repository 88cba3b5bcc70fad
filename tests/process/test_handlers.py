"""Signal handlers that call what they interrupt."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from ipyproc import Process, ProcessStatus, find_process
from tests.alarms import alarms
from tests.process.interrupts import MANY, instants, interrupt_at
from tests.process.tools import children, descriptors, start_sh, wait_until_ended

#: Everything that can be asked of a process.
CALLS: dict[str, Callable[[Process], object]] = {
    "signal": lambda p: p.signal(0),
    "kill": lambda p: p.kill(),
    "status": lambda p: p.status,
    "repr": repr,
    "wait": lambda p: p.wait(),
    "wait(0)": lambda p: p.wait(0),
    "release": lambda p: p.release(),
    "handle": lambda p: p.handle().__enter__(),
    "fileno": lambda p: p.fileno(),
    "learnt": lambda p: repr(p._learnt()),
    "start": lambda _: start_sh("exit 1").wait(),
    "find": lambda p: find_process(p.pid).signal(0),
}


@contextmanager
def fails_rather_than_hangs(seconds: float) -> Iterator[None]:
    """Interrupt a deadlock, which only the main thread can be in."""

    def give_up(*_: object) -> None:
        raise AssertionError("it hangs")

    with alarms(give_up, seconds):
        yield


def outcome(call: Callable[[Process], object], process: Process) -> object:
    """Return what a call comes to, be it an error."""
    try:
        return call(process)
    except OSError as error:
        return error


#: Where one instant is enough: since Python 3.12 ``super()`` is no call.
FEWEST = {("release", "pid"): 2} if sys.version_info >= (3, 12) else {}


@pytest.mark.parametrize("interrupted", ["signal", "wait", "wait(0)", "release"])
@pytest.mark.parametrize("called", CALLS)
def test_handler_calls_at_every_instant(
    interrupted: str, called: str, mode: str
) -> None:
    """Whatever a handler calls at whatever instant, the interrupted call ends, too."""
    before, others = descriptors(), children()
    with fails_rather_than_hangs(240):
        for number in instants():
            process = start_sh("exit 7")
            pid = process.pid
            wait_until_ended(pid)
            results: list[object] = []

            def handler(p: Process = process, to: list[object] = results) -> None:
                to.append(outcome(CALLS[called], p))

            with interrupt_at(number, handler) as left:
                results.append(outcome(CALLS[interrupted], process))
            if process.status is ProcessStatus.OK:
                results.append(outcome(CALLS["wait"], process))
            states = [r for r in results if getattr(r, "pid", 0) == pid]

            assert len(states) <= 1, "two callers have the state"
            with suppress(ChildProcessError):  # it was released
                os.waitpid(pid, 0)
            del process, handler, results
            if left.left > 0 and number < MANY:
                break

    assert number >= FEWEST.get((interrupted, mode), 3)
    assert children() == others
    assert descriptors() == before
