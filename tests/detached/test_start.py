"""What a detached job is started with, and where what it prints is kept."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
from pathlib import Path

import pytest

from ipyproc import PIPE, Job, PathError, jobs, spawn
from ipyproc._agent import records
from tests.alone import state
from tests.jobs.helpers import PATIENCE, eventually, lives, python, until, until_printed
from tests.threads import in_threads


@pytest.fixture(autouse=True)
def folder(alone: Path) -> Path:
    """Keep all of it in a folder of the test's own."""
    return alone


def test_output_is_in_files_and_in_the_session(folder: Path) -> None:
    """A detached job prints into two files, and what it prints is there live."""
    code = "import sys; print('out'); sys.stderr.write('err'); input(); print('more')"
    job = spawn(python(code), name="train", stdin=PIPE, detach=True)
    until(job, lambda job: bool(job.stdout.total and job.stderr.total))
    assert job.stdout.text == "out\n"
    job.send("\n")
    assert job.wait(PATIENCE).success

    assert (job.stdout.text, job.stderr.text) == ("out\nmore\n", "err")
    assert job.id is not None
    kept = state(folder) / job.id
    assert (kept / "out").read_text() == "out\nmore\n"
    assert (kept / "err").read_text() == "err"
    assert job.stdout.path == str(kept / "out")
    assert job.stderr.path == str(kept / "err")
    assert "".join(c.data.decode() for c in job.read(0, 99)).count("err") == 1


def test_all_of_much_output(folder: Path) -> None:
    """At the end of the job all of it can be read, however fast it printed."""
    job = spawn(["head", "-c", "50000000", "/dev/zero"], detach=True)
    assert job.wait(PATIENCE).success

    assert job.stdout.total == 50_000_000
    assert job.stdout[25_000_000:25_000_004] == bytes(4)
    assert (state(folder) / str(job.id) / "out").stat().st_size == 50_000_000


def test_the_middle_is_given_back(folder: Path) -> None:
    """Beyond its limit a job keeps head and tail, and the disk gets the middle."""
    script = "printf head; head -c 40000000 /dev/zero; sleep 0.5; printf tail"
    job = spawn(script, shell=True, detach=True, output_limit=8 << 20)
    assert job.wait(PATIENCE).success
    until(job, lambda job: job.finished)

    kept = (state(folder) / str(job.id) / "out").stat()
    assert kept.st_size == 40_000_008
    assert kept.st_blocks * 512 < 16 << 20
    assert job.stdout.total == 40_000_008
    assert job.stdout.dropped == 40_000_008 - (8 << 20)
    everything = job.stdout.bytes
    assert (everything[:4], everything[-4:]) == (b"head", b"tail")
    assert len(everything) == 8 << 20


def test_where_the_output_goes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent elsewhere needs no file; both streams may share one."""
    monkeypatch.chdir(folder)
    script = ["sh", "-c", "echo out; echo err >&2"]
    merged = spawn(script, name="merged", merge=True, detach=True)
    partly = spawn(script, name="a/b", stdout="mine", detach=True)
    assert merged.wait(PATIENCE).success
    assert partly.wait(PATIENCE).success

    assert merged.stdout.text == "out\nerr\n"
    assert merged.stderr.path is None
    assert (folder / "mine").read_text() == "out\n"
    assert (partly.stdout.path, partly.stdout.total) == (None, 0)
    assert partly.stderr.text == "err\n"


@pytest.mark.parametrize("name", [".", "..", "../up", ".hidden", "a/b", "/", "é" * 99])
def test_names_that_look_like_paths(name: str, folder: Path) -> None:
    """Whatever a job is called, it has one folder, which can be seen."""
    job = spawn(["echo", "x"], name=name, detach=True)
    assert job.wait(PATIENCE).success

    assert job.stdout.text == "x\n"
    (kept,) = state(folder).iterdir()
    assert not kept.name.startswith(".")
    assert (kept.name, (kept / "out").read_text()) == (job.id, "x\n")
    assert jobs.detached()[0].name == name


def test_what_is_on_record(folder: Path) -> None:
    """The folder is its owner's alone, and holds neither environment nor input."""
    job = spawn("cat", env={"TOKEN": "s3cret"}, stdin="pa55word", detach=True)
    assert job.wait(PATIENCE).success
    kept = state(folder) / str(job.id)
    eventually((kept / "end.json").exists)

    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert stat.S_IMODE((kept / "out").stat().st_mode) == 0o600
    told = (kept / "job.json").read_text() + (kept / "end.json").read_text()
    assert "s3cret" not in told
    assert "pa55word" not in told
    assert json.loads((kept / "job.json").read_text())["notebook"] == "notes.ipynb"
    assert job.stdout.text == "pa55word"


def test_standard_input() -> None:
    """The agent has all the input when the start is over, however much that is."""
    job = spawn(["sh", "-c", "sleep 0.2; wc -c"], stdin=b"x" * 3_000_000, detach=True)
    assert job.wait(PATIENCE).success

    assert job.stdout.text.strip() == "3000000"
    assert not job.stdin_open


def test_input_from_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is that of the session's directory."""
    (folder / "given").write_text("from a file")
    monkeypatch.chdir(folder)
    job = spawn("cat", stdin=Path("given"), detach=True, dir="/")
    assert job.wait(PATIENCE).success

    assert job.stdout.text == "from a file"


def test_the_environment_is_ours_now(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that was started before changes nothing: it is the caller who counts."""
    assert spawn("true", detach=True).wait(PATIENCE).success
    programs = folder / "bin"
    programs.mkdir()
    (programs / "mine").write_text("#!/bin/sh\necho $COLOUR $0; pwd\n")
    (programs / "mine").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("COLOUR", "blue")
    monkeypatch.chdir(programs)
    job = spawn("mine", detach=True)
    assert job.wait(PATIENCE).success

    assert job.stdout.text == f"blue {programs}/mine\n{programs}\n"


def test_the_surroundings_are_ours_now() -> None:
    """Umask, limits, niceness and ignored signals are the session's, too."""
    assert spawn("true", detach=True).wait(PATIENCE).success
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    umask = os.umask(0o027)
    handler = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 5, hard))
        script = "umask; ulimit -n; grep SigIgn /proc/self/status"
        job = spawn(["sh", "-c", script], detach=True)
    finally:
        os.umask(umask)
        signal.signal(signal.SIGUSR1, handler)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert job.wait(PATIENCE).success

    mask, limit, ignored = job.stdout.lines()
    assert (mask, limit) == ("0027", str(soft - 5))
    assert int(ignored.split()[1], 16) == 1 << signal.SIGUSR1 - 1


def test_it_belongs_to_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a session detaches belongs to none, even if the session is a job itself."""
    monkeypatch.setenv("IPYPROC_SESSION", "outer.1")
    code = "import os; print(repr(os.environ['IPYPROC_SESSION']), os.getsid(0))"
    job = spawn(python(code), detach=True)
    job.wait(PATIENCE)

    assert job.stdout.text == f"'' {job.pid}\n"


def test_a_start_that_fails_leaves_nothing(folder: Path) -> None:
    """If there is no job there is no folder of its, and no record."""
    bad = folder / "bad"
    bad.write_text("no program")
    bad.chmod(0o755)
    with pytest.raises(PathError, match="exec format error"):
        spawn([str(bad)], detach=True)
    with pytest.raises(FileNotFoundError, match="not found in"):
        spawn("no-such-program", detach=True)
    with pytest.raises(PathError, match=r"chdir /nope: no such file"):
        spawn("true", dir="/nope", detach=True)

    assert not any(state(folder).iterdir())
    assert not jobs.detached()


def test_where_there_is_no_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names what could not be made."""
    (folder / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "file"))
    with pytest.raises(PathError, match=r"mkdir .*/file/ipyproc/jobs: not a directory"):
        spawn("true", detach=True)


def test_a_working_directory_that_is_gone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be handed to anybody."""
    (folder / "gone").mkdir()
    monkeypatch.chdir(folder / "gone")
    (folder / "gone").rmdir()
    with pytest.raises(FileNotFoundError, match="getwd"):
        spawn("true", detach=True)

    assert spawn("true", detach=True, dir="/").wait(PATIENCE).success


def test_a_file_that_somebody_empties(folder: Path) -> None:
    """It breaks nothing: what was there reads as zeros, and the job goes on."""
    code = "while line := input(): print(line * 3, flush=True)"
    job = spawn(python(code), name="log", stdin=PIPE, detach=True)
    job.send("first\n")
    until_printed(job, "first")
    os.truncate(state(folder) / str(job.id) / "out", 0)
    job.send("2\n\n")

    assert job.wait(PATIENCE).success
    assert len(job.stdout.bytes) == job.stdout.total


def test_once_a_name_and_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Running all cells after a restart does not train twice."""
    first = spawn("sleep 1000", name="train", detach=True)
    with pytest.raises(RuntimeError, match=rf"{first.id}: %spawn --attach takes it"):
        spawn("sleep 1000", name="train", detach=True)
    spawn("sleep 1000", name="other", detach=True)
    monkeypatch.setenv("JPY_SESSION_NAME", "another.ipynb")
    spawn("sleep 1000", name="train", detach=True)

    assert [r.name for r in jobs.detached()] == ["train", "other", "train"]
    first.kill()
    first.wait(PATIENCE)
    monkeypatch.setenv("JPY_SESSION_NAME", "notes.ipynb")
    assert lives(spawn("sleep 1000", name="train", detach=True).pid)


def test_one_name_from_many_threads() -> None:
    """Of threads that detach a job of one name at the same time one wins."""
    started: list[Job] = []
    refused: list[RuntimeError] = []

    def start(_: int) -> None:
        try:
            started.append(spawn("sleep 1000", name="same", detach=True))
        except RuntimeError as error:
            refused.append(error)

    in_threads(8, start)

    assert (len(started), len(refused)) == (1, 7)
    assert [record.id for record in jobs.detached()] == [started[0].id]


def test_replace() -> None:
    """The detached job of this notebook is ended, and what it left, then it starts."""
    first = spawn(["sh", "-c", "sleep 1000 & wait"], name="serve", detach=True)
    here = spawn("sleep 1000", name="serve")
    second = spawn("sleep 1000", name="serve", detach=True, replace=True)

    assert not lives(first.pid)
    assert first.ended_at is not None
    assert lives(second.pid)
    assert here.ended_at is None
    third = spawn("sleep 1000", name="serve", replace=True)
    assert (here.ended_at is None, second.ended_at) == (False, None)
    third.kill()


def test_once_more() -> None:
    """``again`` starts the same, detached, in the environment of the first time."""
    first = spawn(["sh", "-c", "echo $A"], env={"A": "b"}, name="x", detach=True)
    first.wait(PATIENCE)
    second = first.again()
    second.wait(PATIENCE)

    assert second.id not in (None, first.id)
    assert second.stdout.text == "b\n"


def test_a_time_out_is_the_agents() -> None:
    """It ends the job, whether or not somebody is there."""
    job = spawn("sleep 1000", detach=True, timeout=0.1, grace=0.1)

    assert str(job.wait(PATIENCE)) == "signal: terminated"
    assert job.timed_out


def test_signals_and_the_process() -> None:
    """Signals reach all of it, and ``process`` is the process."""
    job = spawn(["sh", "-c", "sleep 1000 & echo ready; wait"], detach=True)
    until_printed(job, "ready")
    assert job.process.pid == job.pid
    job.process.signal(0)
    job.signal(signal.SIGSTOP)
    until(job, lambda job: job.status == "stopped")

    assert job.kill() == 2
    assert str(job.wait(PATIENCE)) == "signal: killed"
    assert jobs[job.pid] is job


def test_forget(folder: Path) -> None:
    """What is kept of an ended job can be deleted; of one that runs it cannot."""
    job = spawn("cat", stdin=PIPE, detach=True)
    with pytest.raises(RuntimeError, match="cat still runs"):
        job.forget()
    job.close_stdin()
    job.wait(PATIENCE)
    eventually((state(folder) / str(job.id) / "end.json").exists)
    job.forget()

    assert not any(state(folder).iterdir())
    assert not jobs.detached()


def test_sweeping(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day after its end was seen a folder goes, and at the latest after a week."""
    started = [spawn("true", name=n, detach=True) for n in ("seen", "unseen", "old")]
    for job in started:
        job.wait(PATIENCE)
        eventually((state(folder) / str(job.id) / "end.json").exists)
    running = spawn("sleep 1000", name="running", detach=True)
    kept = {job.name: state(folder) / str(job.id) for job in started}
    (kept["unseen"] / "seen").unlink()
    days = 86_400
    for name, age in (("seen", 2), ("unseen", 2), ("old", 8)):
        path = kept[name] / "end.json"
        told = json.loads(path.read_text())
        told["ended_at"] -= age * days
        path.write_text(json.dumps(told))
        if (kept[name] / "seen").exists():
            os.utime(kept[name] / "seen", (told["ended_at"], told["ended_at"]))

    records.sweep(str(state(folder)))
    assert [record.name for record in jobs.detached()] == ["unseen", "running"]

    monkeypatch.setattr(records, "MOST", 0)
    records.sweep(str(state(folder)))
    assert [record.id for record in jobs.detached()] == [running.id]
