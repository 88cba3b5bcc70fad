"""What the benchmarks of jobs have in common."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

MIB = 1 << 20
ROOT = Path(__file__).parents[2]
Figures = dict[str, float]


def taken(module: str, *words: str) -> Figures:
    """Measure once in a new interpreter, which prints JSON."""
    argv = [sys.executable, "-m", module, *words]
    figures: Figures = json.loads(subprocess.check_output(argv, cwd=ROOT))
    return figures


def in_turns(module: str, rounds: int, names: Iterable[str]) -> dict[str, Figures]:
    """Run all by turns, and return the medians of their figures."""
    runs: dict[str, list[Figures]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, figures in runs.items():
            figures.append(taken(module, name))
    return {
        name: {
            key: statistics.median(run[key] for run in several) for key in several[0]
        }
        for name, several in runs.items()
    }


def memory(field: str) -> int:
    """Return ``VmRSS`` or ``VmHWM`` of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) << 10


def forget_peak() -> None:
    """Reset ``VmHWM`` to the memory that is held now."""
    Path("/proc/self/clear_refs").write_text("5")


def descriptors() -> int:
    """Return the number of descriptors that this process has open."""
    return len(os.listdir("/proc/self/fd")) - 1


def threads() -> int:
    """Count the threads of this process."""
    return threading.active_count()


def idle_share(wait: float) -> float:
    """Return the share of a processor that this process uses while it is idle."""
    before = time.process_time()
    time.sleep(wait)
    return (time.process_time() - before) / wait
