"""What random programs print, as a screen."""

from __future__ import annotations

import pytest

from ipyproc.views.terminal import covered, skim
from tests.trials import TRIALS, dice
from tests.views.test_emulator import compare_with_emulator
from tests.views.test_frames import compare_frames
from tests.views.test_redraw import compare_redrawn
from tests.views.test_skim import compare_skimmed


def test_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture is that of an emulator that others wrote."""
    monkeypatch.setattr(skim, "_SHORT", 0)
    compare_with_emulator(dice("emulator"), TRIALS)


def test_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of repeated frames does what all of them would."""
    monkeypatch.setattr(skim, "_SHORT", 0)
    compare_frames(dice("frames"), TRIALS)


def test_redrawn() -> None:
    """A screen that is drawn anew goes on as before."""
    compare_redrawn(dice("redraw"), TRIALS)


@pytest.mark.parametrize("many", [1, 50])
def test_skimmed(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Output that is skimmed leaves the screen as if it had been drawn."""
    monkeypatch.setattr(covered, "_MANY", many)
    compare_skimmed(dice("skim"), TRIALS)
