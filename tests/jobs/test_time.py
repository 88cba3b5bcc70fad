"""Any number of seconds works, and the clock of the wall may be set at any time."""

from __future__ import annotations

import math
import threading
import time

import pytest

from ipyproc import PIPE, spawn
from ipyproc._jobs.io.event_loop import EventLoop, event_loop
from tests.jobs.helpers import PATIENCE, eventually, script, until_printed

FAR = [30 * 86_400.0, 1e10, 10**400, math.inf]
far = pytest.mark.parametrize("seconds", FAR, ids=["month", "1e10", "10**400", "inf"])
# What is to end with TERM ignores it.
STUBBORN = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]


def answers() -> bool:
    """Whether the event loop still calls back."""
    called = threading.Event()
    event_loop().call_soon(called.set)
    return called.wait(PATIENCE)


@far
def test_a_far_time_out(seconds: float) -> None:
    """A job whose time-out is far away runs, and ends as any other."""
    job = spawn("cat", stdin=PIPE, timeout=seconds)
    assert answers()  # and then it sleeps until the time-out
    job.send("hello")
    job.close_stdin()

    assert job.wait(PATIENCE).success
    assert job.stdout.text == "hello"


@far
def test_a_far_grace(seconds: float) -> None:
    """A job that is given a long time to obey TERM is not killed, and can be."""
    job = spawn(STUBBORN, grace=seconds)
    until_printed(job, "ready")
    job.terminate(seconds)
    assert answers()
    job.terminate()
    assert answers()
    job.kill()

    assert str(job.wait(PATIENCE)) == "signal: killed"


@far
def test_a_far_wait(seconds: float) -> None:
    """A wait that may take for ever ends with the job."""
    job = spawn("sleep 0.1")

    assert job.wait(seconds).success


@far
def test_a_far_timer(seconds: float) -> None:
    """A timer that is far away does not keep others from firing."""
    fired = threading.Event()
    late = event_loop().call_later(min(seconds, 1e300), lambda: None)
    event_loop().call_later(0.01, fired.set)

    assert fired.wait(PATIENCE)
    assert late.is_set
    late.cancel()


def test_cancelled_timers_are_gone() -> None:
    """The time-outs of jobs that ended are not kept until they are due."""
    loop = event_loop()
    held: list[int] = []

    def look() -> None:
        held.append(len(loop._timers))

    jobs = [spawn("true", timeout=86_400) for _ in range(30)]
    for job in jobs:
        job.wait(PATIENCE)
    timers = [loop.call_later(86_400, lambda: None) for _ in range(1000)]
    for timer in timers:
        timer.cancel()

    def few() -> bool:
        loop.run(look)
        return held[-1] < 10

    eventually(few)


@pytest.mark.parametrize("shift", [-3600.0, 3600.0])
def test_a_clock_that_is_set(shift: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that jumps while a job runs does not change how long it ran."""
    job = spawn("sleep 1000")
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + shift)
    running = job.elapsed
    job.kill()
    job.wait(PATIENCE)

    assert 0 <= running <= job.elapsed < PATIENCE
    assert job.ended_at is not None
    assert job.ended_at - job.started_at == job.elapsed


def broken(loop: EventLoop) -> None:
    """Break the loop itself, not a callback of it."""

    def fail() -> float:
        raise OverflowError("timeout is too large")

    loop._patience = fail  # type: ignore[method-assign]
    loop.call_soon(lambda: None)


@pytest.mark.slow
def test_a_loop_that_breaks_says_so() -> None:
    """If the event loop fails, all that wait get an error, and so do later calls."""
    code = """
import logging, threading
logging.disable()
from ipyproc import PIPE, jobs, spawn
from ipyproc._jobs.io.event_loop import event_loop
from tests.jobs.test_time import broken
jobs = [spawn("cat", stdin=PIPE) for _ in range(3)]
told, heard = [], threading.Event()
def tell(job):
    told.append(job.status)
    if job.finished: heard.set()
jobs[2].subscribe(tell)
def wait(job):
    try:
        job.wait(20)
    except OSError as error:
        print(f"{error.strerror} {job.status}\\n", end="")  # by threads, in one piece
threads = [threading.Thread(target=wait, args=[job]) for job in jobs[:2]]
for thread in threads: thread.start()
broken(event_loop())
for thread in threads: thread.join(20)
wait(jobs[2])
heard.wait(20)
print(told[-1], jobs[2].finished)
for call in (lambda: spawn("true"), lambda: jobs[0].send("x"),
             lambda: jobs[0].terminate(1)):
    try:
        print(call())
    except (OSError, RuntimeError) as error:
        print(type(error).__name__, error)
for job in jobs: job.kill()
"""
    said = (
        "the event loop of the jobs has failed: OverflowError('timeout is too large')"
    )
    assert script(code).splitlines() == [
        *3 * [f"{said} lost"],
        "lost True",
        *3 * [f"RuntimeError {said}"],
    ]
