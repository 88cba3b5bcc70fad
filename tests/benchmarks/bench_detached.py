"""Detached jobs: ``python -m tests.benchmarks detached``.

How soon another session has a job that has printed a gigabyte, and what the agent that
keeps it takes of memory and, idle, of a processor.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ipyproc import jobs, spawn
from ipyproc.hosts import _local
from tests.benchmarks.measuring import MIB, ROOT, Figures, taken
from tests.benchmarks.table import Row
from tests.jobs.helpers import until

MODULE = "tests.benchmarks.bench_detached"
ROUNDS = 5
PRINTED = 1 << 30
# For so many seconds the agent has nothing to do.
IDLE = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")


def rows() -> Iterator[Row]:
    """Measure all of it."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IPYPROC_RUNTIME_DIR"] = folder
        os.environ["XDG_STATE_HOME"] = str(Path(folder, "state"))
        subprocess.call([sys.executable, "-m", MODULE, "left"], cwd=ROOT)
        try:
            figures = [taken(MODULE, "attach") for _ in range(ROUNDS)]
            median = statistics.median(each["attach"] for each in figures)
            what = "attach to a job that printed 1 GiB, kernel killed"
            yield Row(what, median, "ms", at_most=100)
            pid = int(figures[0]["agent"])
            yield Row("the agent of a detached job: USS", _uss(pid), "MiB", at_most=20)
            what = "the agent of a detached job, idle: of a core"
            yield Row(what, _share(pid), "%", at_most=1)
        finally:
            _end()


def left() -> None:
    """Detach a job, wait until it has printed, and be killed."""
    script = f"head -c {PRINTED} /dev/zero; echo; exec sleep 1000"
    job = spawn(script, shell=True, name="big", detach=True, output_limit=2 * PRINTED)
    until(job, lambda job: job.stdout.total > PRINTED)
    os.kill(os.getpid(), signal.SIGKILL)


def attach() -> Figures:
    """Attach in a session that has its modules loaded, as a kernel has."""
    jobs.detached()
    begun = time.perf_counter()
    job = jobs.attach("big")
    elapsed = time.perf_counter() - begun
    agent = _local.agent.link.welcome.number("pid")
    until(job, lambda job: job.stdout.total > PRINTED)
    assert job.stdout.tail(1) == b"\n"
    return {"attach": 1000 * elapsed, "agent": agent}


def _uss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return (
        sum(int(i.split()[1]) for i in lines if i.startswith("Private_")) * 1024 / MIB
    )


def _share(pid: int) -> float:
    before = _used(pid)
    time.sleep(IDLE)
    return 100 * (_used(pid) - before) / IDLE


def _used(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / _TICKS


def _end() -> None:
    job = jobs.attach("big")
    job.kill()
    with suppress(OSError):
        job.wait(60)
    pid = _local.agent.link.welcome.number("pid")
    _local.agent.close()
    os.kill(pid, signal.SIGTERM)


if __name__ == "__main__":
    if sys.argv[1] == "left":
        left()
    print(json.dumps(attach()))
