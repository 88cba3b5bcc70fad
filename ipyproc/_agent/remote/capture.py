"""What a stream of a far job printed: its window here, and the rest on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ipyproc._agent.protocol.client import Answer
from ipyproc._agent.protocol.frames import Fields
from ipyproc._jobs.output.capture import Capture

# The most that is fetched at once.
_PIECE: Final = 1 << 20


class FarCapture(Capture):
    """A capture that an agent keeps. *window* is what arrived of it.

    What is not in the window is fetched, which may raise ``TimeoutError`` if there is
    no contact, and ``ConnectionError`` if there never will be.
    """

    def __init__(
        self,
        window: Capture,
        output_limit: int,
        fetch: Callable[[int, int], Answer],
    ) -> None:
        super().__init__(0, output_limit, window.encoding)
        self._window = window
        self._fetch = fetch
        self._dropped = 0

    @property
    def total(self) -> int:
        """How many bytes the stream printed, as far as that is known here."""
        return self._window.total

    @property
    def dropped(self) -> int:
        """How many of them the agent no longer keeps."""
        return self._dropped

    @property
    def in_memory(self) -> int:
        """How many of them are in memory here."""
        return self._window.in_memory

    def time_at(self, offset: int) -> float | None:
        """Return how many seconds after the start the byte at *offset* arrived here."""
        return self._window.time_at(offset)

    def told(self, dropped: int, error: str | None) -> None:
        """Take over what the agent says of it."""
        self._dropped = dropped
        self.error = OSError(error) if error else None

    def read(self, offset: int, size: int) -> tuple[int, bytes]:
        """Return the first offset kept from *offset* on, and at most *size* bytes."""
        offset = max(0, offset)
        start, data = self._window.read(offset, size)
        if start == offset or size <= 0 or offset >= self._window.total:
            return start, data
        answer = self._fetch(offset, min(size, start - offset, _PIECE))
        if answer.start is None or answer.start >= start:
            return start, data
        return answer.start, answer.data


def told(captures: Sequence[FarCapture], fields: Fields) -> None:
    """Tell both streams what COURSE says of them."""
    dropped, errors = fields.body.get("dropped"), fields.body.get("errors")
    if not isinstance(dropped, list) or not isinstance(errors, list):
        return
    for capture, lost, error in zip(captures, dropped, errors, strict=False):
        capture.told(int(lost), None if error is None else str(error))
