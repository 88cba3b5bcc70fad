"""The notebooks run from top to bottom, and are saved without outputs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.kernel.fixtures import Kernel
from tests.notebooks.answers import WRONG
from tests.notebooks.execution import execute, text
from tests.notebooks.exercises import (
    SUMMARY,
    VERDICTS,
    exercises,
    twice,
)
from tests.sandbox import sandbox

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
#: What the buttons of two panes do after the cell with this text has run.
BUTTONS = {
    "--name greeter": "jobs['greeter'].send('Eve\\n'); jobs['greeter'].wait(60)",
    "--name clock": "jobs['clock'].kill(); jobs['clock'].wait(60)",
}
#: What a program prints that is wrong itself: no notebook shows such a one.
MISTAKE = re.compile(r"^(?:Attribute|Import|Indentation|Name|Syntax)Error: ", re.M)
REDRAWS = "handle = display(1, display_id=True)"


# Two kernels run at a time, because they sleep more than they compute.
each_notebook = pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path, id=path.stem, marks=pytest.mark.xdist_group(f"notebooks-{n}")
        )
        for path, n in zip(NOTEBOOKS, cycle((1, 2)), strict=False)
    ],
)


@pytest.fixture
def home(client_loop: None, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of kernels, of which nothing survives."""
    with sandbox(tmp_path) as environment:
        yield environment


@pytest.mark.slow
@each_notebook
def test_runs_from_top_to_bottom(path: Path, home: dict[str, str]) -> None:
    """Run twice, no cell fails, each answer has its verdict, and no process is left."""
    notebook = twice(nbformat.read(path, as_version=4), WRONG)

    done = execute(path, env=home, notebook=notebook)

    judged = [
        (kind, cell.metadata.get("said", ""), "".join(map(text, cell.outputs)))
        for cell in done.cells
        if (kind := cell.metadata.get("judges"))
    ]
    shown = ["".join(map(text, cell.get("outputs", ()))) for cell in done.cells]
    assert [said for said in shown if MISTAKE.search(said)] == []
    assert [said for kind, _, said in judged if kind == "leftovers"] == ["[]", "[]"]
    assert [
        (kind, wanted, said)
        for kind, wanted, said in judged
        if not said.startswith(VERDICTS[kind] + wanted)
    ] == []


@pytest.mark.slow
def test_a_chinese_notebook_speaks_chinese(home: dict[str, str]) -> None:
    """It finds the module beside it, whose verdicts are in its language."""
    done = execute(ROOT / "notebooks" / "zh" / "03-attributes.ipynb", env=home)

    checks = [c for c in done.cells if "check" in c.metadata.get("tags", ())]
    said = ["".join(map(text, cell.outputs)) for cell in checks]
    assert [verdict[:4] for verdict in said] == ["还没有答"] * 2


@pytest.mark.slow
@pytest.mark.xdist_group("kernel")
def test_the_quickstart_goes_on_from_its_panes(kernel: Kernel) -> None:
    """No cell fails for a reader who types an answer and presses Kill in the panes."""
    cells = nbformat.read(NOTEBOOKS[0], as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    sources = ["from ipyproc import jobs"]
    for source in code:
        if "countdown" not in source:  # it takes its time
            pressed = [press for text, press in BUTTONS.items() if text in source]
            sources += [source, *pressed]

    replies = [kernel.run(source) for source in sources]

    assert [reply.error for reply in replies if reply.error] == []
    assert "Nice to meet you, Eve." in "".join(reply.stdout for reply in replies)


def test_there_is_a_wrong_answer_to_each_exercise() -> None:
    """The table of wrong answers has one for each exercise, and nothing else."""
    found = [nbformat.read(path, as_version=4) for path in NOTEBOOKS]

    asked = [
        exercise.blank.id for notebook in found for exercise in exercises(notebook)
    ]

    assert sorted(asked) == sorted(WRONG)


@each_notebook
def test_help_comes_in_steps(path: Path) -> None:
    """Each exercise has two hints and a solution, and counts at the chapter's end."""
    notebook = nbformat.read(path, as_version=4)
    found = list(exercises(notebook))

    helps = [SUMMARY.findall(exercise.text) for exercise in found]
    assert helps == [["Hint 1", "Hint 2", "Solution"]] * len(found)
    ends = [cell.source for cell in notebook.cells if cell.id.endswith("-progress")]
    names = ", ".join(f'"{exercise.name}"' for exercise in found)
    assert ends == ([f"progress({names})"] if found else [])


@each_notebook
def test_is_saved_without_outputs(path: Path) -> None:
    """A notebook holds no output and no count, and its kernel is python3."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]

    nbformat.validate(notebook)
    assert [cell for cell in code if cell.outputs or cell.execution_count] == []
    assert notebook.metadata.kernelspec.name == "python3"
    assert "widgets" not in notebook.metadata


@pytest.mark.slow
def test_the_demo_prints_what_a_reader_sees(home: dict[str, str]) -> None:
    """The demo shows sources, outputs, values, and an output that is redrawn later."""
    run = _demo(home, "# Title", "print('printed'); 6 * 7", REDRAWS, "handle.update(2)")

    assert run.returncode == 0
    printed = [" ".join(line.split()) for line in run.stdout.splitlines() if line]
    assert printed == [
        "Title",
        "In [1]: print('printed'); 6 * 7",
        "printed",
        "Out[1]: 42",
        f"In [2]: {REDRAWS}",
        "1",
        "In [3]: handle.update(2)",
        "[2] now: 2",
        "All 3 cells ran.",
        "See it live in JupyterLab: make lab",
    ]


@pytest.mark.slow
def test_the_demo_fails_with_its_notebook(home: dict[str, str]) -> None:
    """A cell that fails is shown and ends the demo with an exit status of 1."""
    run = _demo(home, "1 / 0", "print('not reached')")

    assert run.returncode == 1
    assert run.stdout.endswith("\nFailed: ZeroDivisionError: division by zero\n")
    assert "not reached" not in run.stdout


def _demo(home: dict[str, str], *sources: str) -> subprocess.CompletedProcess[str]:
    """Run the demo of a notebook with these cells; one that begins with # is prose."""
    cells = [
        new_markdown_cell(source) if source.startswith("#") else new_code_cell(source)
        for source in sources
    ]
    path = Path(home["HOME"], "demo.ipynb")
    nbformat.write(new_notebook(cells=cells), path)
    command = [sys.executable, "-m", "tests.notebooks.demo", str(path)]
    return subprocess.run(command, cwd=ROOT, env=home, capture_output=True, text=True)
