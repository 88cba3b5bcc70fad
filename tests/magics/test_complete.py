from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyproc import Job, jobs, spawn
from ipyproc.magics.complete import complete

NAMESPACE: dict[str, object] = {"words": ["a"], "number": 3, "_hidden": [1]}


def offered(before: str, namespace: dict[str, object] = NAMESPACE) -> list[str]:
    """The texts offered for the end of a line."""
    found = complete(before, namespace)
    assert found is not None
    assert before.endswith(found.fragment)
    return [candidate.text for candidate in found.candidates]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a few files, which is also the home and all of PATH."""
    (tmp_path / "run me").touch(mode=0o755)
    (tmp_path / "runner").touch(mode=0o755)
    (tmp_path / "run.txt").touch(mode=0o644)
    (tmp_path / "rundir").mkdir()
    (tmp_path / "rundir" / "inside").touch(mode=0o755)
    (tmp_path / ".run").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def running() -> Iterator[Job]:
    """A job that runs, beside one that has ended."""
    spawn(["true"], name="done").wait(30)
    job = spawn(["sleep", "60"], name="long sleep")
    yield job
    job.kill()
    job.wait(30)
    jobs.clear()


def test_options() -> None:
    """Options with this beginning are offered, unless given and not repeatable."""
    assert offered("%spawn --na") == ["--name"]
    assert offered("%spawn --std") == ["--stdin", "--stdout", "--stderr"]
    assert offered("%spawn --name x --na") == []
    assert offered("%spawn --env A=1 --env") == ["--env"]
    assert offered("%spawn --name=x --no") == ["--no-stdin", "--notify"]
    assert offered("%prockill x --") == [
        "--signal",
        "--tree",
        "--only",
        "--all",
        "--detached",
        "--on",
        "--grace",
        "--pid",
        "--help",
    ]
    assert offered("%procs ") == ["--all", "--clear", "--help"]


def test_the_options_of_a_program_are_its_own() -> None:
    """After the program, or after ``--``, no option of ours is offered."""
    assert offered("%spawn ls --na") == []
    assert offered("%spawn -- --na") == []
    assert offered("%spawn A=1 --na") == ["--name"]
    assert offered("%spawn ls A=1 --na") == []
    assert offered("%prockill -- --a") == []


@pytest.mark.parametrize(
    "line",
    [
        "%spawn --na",
        "  %spawn --na",
        "%%spawn --na",
        "job = %spawn --na",
        "a.b[1] = %spawn  --na",
    ],
)
def test_lines_that_are_ours(line: str) -> None:
    """Line magics, cell magics and assignments from a magic are completed."""
    assert offered(line) == ["--name"]


@pytest.mark.parametrize(
    "line", ["%spawn", "%spawned --na", "spawn --na", "x % spawn --na", "# %spawn --na"]
)
def test_lines_that_are_not_ours(line: str) -> None:
    """Other lines are left to IPython."""
    assert complete(line, {}) is None


def test_programs(folder: Path) -> None:
    """Programs of PATH are offered, or of the directory that the word names."""
    assert sorted(offered("%spawn run")) == ["run\\ me", "runner"]
    assert sorted(offered("%spawn --wait -- run")) == ["run\\ me", "runner"]
    assert sorted(offered("%spawn ./run")) == ["./run\\ me", "./rundir/", "./runner"]
    assert offered("%spawn ~/rund") == ["~/rundir/"]
    assert offered(f"%spawn {folder}/rundir/") == [f"{folder}/rundir/inside"]


def test_an_empty_word_offers_options_and_programs(folder: Path) -> None:
    """For an empty word both options and programs are offered."""
    found = offered("%spawn ")

    assert found[0] == "--name"
    assert "runner" in found


def test_arguments_are_files(folder: Path) -> None:
    """After the program files are offered; hidden ones only after a dot."""
    assert sorted(offered("%spawn cat r")) == [
        "run.txt",
        "run\\ me",
        "rundir/",
        "runner",
    ]
    assert offered("%spawn cat .r") == [".run"]
    assert offered("%spawn cat rundir/i") == ["rundir/inside"]
    assert offered("%spawn cat nosuch/") == []


def test_quotation_marks_are_kept(folder: Path) -> None:
    """A word keeps the kind of quotation marks it began with."""
    assert offered('%spawn cat "run m') == ['"run me"']
    assert offered("%spawn cat 'run m") == ["'run me'"]
    assert offered("%spawn cat run\\ m") == ["run\\ me"]
    assert offered("%spawn cat 'rund") == ["'rundir/"]
    assert offered("%spawn cat 'a b' 'run.") == ["'run.txt'"]


def test_values(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each option has candidates of its own kind, also after ``=``."""
    monkeypatch.setenv("RUN_SEED", "1")

    assert offered("%spawn --dir r") == ["rundir/"]
    assert offered("%spawn --dir=r") == ["rundir/"]
    assert offered("%spawn --stdin run.") == ["run.txt"]
    assert offered("%spawn --env RUN_S") == ["RUN_SEED="]
    assert offered("%spawn --out nu") == ["number"]
    assert offered("%spawn --user roo") == ["root"]
    assert offered("%spawn --name x") == []
    assert offered("%prockill --signal TE") == ["TERM"]
    assert offered("%prockill x --signal sigte") == ["SIGTERM"]
    assert offered("%prockill --signal=HU") == ["HUP"]


def test_lists_of_words() -> None:
    """After an @ the variables that hold lists are offered."""
    assert offered("%spawn echo @") == ["@words"]
    assert offered("%spawn echo @n") == []


def test_jobs(running: Job) -> None:
    """Jobs are offered by name and running ones by pid; %prockill offers only those."""
    pid = str(running.pid)
    namespace: dict[str, object] = {"mine": running, "_": running, "other": 3}

    assert offered("%procwait ", namespace) == [
        "done",
        "long\\ sleep",
        "mine",
        pid,
        "--any",
        "--timeout",
        "--check",
        "--help",
    ]
    assert offered("%prockill x lon") == ["long\\ sleep"]
    assert offered("%prockill do") == []
    assert offered(f"%procfind {pid[:2]}") == [pid]


@given(st.text(alphabet="an -='\"\\@~/.\t\n", max_size=12))
def test_every_line_can_be_completed(text: str) -> None:
    """Any quotes and backslashes leave a fragment that ends the line."""
    found = complete(f"%spawn {text}", NAMESPACE)

    assert found is not None
    assert text.endswith(found.fragment)


def test_unreadable_folders_are_no_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing folder in PATH is skipped; an empty entry is the working directory."""
    monkeypatch.setenv("PATH", os.pathsep.join(["/nosuch", "", str(folder)]))

    assert "runner" in offered("%spawn runn")
