"""Go is the judge: of every scenario, in both modes, as every user we can be."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.conformance.compare import judge
from tests.conformance.differences import DIFFERENCES, Difference
from tests.conformance.runs import (
    Run,
    expected,
    judged,
    possible,
    scenarios,
    why_impossible,
)

#: So many share a driver: each alone would cost the start of an interpreter.
BATCH = 30


def batches() -> Iterator[Any]:
    """Cut the scenarios into pieces, each of neighbours, with a name of its own."""
    names = list(scenarios())
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        yield pytest.param(batch, id=f"{batch[0]}..{batch[-1]}")


@pytest.mark.slow
@pytest.mark.parametrize("run", possible(), ids=str)
@pytest.mark.parametrize("names", list(batches()))
def test_agrees_with_go(run: Run, names: list[str]) -> None:
    """What ipyproc does is what Go did, or a difference on purpose."""
    if why := why_impossible(run):
        pytest.skip(why)

    wrong = [verdict for verdict in judged(run, names) if verdict.wrong]

    assert not wrong, "\n".join(
        f"{v.id}: {', '.join(map(str, v.wrong))}" for v in wrong
    )


@pytest.mark.parametrize("change", [{"ok": False}, {"state": None}, {"more": 1}])
def test_a_wrong_result_is_found(change: dict[str, object]) -> None:
    """The comparison notices what is wrong, missing or too much."""
    want = expected(Run("pidfd", "root"))["exit-0"]
    got = copy.deepcopy(want)
    got["steps"][0].update(change)

    assert not judge(want, want, "pidfd").wrong
    assert judge(want, got, "pidfd").wrong
    assert judge(want, None, "pidfd").wrong


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda known: known.ids)
def test_a_difference_is_about_a_scenario(difference: Difference) -> None:
    """No difference stays in the list when its scenario has gone."""
    assert any(fnmatchcase(name, difference.ids) for name in scenarios())


def test_every_scenario_is_answered() -> None:
    """Go was asked every scenario there is, as root and as nobody."""
    for user in ("root", "nobody"):
        assert set(expected(Run("pidfd", user))) == set(scenarios())
