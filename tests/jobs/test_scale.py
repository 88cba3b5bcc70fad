"""Many jobs, in numbers that a test suite can bear; benchmarks have the full ones."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from ipyproc import PIPE, jobs, spawn
from ipyproc._jobs.io.event_loop import NAME, event_loop
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
    """Jobs that come and go leave nothing: no descriptor, no thread, no object."""
    keeper = spawn("cat", stdin=PIPE)
    there: weakref.WeakSet[object] = weakref.WeakSet()

    def run(count: int) -> None:
        for _ in range(count):
            job = spawn(["echo", "hello"])
            there.update([job, job.stdout, job.process, job._runner])
            assert job.wait(PATIENCE).success
            until(job, lambda job: job.finished)
            jobs.clear()

    run(10)
    before = at_rest()
    run(IN_A_ROW)
    until_as(before)
    event_loop().run(gc.collect)  # so that what its thread does is over

    assert list(there) == []
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
