"""What a notebook that ran without a page saves of a job."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import DeadKernelError
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from tests.kernel import versions
from tests.notebooks.execution import execute
from tests.sandbox import sandbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("notebooks")]

VIEW = "application/vnd.jupyter.widget-view+json"
COLOURS = "for n in range(9000): print(f'\\x1b[38;5;{n % 256}m{n}\\x1b[m', end=' ')"
CELLS = [
    "%load_ext ipyproc",
    "import os; token = os.environ['SECRET'][::-1]",
    "from ipyproc import spawn; job = spawn(['sh', '-c', 'echo one; echo two; exit 3'],"
    " env={'TOKEN': token}); job.wait(20); job",
    f'%spawn --wait python3 -c "{COLOURS}"',
    "job = %spawn --stdin - --name later sh -c 'read line; echo got $line'",
    "job.send(b'it\\n'); job.close_stdin(); job.wait(20)",
    "pass",
]
LARGEST = 40_000
SECRETS = ("hunter2", "2retnuh")


@pytest.fixture(params=versions.EXTREMES)
def saved(
    request: pytest.FixtureRequest, client_loop: None, tmp_path: Path
) -> Iterator[NotebookNode]:
    """Execute the cells, in a kernel whose environment has a secret."""
    path = tmp_path / "saved.ipynb"
    nbformat.write(new_notebook(cells=list(map(new_code_cell, CELLS))), path)
    version = request.param
    with sandbox(tmp_path) as home:
        older = versions.environment(version) if version else {}
        yield execute(path, env=home | older | {"SECRET": SECRETS[0]})


def test_state_and_last_output_are_saved(saved: NotebookNode) -> None:
    """Each job saves its state and the end of its output, as text and HTML, only."""
    shown = [cell.outputs[0].data for cell in saved.cells[2:5]]
    wanted = [
        ("exit status 3", "two"),
        ("exit status 0", "8999"),
        ("exit status 0", "got it"),
    ]
    for data, texts in zip(shown, wanted, strict=True):
        assert set(data) == {"text/plain", "text/html"}
        for text in texts:
            assert text in data["text/plain"]
            assert text in data["text/html"]

    whole = nbformat.writes(saved)
    assert not [secret for secret in SECRETS if secret in whole]
    assert VIEW not in whole
    for cell in saved.cells[2:5]:
        assert len(nbformat.writes(new_notebook(cells=[cell])).encode()) <= LARGEST
    # The widgets were closed at the end; little of them stays.
    assert len(json.dumps(saved.metadata.widgets)) < 3 * 4000

    page, _ = HTMLExporter().from_notebook_node(saved)
    for texts in wanted:
        for text in texts:
            assert text in page
    assert not [secret for secret in SECRETS if secret in page]


RUNNING = [
    "%load_ext ipyproc",
    "cat = %spawn --stdin - cat",
    "cat.send('one\\n'); cat.until('one', 30)",
    "cat.send('two\\n'); cat.until('two', 30)",
    "held = %spawn --shell sleep 1000 & echo begun",
    "held.wait(30)",
    "pass",
]


@pytest.mark.parametrize("version", versions.EXTREMES)
def test_after_each_cell_there_is_what_was_printed(
    version: str | None, client_loop: None, tmp_path: Path
) -> None:
    """A runner that saves after each cell, as papermill does, has what was there."""
    path = tmp_path / "running.ipynb"
    made = new_notebook(cells=list(map(new_code_cell, RUNNING)))
    nbformat.write(made, path)
    texts: dict[int, list[str]] = {1: [], 4: []}

    def done(_: NotebookNode, index: int) -> None:
        for shown, found in texts.items():
            outputs = made.cells[shown].outputs
            found += [outputs[0].data["text/plain"]] if outputs else []

    with sandbox(tmp_path) as home:
        older = versions.environment(version) if version else {}
        saved = execute(path, done=done, env=home | older, notebook=made)

    first, one, two, *later = texts[1]
    assert "one" not in first
    assert re.search(r"one\nrunning \(as of [-0-9]+ [:0-9]+\)$", one)
    assert re.search(r"one\ntwo\nrunning \(as of [-0-9]+ [:0-9]+\)$", two)
    assert set(later) == {two}  # nothing changed
    note = (
        r"begun\nexit status 0, output still open \(1 process holds it\) after .* \(as"
    )
    assert re.search(note, texts[4][-1])
    assert VIEW not in nbformat.writes(saved)
    page, _ = HTMLExporter().from_notebook_node(saved)
    assert "two" in page
    assert "output still open" in page


DYING = [
    "%load_ext ipyproc",
    "cat = %spawn --stdin - cat",
    "away = %spawn --detach sleep 1000",
    "%procs",
    "cat.send('one\\n'); cat.until('one', 30)",
    "import os; os.kill(os.getpid(), 9)",
]


def test_the_death_of_a_kernel_without_a_page(
    client_loop: None, tmp_path: Path
) -> None:
    """What ran has what it printed before the last cell, and when that was so."""
    path = tmp_path / "dying.ipynb"
    made = new_notebook(cells=list(map(new_code_cell, DYING)))
    nbformat.write(made, path)

    with sandbox(tmp_path) as home:
        with pytest.raises(DeadKernelError):
            execute(path, env=home, notebook=made)
        away = made.cells[2].outputs[0].data["text/html"]
        pid = re.search('data-pid="([0-9]+)"', away)
        assert pid
        os.killpg(int(pid[1]), signal.SIGKILL)

    texts = [made.cells[n].outputs[0].data["text/plain"] for n in (1, 2, 3)]
    assert re.search(r"one\nrunning \(as of [-0-9]+ [:0-9]+\)$", texts[0])
    assert re.search(r"\nrunning \(as of [-0-9]+ [:0-9]+\)$", texts[1])
    assert re.search(r"\nas of [-0-9]+ [:0-9]+$", texts[2])
    assert VIEW not in nbformat.writes(made)
    page, _ = HTMLExporter().from_notebook_node(made)
    assert page.count("as of ") == 3
