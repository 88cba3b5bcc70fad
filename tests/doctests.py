"""The surroundings of doctests, and what they must not leave behind."""

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
    """Set a standard input with a descriptor for doctests, and remove their ``_``.

    pytest's standard input has no descriptor. doctest keeps the last value in
    ``builtins._``, and if that exists, IPython no longer sets ``_`` itself.
    """
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    with open(os.devnull) as null:
        monkeypatch.setattr(sys, "stdin", null)
        yield
        monkeypatch.undo()
    vars(builtins).pop("_", None)
