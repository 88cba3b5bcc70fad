"""Sessions that are killed as their first jobs start."""

from __future__ import annotations

from pathlib import Path

from tests.jobs.cold_start import kill_at_random_moments
from tests.trials import TRIALS, dice


def test_a_kill_around_a_cold_start_leaves_nothing(tmp_path: Path) -> None:
    """A session that is killed as its first jobs start leaves none of them."""
    kill_at_random_moments(TRIALS, tmp_path, dice("cold start"))
