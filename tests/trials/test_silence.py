"""Clients of an agent that do nothing for long, and go on."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from ipyproc import jobs
from tests.hosts.helpers import agents, bare, gone_agents, relays
from tests.hosts.test_failures import Client, answers, counting
from tests.jobs.helpers import eventually, lives

# In seconds.
STOPPED = 60
BUSY = 20


def test_a_client_that_is_stopped_for_a_minute(tmp_path: Path) -> None:
    """Its jobs run on, also a flood, and it goes on where it was, on the same agent."""
    folder = _folder(tmp_path)
    client = Client(folder)
    try:
        assert client.ask("one") == "one"
        (agent,) = agents(folder)
        client.process.send_signal(signal.SIGSTOP)
        # It is the time that this is about.
        time.sleep(STOPPED)
        assert all(map(lives, client.pids))
        client.process.send_signal(signal.SIGCONT)

        assert client.ask("two") == "two"
        assert agents(folder) == [agent]
        assert all(map(lives, client.pids))
    finally:
        client.end()
    eventually(lambda: not relays(folder))
    _end(folder)


def test_a_client_that_is_busy_in_c_for_long(tmp_path: Path) -> None:
    """A call that holds the interpreter is no silence of the agent's."""
    folder = _folder(tmp_path)
    host = bare(folder, python=sys.executable)
    job = counting(host)
    answers(job, "before")
    ctypes.PyDLL(None).sleep(BUSY)  # unlike CDLL, it keeps the interpreter
    answers(job, "after")

    assert job.silence == 0.0
    assert host._link._client._attempt == 1
    job.kill()
    host.close()
    jobs.clear()
    _end(folder)


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "agent"
    folder.mkdir(mode=0o700)
    return folder


def _end(folder: Path) -> None:
    for pid in agents(folder):
        os.kill(pid, signal.SIGTERM)
    assert gone_agents(folder)
