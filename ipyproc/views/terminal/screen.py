"""What a terminal would show: lines of styled text, and a cursor.

A screen without a height, for output that is text with some escapes: colours, carriage
returns, progress bars that move up and down. It is fed bytes as they arrive, in pieces
cut anywhere, and keeps a bounded number of lines. ``frontend/src/screen.ts`` holds the
same model for the page; ``tests/views/vectors.json`` says what both must do.
"""

from __future__ import annotations

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
        self._grid = Grid(lines, cells, self._dropped)
        self._streams: dict[str, Stream] = {}
        #: How many lines fell off the top.
        self.dropped = 0

    def feed(self, stream: str, data: bytes) -> None:
        """Show what arrived on *stream*."""
        if stream not in self._streams:
            self._streams[stream] = Stream(self._grid, Pen(stream))
        self._streams[stream].feed(data)

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
        self._grid.begin_anew()
        Stream(self._grid, Pen(NOTE)).write(text)
        self._grid.begin_anew()

    def runs(self) -> list[list[Run]]:
        """Return the lines, each as a list of (text, style)."""
        runs = [line.runs() for line in self._grid.lines]
        return runs[:-1] if runs and not runs[-1] else runs

    def _dropped(self, _: Line) -> None:
        self.dropped += 1
