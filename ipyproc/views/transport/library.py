"""Libraries on their way to the pages that ask for them, packed and in pieces.

They are in no widget's state, and so in no file: a page asks for one once, when it
shows its first terminal, or when something is looked for.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, TypeAlias

from ipyproc.views import assets
from ipyproc.views.transport.output_feed import Message
from ipyproc.views.transport.terminal_protocol import Library, Part

Name: TypeAlias = Literal["terminal", "reader"]

# So many pages of one view may ask at once.
_MOST = 16


class LibraryFeed:
    """The pages of one view that wait for a library, and how much each has.

    It belongs to the thread that sends.
    """

    def __init__(self) -> None:
        self._have: dict[tuple[str, Name], int] = {}

    def ask(self, asked: Library) -> None:
        """Note that a page wants the rest of it."""
        self._have[asked["page"], asked.get("name", "terminal")] = asked["have"]
        while len(self._have) > _MOST:
            self._have.pop(next(iter(self._have)))

    def next(self, room: int) -> Message | None:
        """Return the next piece, of *room* bytes at most."""
        while self._have:
            (page, name), have = next(iter(self._have.items()))
            library = packed(name)
            data = library[have : have + room]
            if have + len(data) < len(library):
                self._have[page, name] = have + len(data)
            else:
                del self._have[page, name]
            if data:
                size = len(library)
                part = Part(kind="part", page=page, offset=have, total=size, name=name)
                return Message(part, data)
        return None


@cache
def packed(name: Name = "terminal") -> bytes:
    """Return a library as ``frontend/build.mjs`` packed it."""
    return assets.read(f"{name}.js.gz")
