"""Many jobs, in numbers that a test suite can bear; benchmarks have the full ones."""

from __future__ import annotations

import gc
import threading
import tracemalloc

import pytest

from ipyproc import PIPE, jobs, spawn
from ipyproc._jobs.io.event_loop import NAME
from tests.guard import holdings
from tests.jobs.helpers import PATIENCE, at_rest, eventually, held, until, until_as

AT_ONCE, IN_A_ROW = 60, 100


def test_many_at_once(mode: str) -> None:
    """Jobs that run at once share one thread, have few descriptors, and all end."""
    keeper = spawn("cat", stdin=PIPE)
    before = at_rest()
    running = [spawn("cat", stdin=PIPE) for _ in range(AT_ONCE)]
    now = held()

    names = [thread.name for thread in threading.enumerate()]
    assert names.count(NAME) == 1
    if mode == "pidfd":
        assert now.threads == before.threads
    assert len(now.descriptors) - len(before.descriptors) <= 4 * AT_ONCE
    for number, job in enumerate(running):
        job.send(f"{number}\n")
    for job in running:
        job.close_stdin()
    assert all(job.wait(PATIENCE).success for job in running)
    assert [job.stdout.text for job in running] == [f"{n}\n" for n in range(AT_ONCE)]
    jobs.clear()
    del running, job
    until_as(before)
    assert keeper.status == "running"


@pytest.mark.slow
def test_many_in_a_row(mode: str) -> None:
    """Jobs that come and go leave nothing: no descriptor, no thread, no memory."""
    keeper = spawn("cat", stdin=PIPE)

    def run(count: int) -> int:
        for _ in range(count):
            job = spawn(["echo", "hello"])
            assert job.wait(PATIENCE).success
            until(job, lambda job: job.finished)
            jobs.clear()
        del job
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    run(10)
    before = at_rest()
    tracemalloc.start()
    try:
        growth = -run(IN_A_ROW // 2) + run(IN_A_ROW)
    finally:
        tracemalloc.stop()

    # A job that is kept takes thirty times as much; the guardian knows of each for a
    # moment longer.
    assert growth < 500 * IN_A_ROW
    until_as(before)
    assert list(jobs) == [keeper]


@pytest.mark.parametrize("tree", [False, True])
def test_many_that_were_forgotten_are_served(tree: bool) -> None:
    """A job without any reference to it is reaped all the same."""
    before = holdings()
    for _ in range(10):
        spawn("sleep 1000").kill(tree=tree)
    eventually(lambda: not jobs.running)
    jobs.clear()
    eventually(lambda: not holdings().children - before.children)
