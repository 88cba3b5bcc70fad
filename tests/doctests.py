"""What a doctest finds, and what it must not leave to the tests after it."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def doctest_surroundings(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Give doctests a standard input with a descriptor, and take their ``_`` away.

    pytest's own has none. doctest keeps the last value in ``builtins._``, and where
    there is one, IPython no longer sets ``_`` itself.
    """
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    with open(os.devnull) as null:
        monkeypatch.setattr(sys, "stdin", null)
        yield
        monkeypatch.undo()
    vars(builtins).pop("_", None)
