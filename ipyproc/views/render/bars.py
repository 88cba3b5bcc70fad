"""Values in the course of time, drawn as one line of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

# So many characters wide, of these heights.
_COLUMNS: Final = 30
_BARS: Final = "▁▂▃▄▅▆▇█"


def bars(samples: Sequence[tuple[float, float]]) -> str:
    """Draw values as bars from 0 to the largest, each for the time before it.

    >>> bars([(25, 1), (50, 4), (75, 2), (100, 0)])
    '▃▃▃▃▃▃▃▃████████▅▅▅▅▅▅▅▁▁▁▁▁▁▁'
    """
    end, most = samples[-1][0], max(value for _, value in samples) or 1.0
    tops: dict[int, float] = {}
    for moment, value in samples:
        column = min(int(_COLUMNS * moment / end), _COLUMNS - 1) if end else 0
        tops[column] = max(tops.get(column, 0.0), value)
    drawn, value = "", 0.0
    for column in reversed(range(_COLUMNS)):
        value = tops.get(column, value)
        drawn = _BARS[round((len(_BARS) - 1) * value / most)] + drawn
    return drawn
