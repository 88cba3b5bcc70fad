"""Ctrl-C while a job is started: there is a job, or nothing is left."""

from __future__ import annotations

import gc
import random

import pytest

from ipyproc._sys import pidfd
from ipyproc.jobs import PIPE, Job, guardian, jobs, spawn
from tests.jobs.helpers import PATIENCE, eventually, until
from tests.process.interrupts import interrupt_at, interrupted_after
from tests.process.tools import children, descriptors

#: More than there are instants in a start.
MANY = 10_000
#: How many instants are left out after each that is tried; prime, to meet all kinds.
STEP = 5
MOMENTS = 200


@pytest.fixture(params=["pidfd", "pid"])
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test with pidfds, and as where there are none."""
    if request.param == "pid":
        monkeypatch.setattr(pidfd, "works", lambda: False)
    return str(request.param)


@pytest.fixture(autouse=True)
def one_guardian(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one guardian for the whole test; it has descriptors of ours."""
    monkeypatch.setattr(guardian, "LINGER", 1000.0)


def start(into: list[Job]) -> None:
    """Start a job that goes on for ever, with as many pipes as there can be."""
    into.append(spawn(["sleep", "1000"], stdin=PIPE))


def end(started: list[Job]) -> None:
    """End what was started, and let go of it."""
    for job in started:
        job.kill()
        job.wait(PATIENCE)
        until(job, lambda job: job.finished)
    started.clear()
    jobs.clear()


def test_start_at_instants(mode: str) -> None:
    """Wherever a start is interrupted, no process and no descriptor stays behind."""
    others = children()
    end([spawn("true")])
    eventually(lambda: guardian.guardian().ready)
    before = descriptors()
    for number in range(1, MANY, STEP):
        started: list[Job] = []
        with interrupt_at(number) as interrupts:
            try:
                start(started)
            except KeyboardInterrupt:
                assert jobs.last in (None, *started)
        end(started)
        gc.collect()
        eventually(lambda: children() == others and descriptors() == before)
        if interrupts.left > 0:
            break

    assert 100 < number < MANY - STEP


def test_start_at_random_moments(mode: str) -> None:
    """Real signals during a start leave nothing behind either."""
    chance = random.Random(6)
    others = children()
    end([spawn("true")])
    eventually(lambda: guardian.guardian().ready)
    before = descriptors()
    for _ in range(MOMENTS):
        started: list[Job] = []
        try:
            with interrupted_after(chance.uniform(0, 0.003)):
                start(started)
        except KeyboardInterrupt:
            assert jobs.last in (None, *started)
        end(started)
        eventually(lambda: children() == others)
    gc.collect()
    eventually(lambda: descriptors() == before)
