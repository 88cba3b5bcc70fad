"""Opening descriptors so that no exception loses them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap


def opened(into: list[int], call: Callable[..., int], *arguments: object) -> int:
    """Append what *call* opens to *into*, and return it.

    Signal handlers, which may raise, run between two instructions of the interpreter:
    this is one, so the descriptor is in the list before any of them.
    """
    into.extend(starmap(call, [arguments]))
    return into[-1]
