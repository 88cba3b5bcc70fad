"""What much output costs: ``python -m tests.benchmarks output``.

256 MiB of output, beside ``subprocess.run(capture_output=True)``: time, and the peak of
memory above that of the output itself. Each measurement runs in its own interpreter,
because memory that one has freed would help the next; all take turns, and medians are
compared.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from tests.benchmarks.measuring import MIB, ROOT, forget_peak, memory
from tests.benchmarks.table import Row

MODULE = "tests.benchmarks.bench_output"
SIZE = 256 << 20
ROUNDS = 9
LARGE = ("head", "-c", str(SIZE), "/dev/zero")
SMALL = ("echo", "hello")


def rows() -> Iterator[Row]:
    """Measure all of it."""
    results = _measured()
    ours, peers = (
        SIZE / MIB / statistics.median(run["seconds"] for run in runs)
        for runs in results.values()
    )
    what, peer = f"output() of {SIZE // MIB} MiB", "subprocess.run captured"
    yield Row(what, ours, "MiB/s", peer, peers, at_least=1.5)
    above, theirs = (
        (max(run["peak"] for run in runs) - SIZE) / MIB for runs in results.values()
    )
    yield Row(f"{what}: memory above the output", above, "MiB", at_most=8)
    yield Row(f"{what}: the same, subprocess.run", theirs, "MiB")


def _measured() -> dict[str, list[dict[str, float]]]:
    results: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(ROUNDS):
        for name, runs in results.items():
            one = [sys.executable, "-m", MODULE, name]
            runs.append(json.loads(subprocess.check_output(one, cwd=ROOT)))
    return results


def measure(name: str) -> None:
    """Take one measurement in this interpreter and print it as JSON."""
    contender = CONTENDERS[name]
    contender(SMALL)  # imports, and first uses
    gc.collect()
    before = memory("VmRSS")
    forget_peak()
    start = time.perf_counter()
    output = contender(LARGE)
    seconds = time.perf_counter() - start
    assert len(output) == SIZE
    print(json.dumps({"seconds": seconds, "peak": memory("VmHWM") - before}))


def _ipyproc(argv: tuple[str, ...]) -> bytes:
    from ipyproc import command

    return command(*argv).output()


def _subprocess(argv: tuple[str, ...]) -> bytes:
    output: bytes = subprocess.run(argv, capture_output=True, check=True).stdout
    return output


CONTENDERS: dict[str, Callable[[tuple[str, ...]], bytes]] = {
    "ipyproc output()": _ipyproc,
    "subprocess capture_output": _subprocess,
}


if __name__ == "__main__":
    measure(sys.argv[1])
