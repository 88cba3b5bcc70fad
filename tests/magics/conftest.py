from __future__ import annotations

import builtins
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from ipyproc import jobs
from ipyproc.magics import load, unload
from tests.magics.helpers import PATIENCE, Ran, RunCell
from tests.magics.terminal import Terminal, running


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> InteractiveShell:
    """A real IPython shell; without a history, whose database would seem a leak."""
    config = Config()
    config.HistoryManager.enabled = False
    folder = str(tmp_path_factory.mktemp("ipython"))
    shell = InteractiveShell.instance(config=config, ipython_dir=folder)
    shell.run_cell("import asyncio; await asyncio.sleep(0)")  # its loop stays open
    shell.reset(new_session=False)
    gc.freeze()  # each reset of the shell collects garbage, and all this is none
    return shell


@pytest.fixture
def ip(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> Iterator[InteractiveShell]:
    """The shell with ipyproc loaded and no variables; no job survives the test."""
    # Doctests leave one behind, and IPython then lets its own ``_`` alone.
    monkeypatch.delattr(builtins, "_", raising=False)
    load(shell)
    yield shell
    unload(shell)
    shell.extension_manager.unload_extension("ipyproc")  # a cell may have loaded it
    shell.reset(new_session=False)  # what cells returned may have a handle open
    for job in jobs.running:  # detached ones
        job.kill(tree=True)
        job.wait(PATIENCE)
    shell.config.pop("IPyProc", None)
    jobs.clear()


@pytest.fixture
def run(ip: InteractiveShell, capfd: pytest.CaptureFixture[str]) -> RunCell:
    """Run a cell in the shell."""

    def run_cell(source: str) -> Ran:
        capfd.readouterr()
        result = ip.run_cell(source, store_history=True)
        out, err = capfd.readouterr()
        error = result.error_before_exec or result.error_in_exec
        return Ran(result.result, error, out, err)

    return run_cell


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """Terminal IPython in a home of its own."""
    home = tmp_path / "home"
    home.mkdir()
    with running(home) as terminal:
        yield terminal
