"""Many jobs: ``python -m tests.benchmarks.bench_jobs``.

500 at once beside 500 ``Popen`` with the same pipes, 5000 one after another, and the
cost of measuring 100. Each measurement runs in its own interpreter; the two starts
take turns, and medians are compared. On a busy machine ``nice -n -15`` helps.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
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
    say,
    taken,
    threads,
)

MODULE = "tests.benchmarks.bench_jobs"
SLEEP = ["/bin/sleep", "1000"]
MANY, IN_A_ROW, WATCHED = 500, 5000, 100
ROUNDS = 5
KIB = 1 << 10


def main() -> None:
    """Print the figures, each with its budget."""
    print(f"{MANY} jobs at once, {ROUNDS} rounds")
    medians = in_turns(MODULE, ROUNDS, ["popen", "at_once"])
    popen, ours = medians["popen"], medians["at_once"]
    say("Popen, each", f"{popen['start'] / MANY * 1e3:.3f} ms")
    say("spawn, each", f"{ours['start'] / MANY * 1e3:.3f} ms")
    say("start", f"{ours['start'] / popen['start']:.2f} x Popen", "at most 1.5")
    say("processor while idle", f"{ours['idle']:.2%}", "at most 2 % of a core")
    say("descriptors of each", f"{ours['descriptors'] / MANY:.2f}", "at most 4")
    say("threads", f"+{ours['threads']:.0f}", "one")
    say("kill and wait, all", f"{ours['end']:.2f} s")
    print(f"{IN_A_ROW} jobs one after another, of which the last {IN_A_ROW - 1000} add")
    row = taken(MODULE, "in_a_row")
    say("each", f"{row['each'] * 1e3:.2f} ms")
    say("memory if they are cleared", f"{row['cleared'] / KIB:.0f} KiB", "no growth")
    say("memory of each that is kept", f"{row['kept'] / KIB:.1f} KiB")
    say("descriptors", f"{row['descriptors']:+.0f}", "no growth")
    say("threads", f"{row['threads']:+.0f}", "no growth")
    print(f"usage() of {WATCHED} jobs, once a second")
    usage = taken(MODULE, "usage")
    say("share of a core", f"{usage['ours']:.2%}", "less than 1 %")
    say("the same figures by psutil", f"{usage['psutil']:.2%}")
    say("share of a core while nobody looks", f"{usage['idle']:.2%}")


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
    if sys.argv[1:]:
        print(json.dumps(globals()[sys.argv[1]]()))
    else:
        main()
