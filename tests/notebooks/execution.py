"""Notebooks executed in a real kernel, without a page."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL
from tempfile import TemporaryDirectory

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

CellHook = Callable[[NotebookNode, int], None]


def execute(
    path: Path,
    started: CellHook | None = None,
    done: CellHook | None = None,
    env: dict[str, str] | None = None,
    notebook: NotebookNode | None = None,
) -> NotebookNode:
    """Execute a notebook in its folder; CellExecutionError if a cell fails.

    *started* is called with every cell and its index, *done* with those of code. *env*
    is the kernel's environment, by default a copy of the caller's. *notebook* is
    executed instead of what is at *path*.
    """
    notebook = notebook or nbformat.read(path, as_version=4)
    with TemporaryDirectory() as folder:
        manager = AsyncKernelManager(
            # No kernel folders: the kernel is always this very interpreter's.
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
            connection_file=f"{folder}/connection.json",
            # Not TCP: another process may take the port that was chosen.
            transport="ipc",
            ip=f"{folder}/kernel",
        )
        client = _client(notebook, path.parent, manager, started, done)
        return client.execute(
            cleanup_kc=True,  # the manager is ours, but the kernel must end
            env=env or dict(os.environ),
            stdout=DEVNULL,  # a kernel repeats there what it also sends
            stderr=DEVNULL,
        )


def _client(
    notebook: NotebookNode,
    folder: Path,
    manager: AsyncKernelManager,
    started: CellHook | None,
    done: CellHook | None,
) -> NotebookClient:
    return NotebookClient(
        notebook,
        km=manager,
        timeout=120,
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=_hook(started),
        on_cell_executed=_hook(done),
    )


def text(output: NotebookNode) -> str:
    """Return an output as a reader without a page sees it."""
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return str(output.data.get("text/plain", ""))


def _hook(hook: CellHook | None) -> Callable[..., None] | None:
    """Make a hook for nbclient, which passes more arguments than ours take."""
    return hook and (lambda cell, cell_index, **_: hook(cell, cell_index))
