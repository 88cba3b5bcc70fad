"""One table of all that is measured: budget, measured, peer, ratio, and on what.

A row with a peer is judged by its ratio, any other by what was measured. What is over
its budget fails, except for times without a peer: those say more of the machine.
"""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TextIO

#: Units of which more is better: of these a ratio is a speed, of all others a cost.
SPEEDS = {"MiB/s", "MB/s", "/s"}
_TIMES = {"s", "ms"}
_TIMES_AS_MUCH = "\N{MULTIPLICATION SIGN}"
_COLUMNS = ["what", "budget", "measured", "peer", "ratio", ""]


@dataclass(frozen=True)
class Row:
    """One figure: *measured* and *peers* are in *unit*."""

    what: str
    measured: float
    unit: str
    peer: str = ""
    peers: float | None = None
    at_most: float = math.inf
    at_least: float = -math.inf

    @property
    def ratio(self) -> float | None:
        """How many times what the peer has."""
        return self.measured / self.peers if self.peers else None

    @property
    def is_over(self) -> bool:
        """Whether it is outside its budget."""
        judged = self.measured if self.ratio is None else self.ratio
        return not self.at_least <= judged <= self.at_most

    @property
    def fails(self) -> bool:
        """Whether that is a failure of ours, whatever the machine."""
        return self.is_over and (self.ratio is not None or self.unit not in _TIMES)

    @property
    def shown_ratio(self) -> str:
        """The ratio, as the table and the README have it."""
        return "" if self.ratio is None else _quantity(self.ratio, _TIMES_AS_MUCH)

    @property
    def shown(self) -> str:
        """What was measured, with its unit."""
        return _quantity(self.measured, self.unit)

    def cells(self) -> list[str]:
        """Return the columns of the table."""
        peer = self.peer
        if self.peers is not None:
            peer = f"{self.peer}: {_quantity(self.peers, self.unit)}"
        over = "OVER" if self.fails else "over, reported" if self.is_over else ""
        return [self.what, self._budget(), self.shown, peer, self.shown_ratio, over]

    def _budget(self) -> str:
        unit = _TIMES_AS_MUCH if self.ratio is not None else self.unit
        limits = [("≤", self.at_most), ("≥", self.at_least)]
        given = [(sign, limit) for sign, limit in limits if math.isfinite(limit)]
        return ", ".join(f"{sign} {_quantity(limit, unit)}" for sign, limit in given)


def machine() -> str:
    """Say on what the figures were measured."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    python, kernel = platform.python_version(), platform.release()
    libc = " ".join(platform.libc_ver())
    return (
        f"{_processor()}, {cores} cores, Linux {kernel}, {libc}, "
        f"Python {python}, load {load:.1f}"
    )


def show(rows: Iterable[Row], file: TextIO | None = None) -> list[Row]:
    """Print each row of a Markdown table as soon as it is known; return them all."""
    print("|", " | ".join(_COLUMNS), "|", file=file)
    print("|", " | ".join("---" for _ in _COLUMNS), "|", file=file, flush=True)
    known = []
    for row in rows:
        print("|", " | ".join(row.cells()), "|", file=file, flush=True)
        known.append(row)
    return known


def save(path: Path, where: str, rows: Iterable[Row]) -> None:
    """Write the table to a file."""
    kept = [{k: v for k, v in asdict(row).items() if _is_known(v)} for row in rows]
    text = json.dumps({"machine": where, "rows": kept}, indent=1, ensure_ascii=False)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n")


def load(path: Path) -> dict[str, Row]:
    """Read the rows of such a file, by what they are about."""
    names = {field.name for field in fields(Row)}
    rows = json.loads(path.read_text())["rows"]
    found = [Row(**{k: v for k, v in row.items() if k in names}) for row in rows]
    return {row.what: row for row in found}


def _is_known(value: object) -> bool:
    return not (value is None or (isinstance(value, float) and math.isinf(value)))


def _quantity(value: float, unit: str) -> str:
    return f"{_short(value)} {unit}".rstrip()


def _short(value: float) -> str:
    """Show three digits, or more of a large number."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def _processor() -> str:
    names: Iterator[str] = (
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    return next(names, platform.machine())
