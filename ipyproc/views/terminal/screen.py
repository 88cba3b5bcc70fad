"""What a terminal would show: lines of styled text, and a cursor.

A screen without a height, for output that is text with some escapes: colours, carriage
returns, progress bars that move up and down. It is fed bytes as they arrive, in pieces
cut anywhere, and keeps a bounded number of lines. ``frontend/src/screen.ts`` holds the
same model for the page; ``tests/views/vectors.json`` says what both must do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ipyproc._jobs.output.grid import Grid
from ipyproc._jobs.output.line import Line, Run
from ipyproc._jobs.output.parser import Stream
from ipyproc.views.terminal.sgr import Pen

LINES: Final = 1000
CELLS: Final = 1 << 18

#: The style of the view's own notes between the lines of output.
NOTE: Final = "note"


class Screen:
    """Lines of output, fed from several streams that share it.

    >>> screen = Screen()
    >>> screen.feed("stdout", b"10 %\\r100 %\\n")
    >>> screen.feed("stderr", b"\\x1b[31mno")
    >>> screen.feed("stdout", b"thing")
    >>> screen.runs()
    [[('100 %', '')], [('no', 'stderr fg=1'), ('thing', '')]]
    """

    def __init__(self, lines: int = LINES, cells: int = CELLS) -> None:
        #: The lines, and where the cursor is.
        self.grid = Grid(lines, cells, self._dropped)
        self._streams: dict[str, Stream] = {}
        #: How many lines fell off the top.
        self.dropped = 0

    def feed(self, stream: str, data: bytes) -> None:
        """Show what arrived on *stream*."""
        self.stream(stream).feed(data)

    def stream(self, name: str) -> Stream:
        """Return the stream that is called *name*."""
        if name not in self._streams:
            self._streams[name] = Stream(self.grid, Pen(name))
        return self._streams[name]

    @property
    def streams(self) -> Mapping[str, Stream]:
        """The streams that were fed, by name."""
        return self._streams

    def add_lines(self, count: int) -> None:
        """Add empty lines at the end."""
        passing = self.grid.add_lines(max(0, count))  # which drops others, too
        self.dropped += passing

    def finish(self) -> None:
        """Show what was left incomplete: nothing more follows."""
        for stream in self._streams.values():
            stream.feed(b"", final=True)

    def note(self, text: str) -> None:
        """Add a line of the view's own at the end.

        What follows starts with a new parser: the end of an escape may be in the gap.
        """
        self.finish()
        self._streams.clear()
        self.grid.begin_anew()
        Stream(self.grid, Pen(NOTE)).write(text)
        self.grid.begin_anew()

    @property
    def height(self) -> int:
        """How many lines there are; an empty one at the end does not count."""
        lines = self.grid.lines
        return len(lines) - (1 if lines and not lines[-1].chars else 0)

    def runs(self, last: int = LINES) -> list[list[Run]]:
        """Return the lines, or the *last* ones, each as a list of (text, style)."""
        height = self.height
        first = max(0, height - last)
        return [line.runs() for line in self.grid.lines[first:height]]

    def _dropped(self, _: Line) -> None:
        self.dropped += 1
