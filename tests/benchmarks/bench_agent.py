"""Jobs behind an agent: ``python -m tests.benchmarks agent``.

Beside the same jobs of this process: the first byte, a flood, all bytes of a large
output; then the memory of an agent whose client is stopped, and how soon a signal is
answered on a link of 1 MB/s while 20 jobs flood it.
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
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ipyproc import Job, jobs, spawn
from ipyproc.hosts import CommandHost, command
from tests.benchmarks.measuring import MIB, ROOT, Figures, in_turns, taken
from tests.benchmarks.table import Row
from tests.jobs.helpers import until

MODULE = "tests.benchmarks.bench_agent"
ROUNDS = 3
STARTS = 30
FLOOD = 256 * MIB
WHOLE = 64 * MIB
FLOODS = 20
SIGNALS = 20
# For so many seconds the client is stopped.
STALL = 5.0
MEMORY_LIMIT = 8 * MIB


def rows() -> Iterator[Row]:
    """Measure all of it."""
    medians = in_turns(MODULE, ROUNDS, ["here", "there"])
    here, there = medians["here"], medians["there"]
    first = "a job behind an agent: start to first byte"
    yield Row(first, there["first"], "ms", "a local job", here["first"], at_most=3)
    speed = "a job behind an agent: a flood to its end"
    yield Row(
        speed, there["flood"], "MiB/s", "a local job", here["flood"], at_least=0.25
    )
    whole = "a job behind an agent: all bytes of 64 MiB"
    yield Row(whole, there["whole"], "MiB/s", "a local job", here["whole"])
    yield Row("an agent: the first connection", there["connect"], "ms", at_most=1000)
    yield Row("an agent: its own memory (USS)", there["memory"], "MiB", at_most=20)
    stalled = taken(MODULE, "stalled")["grown"]
    what = "an agent: more memory, client stopped, flood"
    yield Row(what, stalled, "MiB", at_most=MEMORY_LIMIT / MIB + 32)
    slow = taken(MODULE, "slow")
    what = f"1 MB/s, {FLOODS} floods: signal answered, median"
    yield Row(what, slow["median"], "ms", at_most=1000)
    yield Row(f"1 MB/s, {FLOODS} floods: signal answered, most", slow["most"], "ms")


def here() -> Figures:
    """Jobs of this process."""
    return _measure(lambda argv: spawn(argv))


def there() -> Figures:
    """The same behind an agent."""
    with tempfile.TemporaryDirectory() as folder:
        host = _host(folder)
        began = time.perf_counter()
        spawn("true", on=host).wait()
        connect = (time.perf_counter() - began) * 1e3
        memory = _uss(_agent(host)) / MIB
        figures = _measure(lambda argv: spawn(argv, on=host))
        host.close()
        jobs.clear()
    return {**figures, "connect": connect, "memory": memory}


def stalled() -> Figures:
    """How much an agent grows whose client is stopped while a job floods."""
    with tempfile.TemporaryDirectory() as folder:
        client = subprocess.Popen(
            [sys.executable, "-m", MODULE, "client", folder],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert client.stdout
        agent = int(client.stdout.readline())
        before = _field(agent, "VmRSS")
        client.send_signal(signal.SIGSTOP)
        time.sleep(STALL)
        grown = _field(agent, "VmHWM") - before
        client.send_signal(signal.SIGCONT)
        client.kill()
        client.wait()
        with suppress(ProcessLookupError):
            os.kill(agent, signal.SIGTERM)
    return {"grown": grown / MIB}


def client(folder: str) -> None:
    """Start a flood, say which process the agent is, and wait to be stopped."""
    host = _host(folder)
    job = spawn("yes", on=host, memory_limit=MEMORY_LIMIT, output_limit=1 << 30)
    print(_agent(host), flush=True)
    job.wait()


def slow() -> Figures:
    """How soon a signal is answered on a slow link full of output."""
    with tempfile.TemporaryDirectory() as folder:
        link = [sys.executable, str(ROOT / "tests/benchmarks/slow_link.py")]
        host = command("slow", [*link, *_host(folder).argv])
        floods = [spawn("yes", on=host) for _ in range(FLOODS)]
        for job in floods:  # from then on the link is full
            job.until("y")
        times = [
            _once(lambda: floods[0].signal(signal.SIGCONT)) for _ in range(SIGNALS)
        ]
        for job in floods:
            job.kill()
        host.close()
        jobs.clear()
    return {"median": statistics.median(times) * 1e3, "most": max(times) * 1e3}


def _measure(start: Callable[[list[str]], Job]) -> Figures:
    start(["true"]).wait()
    first = [_first_byte(start) for _ in range(STARTS)]
    flood = _once(lambda: _finished(start(["head", "-c", str(FLOOD), "/dev/zero"])))
    job = start(["head", "-c", str(WHOLE), "/dev/zero"])
    whole = _once(lambda: len(_finished(job).stdout.bytes))
    jobs.clear()
    return {
        "first": statistics.median(first) * 1e3,
        "flood": FLOOD / MIB / flood,
        "whole": WHOLE / MIB / whole,
    }


def _first_byte(start: Callable[[list[str]], Job]) -> float:
    began = time.perf_counter()
    job = start(["sh", "-c", "echo; exec sleep 1000"])
    until(job, lambda job: job.stdout.total > 0)
    elapsed = time.perf_counter() - began
    job.kill()
    job.wait()
    return elapsed


def _finished(job: Job) -> Job:
    job.wait()
    until(job, lambda job: job.finished)
    return job


def _once(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _host(folder: str) -> CommandHost:
    words = ["env", f"IPYPROC_RUNTIME_DIR={folder}/agent"]
    return command("there", words, python=sys.executable)


def _agent(host: CommandHost) -> int:
    return host._link.welcome.number("pid")


def _uss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kib = [int(line.split()[1]) for line in lines if line.startswith("Private_")]
    return sum(kib) << 10


def _field(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(it.split()[1]) for it in lines if it.startswith(name)) << 10


if __name__ == "__main__":
    if sys.argv[1] == "client":
        client(sys.argv[2])
    else:
        print(json.dumps(globals()[sys.argv[1]]()))
