"""The examples in the help of the magics, each run as it stands there."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipyproc import jobs
from ipyproc.hosts import named
from ipyproc.magics.help import MAGICS, PROCFIND, PROCKILL, PROCWAIT, SPAWN
from ipyproc.magics.options import Grammar
from tests.hosts.helpers import agents, gone_agents
from tests.magics.helpers import PATIENCE, RunCell

#: Stand-ins for what not every machine has, or what would need a network.
PROGRAMS = {
    "ping": "echo 64 bytes from localhost",
    "git": "echo 1a2b3c4",
    "serve": "echo listening on 8000",
    "ssh": """\
mkdir -m 700 -p ~/agent
while [ "$1" != -- ]; do shift; done; shift 2
IPYPROC_RUNTIME_DIR=~/agent exec "$@"
""",
}


def examples(grammar: Grammar) -> list[str]:
    """The example cells of a help: a line each, or a cell magic and its body."""
    (text,) = re.findall(r"^examples:\n(.*?)^Python:", grammar.help, re.M | re.S) or [
        ""
    ]
    lines = [line.removeprefix("  ") for line in text.splitlines()]
    cells: list[str] = []
    for before, line in zip(["", *lines], lines, strict=False):
        if cells and before and cells[-1].startswith("%%") and line:
            cells[-1] += f"\n{line}"
        elif line:
            cells.append(line)
    return cells


@pytest.fixture
def surroundings(
    run: RunCell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunCell]:
    """A home with the files and programs that the examples use."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/sh")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "model").mkdir()
    (tmp_path / "model/train.py").write_text(
        "import sys, os; print(os.environ['SEED'])"
    )
    for name, script in PROGRAMS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    yield run
    named("ssh:gpu-3").close()
    for agent in agents(tmp_path / "agent"):
        os.kill(agent, signal.SIGTERM)
    assert gone_agents(tmp_path / "agent")


@pytest.mark.slow
def test_examples_of_spawn(surroundings: RunCell) -> None:
    """The examples of %spawn start, bind, print and name what they say."""
    cells = examples(SPAWN)
    assert len(cells) == 11

    for cell in cells:
        assert surroundings(cell).error is None, cell
    for job in jobs:
        if job.name != "sleep":
            assert job.wait(PATIENCE).success, job

    assert jobs["ping"].stdout.text == "64 bytes from localhost\n"
    assert jobs["train"].stdout.text == "1\n"
    assert jobs["train.py"].stdout.text == "1\n"
    assert jobs["train.py"].host.name == "gpu-3"
    assert surroundings("text").value == "1a2b3c4\n"
    assert surroundings("job").value is jobs["sleep"]
    assert jobs.of_name("python3")[0].stdout.text == "as it is\n"
    assert jobs["sort"].stdout.text == "9\n10\n"
    assert jobs["count"].stdout.text == "1\n2\n3\n"


@pytest.mark.parametrize("cell", examples(PROCWAIT))
def test_examples_of_procwait(run: RunCell, cell: str) -> None:
    """The examples of %procwait give states, all of them good."""
    for name in ("first", "second", "train"):
        run(f"%spawn --quiet --name {name} true")

    ran = run(cell)

    assert ran.error is None
    value = run("states").value if ran.value is None else ran.value
    states = value.values() if isinstance(value, dict) else [value]
    assert [str(state) for state in states] == ["exit status 0"] * len(states)


@pytest.mark.parametrize("cell", examples(PROCKILL))
def test_examples_of_prockill(run: RunCell, cell: str) -> None:
    """The examples of %prockill end jobs, and say so."""
    for name in ("serve", "train"):
        run(f"%spawn --quiet --name {name} sleep 60")

    ran = run(cell)

    assert ran.error is None
    assert re.match(r"train|serve", ran.out)
    assert jobs["train"].wait(PATIENCE).sys.signaled


def test_examples_of_procfind(run: RunCell) -> None:
    """The examples of %procfind find processes, which can be released."""
    one, other = examples(PROCFIND)

    assert run(one).value.pid == 1
    assert run(other.replace("4242", str(os.getpid()))).error is None
    assert run("process").value.pid == os.getpid()
    run("for found in [process, *Out.values()]:\n  found.release()")


def test_every_example_is_run() -> None:
    """Every magic whose help has examples has a test of them here."""
    with_examples = {grammar.magic for grammar in MAGICS if examples(grammar)}

    assert with_examples == {"%spawn", "%procwait", "%prockill", "%procfind"}
