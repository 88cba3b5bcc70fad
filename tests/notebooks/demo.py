"""Execute a notebook and print, cell by cell, what its reader would see."""

from __future__ import annotations

import os
import re
import sys
from copy import deepcopy
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
        self._headings: list[str] = []
        self._cells: list[NotebookNode] = []
        self._seen: list[list[NotebookNode]] = []

    def begin(self, cell: NotebookNode, _: int) -> None:
        """Print the source of a code cell, below the headings that lead to it."""
        if cell.cell_type != "code":
            self._headings += HEADING.findall(cell.source)
            return
        for heading in self._headings:
            print(f"\n{styled(heading, BOLD)}\n")
        self._headings.clear()
        self._cells.append(cell)
        self._seen.append([])
        _print(f"In [{len(self._cells)}]:", cell.source, DIM)

    def end(self, *_: object) -> None:
        """Print what is new: in the cells above this one, then in this one.

        A job redraws the output of its cell when it ends.
        """
        last = len(self._cells)
        for number, cell in enumerate(self._cells, 1):
            seen, self._seen[number - 1] = (
                self._seen[number - 1],
                deepcopy(cell.outputs),
            )
            for output in cell.outputs:
                if output not in seen:
                    again = f"[{number}] now:" if number < last else ""
                    _print(again or _label(output, number), text(output).strip("\n"))


def styled(line: str, style: str) -> str:
    """Colour a line, where colours are wanted."""
    plain = "NO_COLOR" in os.environ or not sys.stdout.isatty()
    return line if plain else f"\x1b[{style}m{line}\x1b[0m"


def _label(output: NotebookNode, number: int) -> str:
    return f"Out[{number}]:" if output.output_type == "execute_result" else ""


def _print(title: str, body: str, style: str = "") -> None:
    lines = [_cut(line) for line in body.rstrip().splitlines()]
    if len(lines) > LINES:
        lines[LINES - 1 :] = [f"... and {len(lines) - LINES + 1} lines more"]
    for line in lines:
        print(f"{title:>12} {styled(line, style) if style else line}", flush=True)
        title = ""


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."


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
