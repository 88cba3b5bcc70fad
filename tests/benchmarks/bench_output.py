"""What ``output()`` costs: ``python tests/benchmarks/bench_output.py``.

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
from collections.abc import Callable
from pathlib import Path

SIZE = 256 << 20
ROUNDS = 9
MIB = 1 << 20
LARGE = ("head", "-c", str(SIZE), "/dev/zero")
SMALL = ("echo", "hello")
SMALL_TIMES = 100


def main() -> None:
    """Print medians, ratios and peaks of the large output, then of small ones."""
    print(f"{SIZE // MIB} MiB, {ROUNDS} rounds")
    large = _measured("large")
    for name, runs in large.items():
        seconds = statistics.median(run["seconds"] for run in runs)
        above = max(run["peak"] for run in runs) - SIZE
        print(
            f"  {name:26} {seconds:6.3f} s  {SIZE / MIB / seconds:5.0f} MiB/s"
            f"  peak: output + {above / MIB:4.0f} MiB"
        )
    print(f"  speed: {_ratio(large):.2f} x subprocess (at least 1.0)")
    print(f"{' '.join(SMALL)}, {ROUNDS} rounds of {SMALL_TIMES}")
    small = _measured("small")
    for name, runs in small.items():
        seconds = statistics.median(run["seconds"] for run in runs)
        print(f"  {name:26} {seconds / SMALL_TIMES * 1000:6.2f} ms")
    print(f"  speed: {_ratio(small):.2f} x subprocess")


def _measured(what: str) -> dict[str, list[dict[str, float]]]:
    results: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for _ in range(ROUNDS):
        for name, runs in results.items():
            one = [sys.executable, __file__, what, name]
            runs.append(json.loads(subprocess.check_output(one)))
    return results


def _ratio(results: dict[str, list[dict[str, float]]]) -> float:
    own, peer = (
        statistics.median(run["seconds"] for run in runs) for runs in results.values()
    )
    return peer / own


def measure(what: str, name: str) -> None:
    """Take one measurement in this interpreter and print it as JSON."""
    contender = CONTENDERS[name]
    contender(SMALL)  # imports, and first uses
    gc.collect()
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    start = time.perf_counter()
    if what == "large":
        output = contender(LARGE)
        assert len(output) == SIZE
    else:
        for _ in range(SMALL_TIMES):
            contender(SMALL)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak": _memory("VmHWM") - before}))


def _memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) << 10


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
    measure(*sys.argv[1:]) if sys.argv[1:] else main()
