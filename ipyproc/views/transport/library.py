"""The terminal's library on its way to the pages that ask for it, packed and in pieces.

It is in no widget's state, and so in no file: a page asks for it once, when it shows
its first terminal.
"""

from __future__ import annotations

from functools import cache

from ipyproc.views import assets
from ipyproc.views.transport.output_feed import Message
from ipyproc.views.transport.terminal_protocol import Library, Part

# So many pages of one view may ask at once.
_MOST = 16


class LibraryFeed:
    """The pages of one view that wait for the library, and how much each has.

    It belongs to the thread that sends.
    """

    def __init__(self) -> None:
        self._have: dict[str, int] = {}

    def ask(self, asked: Library) -> None:
        """Note that a page wants the rest of it."""
        self._have[asked["page"]] = asked["have"]
        while len(self._have) > _MOST:
            self._have.pop(next(iter(self._have)))

    def next(self, room: int) -> Message | None:
        """Return the next piece, of *room* bytes at most."""
        library = packed()
        while self._have:
            page, have = next(iter(self._have.items()))
            data = library[have : have + room]
            if have + len(data) < len(library):
                self._have[page] = have + len(data)
            else:
                del self._have[page]
            if data:
                part = Part(kind="part", page=page, offset=have, total=len(library))
                return Message(part, data)
        return None


@cache
def packed() -> bytes:
    """Return the library as ``frontend/build.mjs`` packed it."""
    return assets.read("terminal.js.gz")
