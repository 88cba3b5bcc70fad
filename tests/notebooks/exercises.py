"""The exercises of a notebook: as committed, with a wrong answer, with the solution.

An exercise is a cell with the tag ``exercise`` that the reader fills in, a cell with
the tag ``check`` that says whether the answer is right, and text with the solution.
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
#: The last cell: lists the children of the kernel that are left, zombies too.
LEFT = """
import psutil
[
    child
    for child in psutil.Process().children(recursive=True)
    if "guardian" not in " ".join(child.cmdline())
]
"""
VERDICTS = {
    "blank": "Not yet",
    "wrong": "Not quite",
    "solution": "Right!",
    "leftovers": "[]",
}


@dataclass(frozen=True)
class Exercise:
    """The cells of one exercise, and its solution."""

    blank: NotebookNode
    check: NotebookNode
    solution: str


def exercises(notebook: NotebookNode) -> Iterator[Exercise]:
    """Find the exercises of a notebook."""
    cells = notebook.cells
    for blank, check, text in zip(cells, cells[1:], cells[2:], strict=False):
        if "exercise" in blank.metadata.get("tags", ()):
            assert "check" in check.metadata.tags, blank.id
            found = SOLUTION.search(text.source)
            assert found, f"{blank.id} has no solution"
            yield Exercise(blank, check, found[1])


def answered(notebook: NotebookNode, wrong: dict[str, str]) -> NotebookNode:
    """Return a copy that does each exercise as committed, wrongly, and rightly.

    Each check is marked with the answer that it judges, and the copy ends with a look
    at what is left. *wrong* has an answer for each blank, by the id of its cell.
    """
    copy = deepcopy(notebook)
    for exercise in list(exercises(copy)):
        exercise.check.metadata["judges"] = "blank"
        answers = [
            ("wrong", wrong[exercise.blank.id]),
            ("solution", exercise.solution),
            # The rest runs as it does for a reader who fills nothing in.
            ("blank", exercise.blank.source),
        ]
        at = copy.cells.index(exercise.check) + 1
        tried = (_tried(*answer, exercise.check) for answer in answers)
        copy.cells[at:at] = chain.from_iterable(tried)
    copy.cells.append(new_code_cell(LEFT, metadata={"judges": "leftovers"}))
    return copy


def twice(notebook: NotebookNode) -> NotebookNode:
    """Return a copy that does everything, and then everything again."""
    copy = deepcopy(notebook)
    again = deepcopy(notebook.cells)
    for cell in again:
        cell["id"] = f"{cell['id']}-again"
    copy.cells += again
    return copy


def _tried(kind: str, answer: str, check: NotebookNode) -> list[NotebookNode]:
    return [
        new_code_cell(answer),
        new_code_cell(check.source, metadata={"judges": kind}),
    ]
