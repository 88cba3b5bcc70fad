"""All benchmarks, one after the other: ``make bench``."""

from __future__ import annotations

import runpy
from pathlib import Path


def main() -> None:
    """Run every module of this package that measures something."""
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        print(f"== {path.stem.removeprefix('bench_')}", flush=True)
        runpy.run_module(f"tests.benchmarks.{path.stem}", run_name="__main__")


if __name__ == "__main__":
    main()
