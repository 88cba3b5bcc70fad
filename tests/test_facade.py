"""The package's own names are the public API."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ipyproc

MODEL = """
start_process find_process Process ProcAttr ProcessState SysProcAttr Credential
SysProcIDMap WaitStatus Rusage INTERRUPT KILL ProcessStatus
PathError SyscallError ProcessDoneError ProcessReleasedError NoHandleError
ProcessNotInitializedError CmdStateError ExecError ExitError WaitDelayError DotError
NotFoundError CanceledError DeadlineExceededError
"""
EXEC = "command command_context look_path Cmd context"
JOBS = """
spawn jobs Job Jobs JobStatus PIPE Capture Chunk Usage UsagePoint Peak NotReadyError
JobLostError hosts
"""


def test_all_is_the_contract() -> None:
    """__all__ lists every public name once, and nothing else."""
    assert sorted(ipyproc.__all__) == sorted(f"{MODEL} {EXEC} {JOBS}".split())


@pytest.mark.parametrize("name", ipyproc.__all__)
def test_names_import(name: str) -> None:
    """Every public name can be imported from the package, and dir() lists it."""
    assert getattr(ipyproc, name) is getattr(ipyproc, name)
    assert name in dir(ipyproc)


@pytest.mark.parametrize(
    "name", sorted(set(ipyproc.__all__) - {"INTERRUPT", "KILL", "PIPE"})
)
def test_names_are_documented(name: str) -> None:
    """Every public name has a docstring."""
    assert (getattr(ipyproc, name).__doc__ or "").strip()


def test_unknown_name() -> None:
    """An unknown name raises an AttributeError that names it."""
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        ipyproc.nope  # noqa: B018 - the look-up is the test


def test_type_checkers_see_the_same_names() -> None:
    """The stub for type checkers lists exactly the public names."""
    stub = Path(ipyproc.__file__).with_suffix(".pyi").read_text()
    imported = [
        alias.name
        for node in ast.parse(stub).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]

    assert sorted(imported) == ipyproc.__all__
