"""Execute a notebook and print, cell by cell, what its reader would see."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from pathlib import Path

from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tests.notebooks.execution import execute, text

LINES = 12  # of a cell or an output; the rest is counted
WIDTH = 88
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
BOLD, DIM, GREEN, RED = "1", "2", "32", "31"


class Reader:
    """Prints a notebook while it is executed."""

    def __init__(self) -> None:
        self._cells: list[NotebookNode] = []
        self._seen: list[list[str]] = []

    def begin(self, cell: NotebookNode, _: int) -> None:
        """Print the headings of a text, or the source of a code cell."""
        if cell.cell_type != "code":
            for heading in HEADING.findall(cell.source):
                print(f"\n{styled(heading, BOLD)}\n")
            return
        self._cells.append(cell)
        self._seen.append([])
        _print(f"In [{len(self._cells)}]:", cell.source, DIM)

    def end(self, *_: object) -> None:
        """Print what is new: under this cell, and under those above it.

        A job that has ended meanwhile has redrawn its output.
        """
        for number, cell in enumerate(self._cells, 1):
            outputs = [text(output).strip("\n") for output in cell.outputs]
            seen, self._seen[number - 1] = self._seen[number - 1], outputs
            title = "" if number == len(self._cells) else f"  [{number}] now:"
            for new in outputs:
                if new and new not in seen:
                    _print(title, new)


def styled(line: str, style: str) -> str:
    """Colour a line, where colours are wanted."""
    plain = "NO_COLOR" in os.environ or not sys.stdout.isatty()
    return line if plain else f"\x1b[{style}m{line}\x1b[0m"


def _print(title: str, body: str, style: str = "") -> None:
    lines = body.rstrip().splitlines()
    if len(lines) > LINES:
        lines[LINES - 1 :] = [f"... and {len(lines) - LINES + 1} lines more"]
    for head, line in zip([title] + [""] * len(lines), lines, strict=False):
        short = textwrap.shorten(line, WIDTH) if len(line) > WIDTH else line
        print(f"{head:>11} {styled(short, style) if style else short}", flush=True)


def main(path: Path) -> int:
    """Execute the notebook at *path*; return 1 if a cell fails."""
    reader = Reader()
    try:
        notebook = execute(path, reader.begin, reader.end)
    except CellExecutionError as error:
        reader.end()
        print(styled(f"\nFailed: {error.ename}: {error.evalue}", RED))
        return 1
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    print(styled(f"\nAll {cells} cells ran.", GREEN))
    print("See it live in JupyterLab: make lab")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
