"""An agent and a state folder of a test's own, and nothing of them left afterwards."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ipyproc import jobs
from ipyproc._agent import records
from ipyproc._agent.records import Record
from ipyproc.hosts import _local
from tests.hosts.helpers import agents, gone_agents
from tests.jobs.helpers import gone


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Detach jobs to an agent that nobody else knows; they end with the test."""
    folder = tmp_path / "runtime"
    folder.mkdir(0o700)
    monkeypatch.setenv("IPYPROC_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("JPY_SESSION_NAME", "notes.ipynb")
    _local.agent.close()
    yield tmp_path
    _local.agent.close()
    end_all(folder)
    for job in jobs:  # of some nobody learnt the end
        jobs.discard(job)


def end_all(folder: Path) -> None:
    """End the agents of *folder*, and the detached jobs of this environment."""
    for pid in agents(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    end_jobs(records.read_all())
    assert gone_agents(folder)


def end_jobs(listed: Iterable[Record]) -> None:
    """Kill the detached jobs that run; one may have ended since it was listed."""
    for record in listed:
        if not record.is_over:
            with suppress(ProcessLookupError):
                os.killpg(record.pid, signal.SIGKILL)
            assert gone(record.pid)


def state(of: Path) -> Path:
    """The folder of the folders of detached jobs."""
    return of / "state" / "ipyproc" / "jobs"
