"""All benchmarks in one table: ``make bench``.

``python -m tests.benchmarks start jobs`` measures only what ``bench_start`` and
``bench_jobs`` do. The table is kept in ``build/benchmarks.json``; with ``--record`` its
rows become those that the README's figures are compared with.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from tests.benchmarks.measuring import ROOT
from tests.benchmarks.table import Row, load, machine, save, show

HERE = Path(__file__).parent
#: The table of the last run, and that of the README.
LATEST, RECORDED = ROOT / "build/benchmarks.json", HERE / "recorded.json"
_ALL = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def main() -> None:
    """Measure, and exit with 1 if something is over a budget that may not be."""
    words = sys.argv[1:]
    names = [word for word in words if not word.startswith("--")]
    where = machine()
    print(f"\n{where}\n", flush=True)
    rows = show(_rows(names or _ALL))
    save(LATEST, where, rows)
    if "--record" in words:
        before = load(RECORDED) if RECORDED.exists() else {}
        save(RECORDED, where, (before | {row.what: row for row in rows}).values())
    if over := [row.what for row in rows if row.fails]:
        sys.exit(f"\nover budget: {'; '.join(over)}")


def _rows(names: list[str]) -> Iterator[Row]:
    for name in names:
        yield from import_module(f"tests.benchmarks.bench_{name}").rows()


if __name__ == "__main__":
    main()
