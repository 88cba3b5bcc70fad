"""What an agent makes of nonsense, and of a network at its worst."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.agent.fuzz import fuzz
from tests.agent.test_model import Network
from tests.trials import TRIALS, dice


def test_fuzzed_frames_end_sessions_and_nothing_else() -> None:
    """A hundred frames of nonsense a trial: no job ends, no other client is cut off."""
    fuzz(dice("frames"), 100 * TRIALS)


def test_any_network() -> None:
    """Whatever is lost, doubled or reordered, everything is done once and arrives."""
    steps = settings(max_examples=TRIALS, stateful_step_count=60, deadline=None)
    run_state_machine_as_test(Network, settings=steps)
