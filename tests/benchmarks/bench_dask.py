"""Jobs of a Dask cluster: ``python -m tests.benchmarks dask``.

Beside what Dask itself has for a process that one talks to: an actor that starts it,
and whose calls fetch what it prints. Both on the same LocalCluster, in turns.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from distributed import Client, LocalCluster

from ipyproc import Job, hosts, jobs, spawn
from tests.benchmarks.measuring import MIB, Figures, in_turns
from tests.benchmarks.table import Row
from tests.jobs.helpers import until

MODULE = "tests.benchmarks.bench_dask"
ROUNDS = 3
STARTS = 20
FLOOD = 64 * MIB
PIECE = MIB
ECHO = ["sh", "-c", "echo; exec sleep 1000"]
ZEROS = ["head", "-c", str(FLOOD), "/dev/zero"]


def rows() -> Iterator[Row]:
    """Measure both."""
    medians = in_turns(MODULE, ROUNDS, ["ours", "actors"])
    ours, peer = medians["ours"], medians["actors"]
    first, name = "a job of a cluster: start to first byte", "Dask's actor"
    yield Row(first, ours["first"], "ms", name, peer["first"])
    speed = "a job of a cluster: all bytes of 64 MiB"
    yield Row(speed, ours["speed"], "MiB/s", name, peer["speed"], at_least=2)


class Actor:
    """A process of a worker, as one writes it with what Dask has."""

    def __init__(self, argv: list[str]) -> None:
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE)

    async def read(self, size: int) -> bytes:
        """Return what it has printed; empty at its end."""
        assert self._process.stdout
        fd = self._process.stdout.fileno()
        return await asyncio.to_thread(os.read, fd, size)

    async def kill(self) -> int:
        """End it."""
        self._process.kill()
        return self._process.wait()


def ours() -> Figures:
    """Jobs."""
    with _cluster() as cluster, Client(cluster) as client:
        host = hosts.dask(client)
        spawn("true", on=host).wait()

        def first() -> Job:
            job = spawn(ECHO, on=host)
            until(job, lambda job: job.stdout.total > 0)
            return job

        def end(job: Job) -> None:
            job.kill()
            job.wait()

        def whole() -> int:
            job = spawn(ZEROS, on=host)
            until(job, lambda job: job.finished)
            return len(job.stdout.bytes)

        figures = _measure(first, end, whole)
        host.close()
    jobs.clear()
    return figures


def actors() -> Figures:
    """Actors."""
    with _cluster() as cluster, Client(cluster) as client:

        def start(argv: list[str]) -> Any:
            return client.submit(Actor, argv, actor=True, pure=False).result()

        def first() -> Any:
            actor = start(ECHO)
            assert actor.read(PIECE).result()
            return actor

        def end(actor: Any) -> None:
            actor.kill().result()

        def whole() -> int:
            actor, size = start(ZEROS), 0
            while data := actor.read(PIECE).result():
                size += len(data)
            actor.kill().result()
            return size

        return _measure(first, end, whole)


def _cluster() -> LocalCluster:
    return LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None)


def _measure(
    first: Callable[[], Any], end: Callable[[Any], None], whole: Callable[[], int]
) -> Figures:
    end(first())
    times = []
    for _ in range(STARTS):
        began = time.perf_counter()
        one = first()
        times.append(time.perf_counter() - began)
        end(one)
    began = time.perf_counter()
    assert whole() == FLOOD
    seconds = time.perf_counter() - began
    return {"first": statistics.median(times) * 1e3, "speed": FLOOD / MIB / seconds}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["IPYPROC_RUNTIME_DIR"] = f"{folder}/agent"
        print(json.dumps(globals()[sys.argv[1]]()))
