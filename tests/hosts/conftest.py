from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ipyproc import jobs
from ipyproc.hosts import CommandHost
from tests.hosts.helpers import agents, bare, gone_agents


@pytest.fixture(scope="session")
def _agent_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the tests' own agent listens, until all of them are over."""
    folder = tmp_path_factory.mktemp("agent")
    folder.chmod(0o700)
    yield folder
    for pid in agents(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    assert gone_agents(folder)


@pytest.fixture
def host(_agent_folder: Path) -> Iterator[CommandHost]:
    """A host with a bare environment, which is on this machine."""
    yield from _host(_agent_folder)


@pytest.fixture
def own_agent(tmp_path: Path) -> Iterator[Path]:
    """A folder for an agent of the test's own, which it may kill."""
    folder = tmp_path / "own-agent"
    folder.mkdir(0o700)
    yield folder
    for pid in agents(folder):
        os.kill(pid, signal.SIGKILL)
    assert gone_agents(folder)


@pytest.fixture
def lone_host(own_agent: Path) -> Iterator[CommandHost]:
    """A host with an agent of its own."""
    yield from _host(own_agent)


@pytest.fixture
def made(own_agent: Path) -> Iterator[list[CommandHost]]:
    """Close the hosts that a test makes."""
    hosts: list[CommandHost] = []
    yield hosts
    for host in hosts:
        host.close()
    jobs.clear()


def _host(folder: Path) -> Iterator[CommandHost]:
    host = bare(folder, python=sys.executable)
    yield host
    for job in jobs:
        with suppress(OSError):
            job.kill()
    host.close()
    jobs.clear()
