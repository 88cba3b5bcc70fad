"""What a terminal would show: lines of styled text, and a cursor.

A screen without a height, for output that is text with some escapes: colours, carriage
returns, progress bars that move up and down. It is fed bytes as they arrive, in pieces
cut anywhere, and keeps a bounded number of lines. ``frontend/src/screen.ts`` holds the
same model for the page; ``tests/views/vectors.json`` says what both must do.
"""

from __future__ import annotations

from typing import Final

from ipyproc.views.terminal.line import Line, Run
from ipyproc.views.terminal.parser import Stream

LINES: Final = 1000
CELLS: Final = 1 << 18

#: The style of the view's own notes between the lines of output.
NOTE: Final = "note"


class Screen:
    """Lines of output, fed from several streams.

    >>> screen = Screen()
    >>> screen.feed("stdout", b"10 %\\r100 %\\n")
    >>> screen.feed("stderr", b"\\x1b[31mno")
    >>> screen.runs()
    [[('100 %', '')], [('no', 'stderr fg=1')]]
    """

    def __init__(self, lines: int = LINES, cells: int = CELLS) -> None:
        self._most_lines = lines
        self._most_cells = cells
        self._lines: list[Line] = []
        self._owners: dict[Line, Stream] = {}
        self._cells = 0
        self._streams: dict[str, Stream] = {}
        #: How many lines fell off the top.
        self.dropped = 0

    def feed(self, stream: str, data: bytes) -> None:
        """Show what arrived on *stream*."""
        if stream not in self._streams:
            self._streams[stream] = Stream(stream, self)
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
        stream = Stream(NOTE, self)
        stream.feed(text.encode())

    def runs(self) -> list[list[Run]]:
        """Return the lines, each as a list of (text, style)."""
        runs = [line.runs() for line in self._lines]
        return runs[:-1] if runs and not runs[-1] else runs

    def begin(self, stream: Stream) -> Line:
        """Add an empty line of *stream* at the end; the first may fall off the top."""
        line = Line()
        self._lines.append(line)
        self._owners[line] = stream
        self._drop()
        return line

    def remove(self, lines: list[Line]) -> None:
        """Remove *lines*, which a stream erased."""
        for line in lines:
            self._lines.remove(line)
            self._forget(line)

    def resized(self, cells: int) -> None:
        """Count *cells* more; the first line may fall off the top."""
        self._cells += cells
        self._drop()

    def _drop(self) -> None:
        while len(self._lines) > self._most_lines or (
            self._cells > self._most_cells and len(self._lines) > 1
        ):
            line = self._lines.pop(0)
            self._owners[line].forget_first()
            self._forget(line)
            self.dropped += 1

    def _forget(self, line: Line) -> None:
        self._cells -= len(line.chars)
        del self._owners[line]
