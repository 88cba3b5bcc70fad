"""A long day for a kernel: ``python -m tests.benchmarks soak``.

1 GiB and 4 GiB of output beside ``cmd | cat >/dev/null`` and ``subprocess.run``, with
the peak of memory; 8 MB beside ``%%script --out`` in a real IPython; and 2000 jobs,
with what is left of them. Each measurement runs in its own interpreter; those with a
peer take turns, and medians are compared. On a busy machine ``nice -n -15`` helps.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from ipyproc import Job, jobs, spawn
from ipyproc._jobs.guardian.client import guardian
from tests.benchmarks.measuring import (
    MIB,
    Figures,
    descriptors,
    forget_peak,
    in_turns,
    memory,
    taken,
    threads,
)
from tests.benchmarks.table import Row

MODULE = "tests.benchmarks.bench_soak"
GIB = 1 << 30
ROUNDS = 3
#: How much the peer that holds everything in memory is given.
LESS = 512 * MIB
SCRIPT_SIZE = 8_000_000
#: The peer takes about a minute; by then the result is clear.
SCRIPT_PATIENCE = 50
JOBS = 2000
#: MiB: the ``memory_limit`` of a job, and 32.
MOST_MEMORY = 8 + 32


def rows() -> Iterator[Row]:
    """Measure all of it."""
    got = in_turns(MODULE, ROUNDS, ["cat", "flood", "soak", "run"])
    speeds = {name: figures["speed"] / MIB for name, figures in got.items()}
    for name, budget in (("flood", 0.5), ("soak", 0.4)):
        what, ours, cat = NAMES[name], speeds[name], speeds["cat"]
        yield Row(what, ours, "MiB/s", NAMES["cat"], cat, at_least=budget)
        what = f"{what}, beside run"
        yield Row(what, ours, "MiB/s", NAMES["run"], speeds["run"], at_least=1.0)
        peak = got[name]["peak"] / MIB
        yield Row(f"{NAMES[name]}: memory", peak, "MiB", at_most=MOST_MEMORY)
    script, ours = (taken(MODULE, it)["speed"] / 1e6 for it in ("script", "small"))
    what, peer = "8 MB of output in IPython", "%%script --out"
    yield Row(what, ours, "MB/s", peer, script, at_least=100)
    many = taken(MODULE, "many")
    jobs = f"{JOBS} jobs beside a flood"
    yield Row(jobs, JOBS / many["seconds"], "/s")
    yield Row(f"{jobs}: memory", many["peak"] / MIB, "MiB", at_most=MOST_MEMORY)
    yield Row(f"{jobs}: more descriptors", many["descriptors"], "", at_most=0)
    yield Row(f"{jobs}: more threads", many["threads"], "", at_most=0)


NAMES = {
    "cat": "4 GiB, cmd | cat >/dev/null",
    "flood": "4 GiB, a job",
    "soak": "1 GiB, a job that keeps it all",
    "run": "512 MiB, subprocess.run(capture_output=True)",
}


def cat() -> Figures:
    """Pipe the output into another program."""
    start = time.perf_counter()
    subprocess.run(["sh", "-c", f"head -c {4 * GIB} /dev/zero | cat >/dev/null"])
    return {"speed": 4 * GIB / (time.perf_counter() - start)}


def run() -> Figures:
    """Read all the output into memory with subprocess."""
    start = time.perf_counter()
    done = subprocess.run(["head", "-c", str(LESS), "/dev/zero"], capture_output=True)
    assert len(done.stdout) == LESS
    return {"speed": LESS / (time.perf_counter() - start)}


def flood() -> Figures:
    """Run a job that prints four times what is kept."""
    return _captured(4 * GIB, GIB)


def soak() -> Figures:
    """Run a job that prints as much as is kept."""
    return _captured(GIB, GIB)


def _captured(size: int, kept: int) -> Figures:
    _begin()
    before = memory("VmRSS")
    forget_peak()
    start = time.perf_counter()
    job = spawn(["head", "-c", str(size), "/dev/zero"])
    job.wait()
    seconds = time.perf_counter() - start
    assert (job.stdout.total, job.stdout.dropped) == (size, size - kept)
    assert not job.stdout.error
    return {"speed": size / seconds, "peak": memory("VmHWM") - before}


def script() -> Figures:
    """Capture the output of a small program with IPython's own magic."""
    code = (
        "import time; from IPython.core.interactiveshell import InteractiveShell;"
        "shell = InteractiveShell.instance(); start = time.perf_counter();"
        "shell.run_cell_magic('script', '--out got sh',"
        f' "seq 1 10000000 | head -c {SCRIPT_SIZE}");'
        f"assert len(shell.user_ns['got']) == {SCRIPT_SIZE};"
        "print(time.perf_counter() - start)"
    )
    argv = [sys.executable, "-c", code]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, check=True, timeout=SCRIPT_PATIENCE
        )
        seconds = float(done.stdout)
    except subprocess.TimeoutExpired:  # then it is slower still
        seconds = SCRIPT_PATIENCE
    return {"speed": SCRIPT_SIZE / seconds}


def small() -> Figures:
    """Capture the same output with a job."""
    _begin()
    start = time.perf_counter()
    job = spawn(["sh", "-c", f"seq 1 10000000 | head -c {SCRIPT_SIZE}"])
    job.wait()
    assert len(job.stdout.text) == SCRIPT_SIZE
    return {"speed": SCRIPT_SIZE / (time.perf_counter() - start)}


def many() -> Figures:
    """Run many jobs beside one that floods."""
    _begin()
    _run(100)
    gc.collect()
    before = memory("VmRSS"), descriptors(), threads()
    forget_peak()
    endless = spawn(["cat", "/dev/zero"], output_limit=64 * MIB)
    start = time.perf_counter()
    _run(JOBS)
    seconds = time.perf_counter() - start
    peak = memory("VmHWM") - before[0]
    endless.kill()
    _until(partial(_finished, [endless]))
    total = endless.stdout.total
    assert total - endless.stdout.dropped == min(total, 64 * MIB)
    del endless
    jobs.clear()
    gc.collect()
    return {
        "seconds": seconds,
        "peak": peak,
        "descriptors": descriptors() - before[1],
        "threads": threads() - before[2],
    }


def _run(count: int) -> None:
    for _ in range(0, count, 10):
        several = [spawn(["/bin/echo", "hello"]) for _ in range(10)]
        assert all(job.wait().success for job in several)
        assert [job.stdout.text for job in several] == ["hello\n"] * 10
        _until(partial(_finished, several))
        del several
        jobs.clear()


def _finished(several: list[Job]) -> bool:
    return all(job.finished for job in several)


def _begin() -> Job:
    """Start a job that stays, so that the event loop and the guardian stay."""
    job = spawn(["sleep", "1000"])
    _until(lambda: guardian().ready)
    return job


def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.001)


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))
