"""The exercises of a notebook: as committed, with a wrong answer, with the solution.

An exercise is a cell with the tag ``exercise`` that the reader fills in, a cell with
the tag ``check`` that says whether the answer is right, and text with two hints and the
solution, all folded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

SOLUTION = re.compile(r"<details>.*?^```python\n(.*?)^```$.*?</details>", re.M | re.S)
ASKED = re.compile(r'\bcheck\(\s*"(\w+)"')
#: The last cell: lists the children of the kernel that are left, zombies too.
LEFT = """
import psutil
[
    child
    for child in psutil.Process().children(recursive=True)
    if "guardian" not in " ".join(child.cmdline())
]
"""
#: What a check says first, by the kind of the answer.
VERDICTS = {
    "blank": "Not yet: fill in",
    "missing": "Not yet: run the cell above",
    "wrong": "Not quite: ",
    "odd": "Not quite: ",
    "late": "Not quite: ",
    "solution": "Right!",
    "progress": "All ",
    "leftovers": "[]",
}
#: Seconds after which an answer that hangs is interrupted here.
PATIENCE = 0.5
SUMMARY = re.compile(r"^<summary>(.*)</summary>$", re.M)


@dataclass(frozen=True)
class Exercise:
    """The cells of one exercise, and its solution."""

    blank: NotebookNode
    check: NotebookNode
    text: str

    @property
    def name(self) -> str:
        """The name that the reader gives to the answer."""
        return ASKED.search(self.check.source)[1]

    @property
    def is_function(self) -> bool:
        """Whether the answer is a function."""
        return f"def {self.name}(" in self.blank.source

    @property
    def solution(self) -> str:
        """The cell that solves it."""
        return SOLUTION.search(self.text)[1]


def exercises(notebook: NotebookNode) -> Iterator[Exercise]:
    """Find the exercises of a notebook."""
    cells = notebook.cells
    for blank, check, text in zip(cells, cells[1:], cells[2:], strict=False):
        if "exercise" in blank.metadata.get("tags", ()):
            assert "check" in check.metadata.tags, blank.id
            assert SOLUTION.search(text.source), f"{blank.id} has no solution"
            assert ASKED.search(check.source), f"{blank.id} has no name"
            yield Exercise(blank, check, text.source)


def answered(notebook: NotebookNode, wrong: dict[str, tuple[str, str]]) -> NotebookNode:
    """Return a copy that answers each exercise in all ways: not at all, wrongly, ....

    Each check is marked with the answer that it judges, and with what it will say. The
    copy ends with a look at what is left. *wrong* has an answer for each blank, by the
    id of its cell.
    """
    copy = deepcopy(notebook)
    for exercise in list(exercises(copy)):
        exercise.check.metadata["judges"] = "blank"
        at = copy.cells.index(exercise.check) + 1
        tries = _tries(exercise, *wrong[exercise.blank.id])
        copy.cells[at:at] = chain.from_iterable(tries)
    for cell in copy.cells:
        if cell.id.endswith("-progress"):
            cell.metadata["judges"] = "progress"
    copy.cells.append(new_code_cell(LEFT, metadata={"judges": "leftovers"}))
    return copy


def _tries(exercise: Exercise, wrong: str, said: str) -> Iterator[list[NotebookNode]]:
    name, check = exercise.name, exercise.check
    yield _tried("missing", f"del {name}", check)
    yield _tried("wrong", wrong, check, said)
    if exercise.is_function:
        odd = f"def {name}(*_): raise ZeroDivisionError('odd')"
        yield _tried("odd", odd, check, f"{name} raises ZeroDivisionError: odd.")
        hangs = f"def {name}(*_): import time; time.sleep(100)"
        late = f"{name} was not done after {PATIENCE} seconds."
        yield [_patience(PATIENCE), *_tried("late", hangs, check, late), _patience(10)]
    else:
        yield _tried("odd", f"{name} = object()", check)
    yield _tried("solution", exercise.solution, check)
    # The rest runs as it does for a reader who fills nothing in.
    yield _tried("blank", exercise.blank.source, check)


def twice(notebook: NotebookNode, wrong: dict[str, tuple[str, str]]) -> NotebookNode:
    """Return a copy that does everything, and then everything again but what hangs."""
    copy, again = answered(notebook, wrong), answered(notebook, wrong)
    for cell in again.cells:
        cell["id"] = f"{cell['id']}-again"
        if cell.metadata.get("judges") != "late":
            copy.cells.append(cell)
    return copy


def _tried(
    kind: str, answer: str, check: NotebookNode, said: str = ""
) -> list[NotebookNode]:
    return [
        new_code_cell(answer),
        new_code_cell(check.source, metadata={"judges": kind, "said": said}),
    ]


def _patience(seconds: float) -> NotebookNode:
    return new_code_cell(f"import exercises; exercises.PATIENCE = {seconds}")
