"""Jobs: ``python -m tests.benchmarks jobs``.

One at a time beside ``subprocess.run``, with a terminal beside with pipes, 500 at once
beside 500 ``Popen`` with the same pipes, 5000 one after another, and the cost of
measuring 100. Each measurement runs in its own interpreter; those with a peer take
turns, and medians are compared. On a busy machine ``nice -n -15`` helps.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psutil

from ipyproc import Job, jobs, spawn
from ipyproc._jobs.guardian.client import guardian
from tests.benchmarks.measuring import (
    Figures,
    descriptors,
    idle_share,
    in_turns,
    memory,
    taken,
    threads,
)
from tests.benchmarks.table import Row

MODULE = "tests.benchmarks.bench_jobs"
TRUE = ["/bin/true"]
SLEEP = ["/bin/sleep", "1000"]
MANY, IN_A_ROW, WATCHED = 500, 5000, 100
ROUNDS = 5
WARM_UP, ONE_BY_ONE = 20, 200
KIB = 1 << 10


def rows() -> Iterator[Row]:
    """Measure all of it."""
    yield from _one()
    medians = in_turns(MODULE, ROUNDS, ["popen", "at_once"])
    popen, ours = medians["popen"]["start"], medians["at_once"]
    at_once, each = f"{MANY} jobs at once", 1e3 / MANY
    peer = "Popen"
    yield Row(at_once, ours["start"] * each, "ms", peer, popen * each, at_most=1.25)
    share = ours["idle"] * 100 / MANY * 100
    yield Row(f"{at_once}: % of a core for 100", share, "%", at_most=1.0)
    fds = ours["descriptors"] / MANY
    yield Row(f"{at_once}: descriptors each", fds, "", at_most=4)
    yield Row(f"{at_once}: more threads", ours["threads"], "", at_most=0)
    yield Row(f"{at_once}: kill and wait, all", ours["end"], "s")
    yield from _in_a_row(taken(MODULE, "in_a_row"))
    usage = taken(MODULE, "usage")
    what, share = f"usage() of {WATCHED} jobs, once a second", usage["ours"] * 100
    yield Row(what, share, "%", at_most=1.0)
    yield Row(f"{what}, beside psutil", share, "%", "psutil", usage["psutil"] * 100)


def _one() -> Iterator[Row]:
    medians = in_turns(MODULE, ROUNDS, ["run", "one"])
    ms = {name: figures["each"] * 1e3 for name, figures in medians.items()}
    what, peer = "spawn().wait() of /bin/true", "subprocess.run"
    yield Row(what, ms["one"], "ms", peer, ms["run"], at_most=1.25)
    starts = in_turns(MODULE, ROUNDS, ["terminal"])["terminal"]
    what, ours, theirs = "start with a terminal", starts["pty"], starts["pipes"]
    yield Row(what, ours * 1e3, "ms", "with pipes", theirs * 1e3, at_most=1.3)


def _in_a_row(row: Figures) -> Iterator[Row]:
    many = f"{IN_A_ROW - 1000} jobs one after another"
    yield Row(f"{many}: each", row["each"] * 1e3, "ms")
    grown = row["cleared"] / KIB / (IN_A_ROW - 1000)
    yield Row(f"{many}: memory of each that was cleared", grown, "KiB", at_most=0.25)
    yield Row(f"{many}: memory of each that is kept", row["kept"] / KIB, "KiB")
    yield Row(f"{many}: more descriptors", row["descriptors"], "", at_most=0)
    yield Row(f"{many}: more threads", row["threads"], "", at_most=0)


def run() -> Figures:
    """Start and wait, by subprocess."""
    return _each(lambda: subprocess.run(TRUE))


def one() -> Figures:
    """Start and wait, as jobs."""
    first = _first()
    figures = _each(lambda: spawn(TRUE).wait())
    first.kill()
    return figures


def terminal() -> Figures:
    """Start jobs with a terminal and with pipes by turns."""
    first = _first()
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(WARM_UP + ONE_BY_ONE):
        for pty, several in times.items():
            start = time.perf_counter()
            job = spawn(TRUE, pty=pty)
            several.append(time.perf_counter() - start)
            job.wait()
    first.kill()
    pty, pipes = (statistics.median(several[WARM_UP:]) for several in times.values())
    return {"pty": pty, "pipes": pipes}


def _each(once: Callable[[], object]) -> Figures:
    for _ in range(WARM_UP):
        once()
    start = time.perf_counter()
    for _ in range(ONE_BY_ONE):
        once()
    return {"each": (time.perf_counter() - start) / ONE_BY_ONE}


def popen() -> Figures:
    """Start many by subprocess."""
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    with ExitStack() as stack:
        start = time.perf_counter()
        for _ in range(MANY):
            process = subprocess.Popen(
                SLEEP, stdin=null, stdout=pipe, stderr=pipe, start_new_session=True
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        seconds = time.perf_counter() - start
    return {"start": seconds}


def at_once() -> Figures:
    """Start many jobs, look at them, and end them."""
    first = _first()
    before = descriptors(), threads()
    start = time.perf_counter()
    running = [spawn(SLEEP) for _ in range(MANY)]
    seconds = time.perf_counter() - start
    figures = {
        "start": seconds,
        "descriptors": descriptors() - before[0],
        "threads": threads() - before[1],
        "idle": idle_share(2),
    }
    start = time.perf_counter()
    for job in running:
        job.kill()
    for job in running:
        job.wait()
    first.kill()
    return figures | {"end": time.perf_counter() - start}


def in_a_row() -> Figures:
    """Run many jobs; the first thousand are the warm-up."""
    first = _first()
    _run(1000, jobs.clear)
    gc.collect()
    before = memory("VmRSS"), descriptors(), threads()
    start = time.perf_counter()
    _run(IN_A_ROW - 1000, jobs.clear)
    each = (time.perf_counter() - start) / (IN_A_ROW - 1000)
    gc.collect()
    figures = {
        "each": each,
        "cleared": memory("VmRSS") - before[0],
        "descriptors": descriptors() - before[1],
        "threads": threads() - before[2],
    }
    before_kept = memory("VmRSS")
    _run(1000, lambda: None)
    figures["kept"] = (memory("VmRSS") - before_kept) / 1000
    first.kill()
    return figures


def usage() -> Figures:
    """Measure a hundred jobs once a second, with ipyproc and with psutil."""
    running = [spawn(SLEEP) for _ in range(WATCHED)]
    others = [psutil.Process(job.pid) for job in running]
    idle = idle_share(2)
    ours, theirs = [], []
    for _ in range(6):
        time.sleep(1.01)
        ours.append(_share(lambda: [job.usage() for job in running]))
        theirs.append(_share(lambda: [_psutil(process) for process in others]))
    for job in running:
        job.kill()
    return {
        "ours": statistics.median(ours[1:]),
        "psutil": statistics.median(theirs[1:]),
        "idle": idle,
    }


def _first() -> Job:
    """Start a job that stays, so that the event loop and the guardian stay."""
    job = spawn(SLEEP)
    while not guardian().ready:
        time.sleep(0.01)
    return job


def _run(count: int, after: Callable[[], object]) -> None:
    for _ in range(count):
        job = spawn(["/bin/echo", "hello"])
        job.wait()
        assert job.stdout.total == 6
        after()


def _share(work: Callable[[], object]) -> float:
    before = time.thread_time()
    work()
    return time.thread_time() - before


def _psutil(process: psutil.Process) -> object:
    with process.oneshot():
        return (
            process.name(),
            process.ppid(),
            process.cpu_times(),
            process.memory_info().rss,
            process.num_threads(),
            process.num_fds(),
            process.io_counters(),
        )


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))
