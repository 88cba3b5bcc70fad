"""The table of the benchmarks: what it says, what fails, and what the README has."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks.table import Row, load, save, show
from tests.readme import CHINESE, ENGLISH, ROOT

OVER = {
    "a ratio": Row("start", 3.0, "ms", "Popen", 2.0, at_most=1.25),
    "a ratio of speeds": Row("flood", 100.0, "MiB/s", "cat", 400.0, at_least=0.5),
    "a count": Row("calls", 14, "", at_most=13),
    "bytes": Row("pane", 26_000, "bytes", at_most=25_000),
}
#: What the first cell of a line in the README's table says, and the row it is about.
LINES = {
    "`/bin/true`": "start + wait of /bin/true",
    "`echo hello`": "output() of echo hello",
    "| 256 MiB ": "output() of 256 MiB",
    " 4 GiB": "4 GiB, a job, beside run",
    " 500 ": "500 jobs at once",
}


@pytest.mark.parametrize("row", OVER.values(), ids=OVER)
def test_what_is_over_its_budget_fails(row: Row) -> None:
    """A ratio, a count and a number of bytes over their budgets fail, and are named."""
    assert row.fails
    assert row.cells()[-1] == "OVER"


def test_what_is_within_its_budget_passes() -> None:
    """A ratio is judged in place of the times that it is made of."""
    assert not Row("start", 3.0, "ms", "Popen", 2.0, at_most=1.5).is_over
    assert not Row("calls", 13, "", at_most=13).is_over
    assert not Row("start", 3.0, "ms", "Popen", 2.0).is_over


def test_times_are_reported_only() -> None:
    """Milliseconds say more of the machine: over their budget they do not fail."""
    row = Row("first byte", 31.5, "ms", at_most=30)

    assert row.is_over
    assert not row.fails
    assert row.cells() == [
        *("first byte", "≤ 30 ms", "31.5 ms"),
        *("", "", "over, reported"),
    ]


def test_the_table_is_shown_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each row is printed with its peer and ratio; the file has the same rows."""
    rows = show([OVER["a ratio"], OVER["a count"]])
    save(tmp_path / "table.json", "a machine", rows)

    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "| start | ≤ 1.25 × | 3 ms | Popen: 2 ms | 1.50 × | OVER |"  # noqa: RUF001
    assert [*load(tmp_path / "table.json").values()] == rows


def test_a_run_over_budget_exits_with_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """``make bench`` fails if something does, and names it, after it kept the table."""

    def rows(names: list[str]) -> Iterator[Row]:
        yield from [OVER["a count"], Row("fine", 1, "ms")]

    monkeypatch.setattr(command, "_rows", rows)
    monkeypatch.setattr(command, "LATEST", tmp_path / "table.json")
    monkeypatch.setattr(sys, "argv", ["benchmarks"])

    with pytest.raises(SystemExit, match=r"over budget: calls$"):
        command.main()
    assert len(load(tmp_path / "table.json")) == 2


def test_every_benchmark_can_be_asked_for() -> None:
    """Each module has ``rows``, so that the one table has all that is measured."""
    for name in command._ALL:
        source = (ROOT / f"tests/benchmarks/bench_{name}.py").read_text()
        assert "def rows() -> Iterator[Row]:" in source, name


@pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=lambda path: path.name)
@pytest.mark.parametrize("first", LINES)
def test_the_readme_has_the_figures_of_the_table(readme: Path, first: str) -> None:
    """The ratios in the README are those of the run that was recorded last."""
    row = load(command.RECORDED)[LINES[first]]
    table = readme.read_text().split("`make bench`", 1)[1]
    line = next(line for line in table.splitlines() if first in line.split(" | ")[0])

    number = row.shown_ratio.split()[0]
    assert f" {number} {'×' if readme is ENGLISH else '倍'}" in line  # noqa: RUF001
