"""Ctrl-C while a job is started: there is a job, or nothing is left."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from ipyproc import PIPE, Job, jobs, spawn
from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.shutdown import shutdown
from tests.guard import Holdings, holdings
from tests.jobs.helpers import PATIENCE, at_rest, eventually, until, until_as
from tests.process.interrupts import (
    MANY,
    files_below,
    instants,
    interrupt_at,
    interrupted_after,
)

#: Which of them are tried: every so many-th; a prime, to meet all kinds.
STEP = 17
MOMENTS = 100


each_kind = pytest.mark.parametrize("pty", [False, True], ids=["pipes", "pty"])


def start(into: list[Job], pty: bool = False) -> None:
    """Start a job that never ends, with all pipes or a terminal and an input."""
    stdin = b"x" * (1 << 20) if pty else PIPE
    into.append(spawn(["sleep", "1000"], name="new", stdin=stdin, pty=pty))


def end(started: list[Job]) -> None:
    """End what was started, and let go of it."""
    for job in started:
        job.kill()
        job.wait(PATIENCE)
        until(job, lambda job: job.finished)
    started.clear()
    jobs.clear()


def settled() -> Holdings:
    """Say what we hold while a job runs, so that its event loop and guardian stay."""
    spawn("cat", stdin=PIPE)
    return at_rest()


@each_kind
def test_start_at_instants(mode: str, pty: bool) -> None:
    """Wherever a start is interrupted, no process and no descriptor stays behind."""
    before = settled()
    for number in range(1, MANY, STEP):
        started: list[Job] = []
        with interrupt_at(number) as interrupts:
            try:
                start(started, pty)
            except KeyboardInterrupt:
                assert [job.name for job in jobs] == ["cat", "new"][: 1 + len(started)]
        end(started)
        until_as(before)
        if interrupts.left > 0:
            break

    assert 100 < number < MANY - STEP


@pytest.mark.slow
@each_kind
def test_start_at_instants_of_jobs(mode: str, pty: bool) -> None:
    """Wherever the jobs' own code is interrupted, all ends once no job runs."""
    before = settled()
    for number in instants():
        started: list[Job] = []
        with interrupt_at(number, watched=files_below("_jobs")) as interrupts:
            try:
                start(started, pty)
            except KeyboardInterrupt:
                assert [job.name for job in jobs] == ["cat", "new"][: 1 + len(started)]
        end(started)
        until_as(before)
        if number < MANY and interrupts.left > 0:
            break
    end([jobs["cat"]])

    assert 100 < number < MANY
    assert shutdown.retire(PATIENCE)


@pytest.mark.slow
def test_cold_start_at_instants(mode: str) -> None:
    """Wherever the first start of all is interrupted, the next job has a guardian."""
    # And the guardian and the event loop's thread still end once no job runs.
    cold = files_below("_jobs/guardian", "_jobs/io/event_loop.py")
    assert shutdown.retire(PATIENCE)
    before = holdings()
    for number in instants():
        started: list[Job] = []
        with suppress(KeyboardInterrupt), interrupt_at(number, watched=cold) as traced:
            start(started)
        start(started)
        eventually(lambda: guardian().ready)
        end(started)
        # Again and again: a job that was interrupted may still be ending.
        eventually(lambda: shutdown.retire(0.1))
        until_as(before)
        if number < MANY and traced.left > 0:
            break

    assert 20 < number < MANY


# An interrupt that comes in a destructor is lost, as Python tells.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
@each_kind
def test_start_at_random_moments(mode: str, pty: bool) -> None:
    """Real signals during a start leave nothing behind either."""
    chance = random.Random(6)
    before = settled()
    for _ in range(MOMENTS):
        started: list[Job] = []
        try:
            with interrupted_after(chance.uniform(0, 0.003)):
                start(started, pty)
        except KeyboardInterrupt:
            assert [job.name for job in jobs] == ["cat", "new"][: 1 + len(started)]
        end(started)
        until_as(before)
