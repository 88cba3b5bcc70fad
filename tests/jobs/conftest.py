from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from ipyproc import jobs
from ipyproc._sys import pidfd
from ipyproc.errors import ProcessDoneError
from tests.jobs.helpers import until


@pytest.fixture(autouse=True)
def no_jobs_left() -> Iterator[None]:
    """End and forget the jobs of each test, so that it may leave them running."""
    yield
    for job in jobs:  # all of them, before anything here can fail
        with suppress(ProcessDoneError):
            job.kill(tree=True)
    for job in jobs:
        until(job, lambda job: job.finished)
    jobs.clear()


@pytest.fixture(params=["pidfd", "pid"])
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test with pidfds, and as where there are none."""
    if request.param == "pid":
        monkeypatch.setattr(pidfd, "works", lambda: False)
    return str(request.param)
