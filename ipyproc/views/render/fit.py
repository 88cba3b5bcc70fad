"""Tables that stay small in a saved notebook, however long their texts are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from ipyproc.views.render.format import saved_size
from ipyproc.views.transport.protocol import JobFields

#: The rows of a large table.
MANY: Final = 200
# The most characters of a text that are tried, one after the other.
_LENGTHS: Final = (300, 120, 60, 30, 12, 5, 2)


def fitted(
    rows: Iterable[JobFields], draw: Callable[[Sequence[JobFields]], str], largest: int
) -> str:
    """Return what *draw* makes of rows, with texts cut so that it is small.

    It has at most *largest* bytes, for `MANY` rows; of more rows in proportion. If
    nothing helps it has more.
    """
    rows, drawn = list(rows), ""
    most = max(largest, len(rows) * largest // MANY)
    for length in _LENGTHS:
        drawn = draw([_cut(row, length) for row in rows])
        if saved_size(drawn) <= most:
            break
    return drawn


def _cut(row: JobFields, length: int) -> JobFields:
    """Cut the texts of a row; of its last line the end stays."""
    return {
        **row,
        "name": _beginning(row["name"], length),
        "label": _beginning(row["label"], length),
        "command": _beginning(row["command"], length),
        "last": _end(row["last"], length),
    }


def _beginning(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _end(text: str, length: int) -> str:
    return text if len(text) <= length else f"…{text[1 - length :]}"
