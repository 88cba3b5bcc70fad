from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from ipyproc import PIPE, spawn
from ipyproc._jobs import local
from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.io.event_loop import NAME, EventLoop, event_loop
from ipyproc._jobs.io.timers import Timer
from tests.jobs.helpers import PATIENCE, eventually, script
from tests.threads import in_threads

# Later Pythons warn of a fork beside threads, which is what is tested here.
FORKS_ARE_FINE = "import warnings; warnings.simplefilter('ignore', DeprecationWarning)"


def called(arrange: Callable[[Callable[[], None]], object]) -> threading.Event:
    """Hand a callback to *arrange*; give the event that it sets."""
    event = threading.Event()
    arrange(event.set)
    return event


def wakes_of(loop: EventLoop, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Count, from now on, how often the thread of *loop* is woken."""
    wakes: list[None] = []
    wake = loop._wake
    monkeypatch.setattr(loop, "_wake", lambda: wakes.append(None) or wake())
    return wakes


def test_one_loop() -> None:
    """There is one event loop, on one daemon thread with a name."""
    assert event_loop() is event_loop()
    assert called(event_loop().call_soon).wait(PATIENCE)
    threads = [thread for thread in threading.enumerate() if thread.name == NAME]
    assert [thread.daemon for thread in threads] == [True]


def test_calls_come_in_order() -> None:
    """What was asked for first is called first, on the event loop's thread."""
    order: list[object] = []
    for number in range(100):
        event_loop().call_soon(lambda number=number: order.append(number))
    event_loop().call_soon(lambda: order.append(threading.current_thread().name))
    assert called(event_loop().call_soon).wait(PATIENCE)

    assert order == [*range(100), NAME]


def test_timers_come_in_order() -> None:
    """The timer that is due first fires first, whichever was set first."""
    order: list[str] = []
    done = threading.Event()

    def set_timers() -> None:
        event_loop().call_later(0.06, done.set)
        for delay, name in ((0.04, "later"), (0.02, "sooner"), (0, "now")):
            event_loop().call_later(delay, lambda name=name: order.append(name))

    event_loop().call_soon(set_timers)
    assert done.wait(PATIENCE)

    assert order == ["now", "sooner", "later"]


def test_a_call_that_has_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that has time wakes no thread that is awake by then; another one does."""
    own = EventLoop()
    wakes = wakes_of(own, monkeypatch)
    assert called(lambda done: own.call_later(0.01, done)).wait(PATIENCE)
    timer = own.call_later(2 * PATIENCE, lambda: None)
    eventually(lambda: time.monotonic() < own._sleeps_until < math.inf)
    wakes.clear()

    late = called(lambda done: own.call_within(3 * PATIENCE, done))
    assert wakes == []
    assert not late.is_set()

    assert called(lambda done: own.call_within(PATIENCE, done)).wait(PATIENCE)
    assert wakes == [None]
    assert late.is_set()  # in the order in which they were asked for

    timer.cancel()
    own.stop(PATIENCE)


def test_a_thread_that_lingers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It sleeps no longer than it lingers, once, and what has time does not wake it."""
    own = EventLoop()
    wakes = wakes_of(own, monkeypatch)
    own.call_soon(lambda: own.linger(2 * PATIENCE))
    eventually(lambda: time.monotonic() < own._sleeps_until < math.inf)
    wakes.clear()
    own.call_within(3 * PATIENCE, lambda: None)
    assert wakes == []

    own.call_soon(lambda: own.linger(0.01))
    eventually(lambda: own._sleeps_until == math.inf)
    own.stop(PATIENCE)


def test_a_start_wakes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop's thread sleeps on while a job starts, and sees its end."""
    first = spawn("cat", stdin=PIPE)
    eventually(lambda: guardian().ready and first.peak.memory > 0)
    monkeypatch.setattr(local, "_SOON", math.inf)
    wakes = wakes_of(event_loop(), monkeypatch)
    job = spawn("cat; exit 3", stdin=Path("/dev/null"), shell=True)

    assert job.wait(PATIENCE).exit_code == 3
    assert wakes == []
    first.kill()


def test_a_watch_that_was_lost() -> None:
    """The end of a job is seen also if the loop's thread was leaving at its start."""
    job = spawn("cat", stdin=PIPE)
    event_loop().run(lambda: event_loop().unwatch(job.process.fileno()))
    event_loop().run(job._runner._watch)  # type: ignore[attr-defined]
    job.close_stdin()

    assert job.wait(PATIENCE).success


def test_cancelled_timer() -> None:
    """A timer that was cancelled does not fire."""
    fired = threading.Event()
    event_loop().call_soon(lambda: event_loop().call_later(0, fired.set).cancel())
    assert called(lambda done: event_loop().call_later(0.01, done)).wait(PATIENCE)

    assert not fired.is_set()


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(1)])
def test_survives_what_raises(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """A callback that raises is reported, and the others are called all the same."""

    def fail() -> None:
        raise error

    event_loop().call_soon(fail)
    event_loop().call_later(0, fail)
    assert called(lambda done: event_loop().call_later(0.01, done)).wait(PATIENCE)

    raised = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert raised == [error, error]


def test_stop_closes_everything() -> None:
    """A stopped event loop has no thread and no descriptor, and takes no more calls."""
    own = EventLoop()
    read, write = os.pipe()
    own.own(read)
    own.stop(PATIENCE)
    own.stop(PATIENCE)

    assert not own.is_open
    with pytest.raises(RuntimeError, match="has ended"):
        own.call_soon(lambda: None)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(read)
    os.close(write)


def held() -> set[str]:
    """Return what this process holds: its descriptors, and its threads by identity."""
    numbers = [f"{fd}" for fd in os.listdir("/proc/self/fd")]
    return {*numbers, *(f"{thread!r}" for thread in threading.enumerate())}


def test_a_callback_at_the_end_may_ask_for_more() -> None:
    """It is not called any more, and that is no error."""
    own = EventLoop()
    inside = threading.Event()
    timers: list[Timer] = []

    def ask() -> None:
        inside.set()
        while own.is_open:
            time.sleep(0.01)
        timers.append(own.call_later(0, inside.clear))

    own.call_soon(ask)
    assert inside.wait(PATIENCE)
    own.stop(PATIENCE)

    assert [timer.is_set for timer in timers] == [True]


def test_a_retired_loop_holds_nothing_and_comes_back() -> None:
    """Neither thread nor descriptor is left; the next call starts a new one."""
    own = EventLoop()
    before = held()

    for _ in range(3):
        assert called(own.call_soon).wait(PATIENCE)
        assert held() - before
        assert own.retire(PATIENCE)
        assert held() == before
        assert own.is_open

    assert own.retire(PATIENCE)  # nothing to do


def test_a_loop_retires_when_its_work_is_done() -> None:
    """A timer, or a descriptor that it owns, keeps the thread until it is over."""
    own = EventLoop()
    fired, ended = threading.Event(), threading.Event()
    read, write = os.pipe()
    own.own(read)
    timer = own.call_later(3600, fired.set)
    assert not own.retire(0)

    own.call_soon(lambda: (own.close(read), own.watch(write, 2, lambda: None)))
    timer.cancel()
    assert not own.retire(0.05)

    own.call_soon(lambda: (own.unwatch(write), ended.set()))
    assert ended.wait(PATIENCE)
    assert own.retire(PATIENCE)
    assert not fired.is_set()
    os.close(write)


def test_a_call_made_before_its_caller_continues_starts_no_thread() -> None:
    """If a call is made and its thread gone before its caller goes on, none follows."""
    loop = EventLoop()
    made = threading.Event()

    class Interleaved(deque[Callable[[], None]]):
        """Calls that are made, and the thread is gone, before ``append`` returns."""

        def append(self, callback: Callable[[], None], /) -> None:
            super().append(callback)
            loop._wake()
            assert made.wait(PATIENCE)
            assert loop.retire(PATIENCE)

    loop._calls = Interleaved()
    loop.call_soon(made.set)

    assert not loop._seat
    assert not loop._pollers


def test_no_call_is_lost_between_two_threads() -> None:
    """A call made while the thread is about to end is made by the next one."""
    own = EventLoop()
    over = threading.Event()

    def work(index: int) -> None:
        while index and not over.is_set():
            own.retire(0)
        if not index:
            heard = [called(own.call_soon).wait(PATIENCE) for _ in range(500)]
            over.set()
            assert all(heard)

    in_threads(2, work)
    own.stop(PATIENCE)


@pytest.mark.parametrize("runs", [True, False])
def test_an_interrupt_while_the_thread_starts(
    monkeypatch: pytest.MonkeyPatch, runs: bool
) -> None:
    """Whether the thread came to run or not: the next call is made, and it can end."""
    own = EventLoop()
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        if runs:
            start(thread)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            own.call_soon(lambda: None)

    assert called(own.call_soon).wait(PATIENCE)
    assert own.retire(PATIENCE)
    for thread in threading.enumerate():
        if thread.name == NAME:  # one that came too late
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_forked_child_does_nothing_of_ours() -> None:
    """A fork has no event loop, ends no job, and can start jobs of its own."""
    code = f"""
import os, sys, threading
{FORKS_ARE_FINE}
from ipyproc import PIPE, spawn
job = spawn("cat", stdin=PIPE)
pid = os.fork()
if pid == 0:
    warnings.simplefilter("ignore")  # the job's process is dropped, and not waited for
    assert [t.name for t in threading.enumerate()] == ["MainThread"]
    try:
        job.wait()
    except ChildProcessError as error:
        print(error, flush=True)
    try:
        job.send("never")
    except RuntimeError as error:
        print(error, flush=True)
    print(spawn("echo mine").wait(), flush=True)
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), job.status, flush=True)
job.send("still here")
job.close_stdin()
print(job.wait(20), job.stdout.text)
"""
    assert script(code).splitlines() == [
        "wait: no child processes",
        "the event loop of the jobs has ended",
        "exit status 0",
        "7 running",
        "exit status 0 still here",
    ]


def test_fork_keeps_no_copy_of_standard_input() -> None:
    """A job's input ends when it is closed, though a fork of ours lives on."""
    code = f"""
import os, signal
{FORKS_ARE_FINE}
from ipyproc import PIPE, spawn
job = spawn("cat", stdin=PIPE)
job.send("x")
pid = os.fork()
if pid == 0:
    signal.pause()
job.close_stdin()
print(job.wait(20))
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
"""
    assert script(code) == "exit status 0\n"
