"""Command lines at random."""

from __future__ import annotations

from tests.magics.random_lines import compare_with_bash, read_at_random
from tests.trials import TRIALS, dice


def test_lines() -> None:
    """Any line and body is a command, or is refused in one line."""
    read_at_random(dice("lines"), TRIALS)


def test_bash() -> None:
    """What is not refused is split as bash splits it."""
    compare_with_bash(dice("bash"), TRIALS)
