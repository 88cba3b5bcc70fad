"""Detached jobs outlive the session, and print into files from the beginning."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ipyproc import PIPE, Job, jobs, spawn
from ipyproc.errors import PathError
from tests.jobs.helpers import (
    PATIENCE,
    eventually,
    gone,
    lives,
    python,
    until,
    until_printed,
)
from tests.threads import in_threads


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(folder: Path) -> list[str]:
    """List what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_output_is_in_files_and_in_the_session(folder: Path) -> None:
    """A detached job prints into two files, and what it prints is captured live."""
    code = "import sys; print('out'); sys.stderr.write('err'); input(); print('more')"
    job = spawn(python(code), name="train", stdin=PIPE, detach=True)
    until(job, lambda job: bool(job.stdout.total and job.stderr.total))
    assert job.stdout.text == "out\n"
    job.send("\n")
    job.wait(PATIENCE)

    assert job.finished
    assert (job.stdout.text, job.stderr.text) == ("out\nmore\n", "err")
    assert (folder / "train.out").read_text() == "out\nmore\n"
    assert (folder / "train.err").read_text() == "err"
    assert job.stdout.path == str(folder / "train.out")
    assert job.stderr.path == str(folder / "train.err")
    assert "".join(c.data.decode() for c in job.read(0, 99)).count("err") == 1


def test_all_of_much_output(folder: Path) -> None:
    """At the end of the job everything is captured, however fast it printed."""
    job = spawn(["head", "-c", "50000000", "/dev/zero"], detach=True)
    job.wait(PATIENCE)

    assert job.stdout.total == 50_000_000
    assert (folder / "head.out").stat().st_size == 50_000_000


def test_files_are_never_overwritten(folder: Path) -> None:
    """A second job of the same name gets other files."""
    (folder / "echo-2.err").write_text("precious")
    for word in ("one", "two", "three"):
        spawn(["echo", word], detach=True).wait(PATIENCE)

    assert (folder / "echo.out").read_text() == "one\n"
    assert (folder / "echo-3.out").read_text() == "two\n"
    assert (folder / "echo-4.out").read_text() == "three\n"
    assert (folder / "echo-2.err").read_text() == "precious"


@pytest.mark.parametrize("name", [".", "..", "../up", ".hidden", "a/b", "/"])
def test_names_that_look_like_paths(name: str, folder: Path) -> None:
    """Whatever a job is called, its files are visible and in the working directory."""
    job = spawn(["echo", "x"], name=name, detach=True)
    job.wait(PATIENCE)

    assert job.stdout.text == "x\n"
    assert job.stdout.path is not None
    path = Path(job.stdout.path)
    assert path.parent == folder
    assert not path.name.startswith(".")
    assert path.read_text() == "x\n"


def test_one_name_from_many_threads(folder: Path) -> None:
    """Threads that detach jobs of one name at the same time get files of their own."""
    started: list[Job] = []

    def start(_: int) -> None:
        for _ in range(5):
            started.append(spawn(["echo", "x"], name="same", detach=True))

    in_threads(8, start)
    for job in started:
        assert job.wait(PATIENCE).success
        assert job.stdout.text == "x\n"

    assert len({job.stdout.path for job in started}) == len(started)


def test_where_the_output_goes(folder: Path) -> None:
    """What is sent elsewhere needs no file; both streams may share one."""
    script = ["sh", "-c", "echo out; echo err >&2"]
    merged = spawn(script, name="merged", merge=True, detach=True)
    partly = spawn(script, name="a/b", stdout="mine", detach=True)
    merged.wait(PATIENCE)
    partly.wait(PATIENCE)

    assert names(folder) == ["a_b.err", "merged.out", "mine"]
    assert (folder / "merged.out").read_text() == "out\nerr\n"
    assert merged.stdout.text == "out\nerr\n"
    assert (partly.stdout.path, partly.stdout.total) == (None, 0)
    assert partly.stderr.text == "err\n"
    assert merged.stderr.path is None


def test_standard_input(folder: Path) -> None:
    """All the input of a detached job is there from the beginning, however much."""
    job = spawn("cat", stdin=b"x" * 1_000_000, detach=True)
    job.wait(PATIENCE)

    assert (folder / "cat.out").stat().st_size == 1_000_000
    assert not job.stdin_open


def test_a_start_that_fails_leaves_no_files(folder: Path) -> None:
    """If there is no job there are no files of its."""
    (folder / "bad").write_text("no program")
    (folder / "bad").chmod(0o755)
    with pytest.raises(PathError):
        spawn(["./bad"], detach=True)

    assert names(folder) == ["bad"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_ours(folder: Path) -> None:
    """Where no file can be made there is one error, and no job."""
    folder.chmod(0o555)
    with pytest.raises(PathError, match=r"open .*echo\.out"):
        spawn("echo", detach=True)


def test_who_rotates_the_file_breaks_nothing(folder: Path) -> None:
    """When the file is emptied, what comes next is captured all the same."""
    code = "while line := input(): print(line * 3)"
    job = spawn(python(code), name="log", stdin=PIPE, detach=True)
    job.send("first\n")
    until_printed(job, "first")
    os.truncate(folder / "log.out", 0)
    job.send("2\n")
    until_printed(job, "222\n")

    assert job.stdout.text == "firstfirstfirst\n222\n"
    assert (folder / "log.out").read_text() == "222\n"


SESSION = """
import os, signal, time
from ipyproc import spawn
spawn(["sleep", "1000"])
tick = "trap '' HUP; echo $$; while :; do echo tick; sleep 0.02; done"
job = spawn(["sh", "-c", tick], name="tick", detach=True)
while not job.stdout.total: time.sleep(0.01)
print(job.pid, flush=True)
"""


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_it_goes_on_printing(end: str, folder: Path) -> None:
    """However the session ends, a detached job lives, and prints into its file."""
    done = subprocess.run(
        [sys.executable, "-c", SESSION + end], stdout=subprocess.PIPE, timeout=PATIENCE
    )
    pid, log = int(done.stdout), folder / "tick.out"
    try:
        size = log.stat().st_size
        eventually(lambda: log.stat().st_size > size + 50)
        assert lives(pid)
    finally:
        os.killpg(pid, signal.SIGKILL)
    assert gone(pid)


def test_a_job_of_a_job() -> None:
    """What a session detaches belongs to none, even if the session is a job itself."""
    code = SESSION + "print(open(f'/proc/{job.pid}/environ').read())"
    job = spawn([sys.executable, "-c", code])
    job.wait(PATIENCE)
    pid, _, environment = job.stdout.text.partition("\n")
    os.killpg(int(pid), signal.SIGKILL)

    assert "\0IPYPROC_SESSION=\0" in f"\0{environment}"


@pytest.mark.parametrize("directory", [None, "/"])
def test_a_working_directory_that_is_gone(folder: Path, directory: str | None) -> None:
    """Where there is no place for its files, the error names what was to be opened."""
    folder.rmdir()
    before = len(jobs)
    with pytest.raises(PathError) as caught:
        spawn("true", name="train", dir=directory, detach=True)

    assert isinstance(caught.value, FileNotFoundError)
    assert str(caught.value) == "open train: no such file or directory"
    assert len(jobs) == before
