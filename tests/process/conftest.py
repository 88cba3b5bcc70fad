"""Fixtures for the process layer."""

from __future__ import annotations

import pytest

from ipyproc._sys import pidfd


@pytest.fixture(params=["pidfd", "pid"])
def mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test with pidfds, and as where there are none."""
    if request.param == "pid":
        monkeypatch.setattr(pidfd, "works", lambda: False)
    return str(request.param)
