"""Many jobs through a LocalCluster: ``python -m tests.trials.dask_jobs NUMBER``.

Prints what was seen, as JSON: how many ended, how often each was started, and how long
the client and the scheduler were busy with something else at most.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from distributed import Client, LocalCluster

from ipyproc import hosts, jobs, spawn

PATIENCE = 600.0
LOOK_EVERY = 0.05


class Pulse:
    """How late a thread of the client is, and how soon the scheduler answers."""

    def __init__(self, client: Client) -> None:
        self.late = self.answer = 0.0
        self._client = client
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=look) for look in (self._tick, self._ask)
        ]

    def __enter__(self) -> Pulse:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _tick(self) -> None:
        before = time.monotonic()
        while not self._is_over.wait(LOOK_EVERY):
            now = time.monotonic()
            self.late, before = max(self.late, now - before - LOOK_EVERY), now

    def _ask(self) -> None:
        while not self._is_over.wait(10 * LOOK_EVERY):
            before = time.monotonic()
            self._client.nthreads()
            self.answer = max(self.answer, time.monotonic() - before)


def measure(number: int, folder: Path) -> dict[str, float]:
    """Run so many jobs, four at a time."""
    starts = folder / "starts"
    with (
        LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as it,
        Client(it) as client,
    ):
        host = hosts.dask(client)
        spawn("true", on=host).wait(PATIENCE)
        memory, began = _memory(), time.monotonic()
        with Pulse(client) as pulse:
            started = [
                spawn(f"echo {n} >>{starts}", shell=True, on=host, name="job")
                for n in range(number)
            ]
            queued = time.monotonic() - began
            ended = [job.wait(PATIENCE).success for job in started]
        seconds = time.monotonic() - began
        host.close()
    seen = Counter(starts.read_text().split())
    figures = {
        "ended": sum(ended),
        "started": len(seen),
        "most starts of one": max(seen.values()),
        "seconds": seconds,
        "seconds until all were queued": queued,
        "client late": pulse.late,
        "scheduler's answer": pulse.answer,
        "MiB more in the client": (_memory() - memory) / 1024,
    }
    jobs.clear()
    return figures


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Measure, and print it."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(int(sys.argv[1]), Path(folder))))


if __name__ == "__main__":
    main()
