"""Go's textbook program, line for line, in a script, a terminal and a notebook."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kernel.fixtures import Kernel
from tests.magics.terminal import Terminal

IMPORTS = "import sys\nfrom ipyproc import ProcAttr, start_process\n"
REPEATS = 25
PROGRAM = (
    "attr = ProcAttr(files=[sys.stdin, sys.stdout, sys.stderr])\n"
    'p = start_process("/bin/ls", ["ls", "-l", {folder!r}], attr)\n'
    "print(p.pid > 0)\n"
    "state = p.wait()\n"
    "print(state)\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file that ``ls`` finds."""
    folder = tmp_path / "listed"
    folder.mkdir()
    (folder / "a-file").touch()
    return folder


def test_in_a_script(folder: Path) -> None:
    """In a script the child's output is the script's."""
    code = IMPORTS + PROGRAM.format(folder=str(folder))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "a-file" in done.stdout
    assert done.stdout.endswith("exit status 0\n")


@pytest.mark.slow
def test_in_a_terminal(terminal: Terminal, folder: Path) -> None:
    """In a terminal the child's output is on the screen."""
    terminal.run(IMPORTS)

    screen = terminal.run(PROGRAM.format(folder=str(folder)))

    assert "a-file" in screen
    assert "exit status 0" in screen


@pytest.mark.slow
@pytest.mark.xdist_group("kernel")
def test_in_a_notebook(
    new_kernel: Callable[[], Kernel], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a notebook the child's output is the cell's, before later prints each time."""
    # ipykernel reads its pipe in a thread, which can be late: hence the repeats.
    # ipykernel does not watch its descriptors in a test.
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    kernel = new_kernel()
    kernel.run(IMPORTS)

    for _ in range(REPEATS):
        reply = kernel.run(PROGRAM.format(folder=str(folder)))

        assert reply.error is None
        # The pid and the list are printed at the same time.
        listed, last, end = reply.stdout.partition("exit status 0\n")
        assert (last, end) == ("exit status 0\n", "")
        assert "True" in listed
        assert "a-file" in listed
