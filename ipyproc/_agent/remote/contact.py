"""Whether there is contact with an agent, and since when there is none."""

from __future__ import annotations

import math
import time
from typing import Final

#: Without a byte for so long there is no contact, in seconds.
NO_CONTACT: Final = 4.0


class Contact:
    """Changed on the event loop's thread only; any thread may ask."""

    def __init__(self) -> None:
        # Since when nothing was heard; inf: it was a moment ago.
        self._silent_since = math.inf
        # Whether it was told that there is no contact.
        self._told_silence = False

    @property
    def silence(self) -> float:
        """For how many seconds nothing was heard, if that is longer than it should."""
        silent = time.monotonic() - self._silent_since
        return silent if silent > NO_CONTACT else 0.0

    def heard(self) -> None:
        """Note a byte."""
        self._silent_since = math.inf

    def none_for(self, seconds: float) -> None:
        """Note that nothing was heard for so long."""
        self._silent_since = min(self._silent_since, time.monotonic() - seconds)

    def is_news(self) -> bool:
        """Whether that is to be told: each second without contact, and after it."""
        was_silent, self._told_silence = self._told_silence, self.silence > 0
        return was_silent or self._told_silence
