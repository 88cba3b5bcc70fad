"""Many detached jobs at a time, and an agent that is killed under them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ipyproc import JobLostError, jobs, spawn
from tests.hosts.helpers import agents
from tests.jobs.helpers import PATIENCE, eventually, gone, until_printed

MANY = 200


def test_two_hundred(alone: Path) -> None:
    """All run on after their session and their agent, and are adopted, each once."""
    code = (
        "from ipyproc import spawn\n"
        f"for n in range({MANY}):\n"
        "    spawn(['sh', '-c', f'echo {n}; read x < go; echo {n}'],"
        " name=f'job-{n}', detach=True)\n"
        "    print(n, flush=True)\n"
    )
    os.mkfifo(alone / "go")
    subprocess.run([sys.executable, "-c", code], cwd=alone, check=True)
    (pid,) = agents(alone / "runtime")
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert [record.status for record in jobs.detached()] == ["running"] * MANY

    attached = [jobs.attach(f"job-{n}") for n in range(MANY)]
    for number, job in enumerate(attached):
        until_printed(job, str(number))
    for job in attached:
        job.kill()
    for number, job in enumerate(attached):
        with pytest.raises(JobLostError):
            job.wait(10 * PATIENCE)
        assert job.stdout.text == f"{number}\n"
    eventually(lambda: all(record.is_over for record in jobs.detached()))
    assert len(agents(alone / "runtime")) == 1


def test_a_kernel_that_is_killed_at_any_moment(alone: Path) -> None:
    """Whenever a session dies, what it has detached runs, or has never been there."""
    for _ in range(int(os.environ["IPYPROC_TRIALS"]) // 100 or 1):
        code = (
            "import os, signal, threading, random, time\n"
            "from ipyproc import spawn\n"
            "spawn('true', detach=True).wait()\n"
            "die = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
            "threading.Timer(random.random() / 100, die).start()\n"
            "spawn('sleep 1000', name=f'x{time.time()}', detach=True)\n"
            "signal.pause()\n"
        )
        subprocess.run([sys.executable, "-c", code], cwd=alone, check=False)
    assert spawn("true", name="last", detach=True).wait(PATIENCE).success
    for record in jobs.detached():
        assert Path(record.folder, "out").exists()
