from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from ipyproc import PIPE, Job, jobs, spawn
from ipyproc._jobs import replacing
from tests.jobs.helpers import PATIENCE

#: A server behind a reloader: the leader ends, and leaves what listens.
LEAVES_A_SERVER = """
import os, socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
if os.fork():
    print("listens", flush=True)
    os._exit(0)
import signal
signal.pause()
"""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def text(job: Job) -> str:
    """Wait for a job, and return what it printed."""
    job.wait(PATIENCE)
    return job.stdout.text


def test_the_same_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command runs again, in the directory and environment of the first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEED", "1")
    script = 'cat; echo "$SEED $EXTRA"; pwd'
    first = spawn(
        script, shell=True, name="once more", stdin="body\n", env={"EXTRA": "x"}
    )
    printed = text(first)
    monkeypatch.setenv("SEED", "2")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir("/")

    second = first.again()
    again = text(second)
    third = second.again()

    assert printed == f"body\n1 x\n{tmp_path}\n"
    assert (again, text(third)) == (printed, printed)
    assert [job.number - first.number for job in (second, third)] == [1, 2]
    assert (second.name, second.is_named, second.shown) == (first.name, True, script)


def test_what_was_typed_is_not_repeated() -> None:
    """The input of a job with PIPE is open again, and has nothing in it."""
    first = spawn("cat", stdin=PIPE)
    first.send("typed")
    first.close_stdin()
    assert text(first) == "typed"

    second = first.again()
    second.close_stdin()

    assert text(second) == ""


def test_files_are_appended_to(tmp_path: Path) -> None:
    """What goes to a file is added to it, not written over what is there."""
    first = spawn("echo hi", stdout=tmp_path / "out")
    first.wait(PATIENCE)
    first.again().wait(PATIENCE)

    assert (tmp_path / "out").read_text() == "hi\nhi\n"


def test_a_running_job_is_not_started_again() -> None:
    """A job that runs is refused, or ended first."""
    first = spawn("sleep 60")
    with pytest.raises(
        RuntimeError, match=r"sleep.* still runs: again\(replace=True\)"
    ):
        first.again()
    assert first.status == "running"

    second = first.again(replace=True)

    assert str(first.state) == "signal: terminated"
    assert second.status == "running"


def test_a_file_that_was_closed_is_told(tmp_path: Path) -> None:
    """A file that was handed over and closed since cannot be used again."""
    (tmp_path / "in").write_text("text")
    with (tmp_path / "in").open() as file:
        first = spawn("cat", stdin=file)
        assert text(first) == "text"

    with pytest.raises(ValueError, match=r"stdin: .* is not open"):
        first.again()


def test_replacing_frees_the_port(tmp_path: Path) -> None:
    """The port is free when the new job starts, though the old one's leader is gone."""
    (tmp_path / "serve.py").write_text(LEAVES_A_SERVER)
    words = [sys.executable, tmp_path / "serve.py", str(free_port())]
    first = spawn(words, name="web", replace=True)
    assert text(first) == "listens\n"
    assert first.left() == 1

    second = spawn(words, name="web", replace=True)

    assert (text(second), second.stderr.text) == ("listens\n", "")
    assert (first.left(), second.left()) == (0, 1)
    second.kill()


def test_all_of_the_name_are_ended_and_no_others() -> None:
    """Of a name all jobs are ended, also those that ignore TERM, and no others."""
    trap = ["sh", "-c", "trap '' TERM; echo; read line"]
    made = [spawn(trap, name="mine", stdin=PIPE, grace=0.01) for _ in range(2)]
    other = spawn(trap, name="other", stdin=PIPE)

    new = spawn("cat", name="mine", stdin=PIPE, replace=True)

    assert {str(job.state) for job in made} <= {
        "signal: killed",
        "signal: terminated",  # it had no time to ignore that
    }
    assert (other.status, new.status) == ("running", "running")
    assert new.elders == []


@pytest.mark.parametrize(
    ("argv", "options", "error"),
    [
        (["nosuchprogram"], {}, 'exec: "nosuchprogram"'),
        (["cat"], {"dir": "/nowhere"}, "chdir /nowhere: no such file"),
        (["cat"], {"stdin": Path("/nowhere/x")}, "open /nowhere/x: no such file"),
        (["cat"], {"stdout": Path("/nowhere/x")}, "open /nowhere/x: no such file"),
        (["cat"], {"stderr": Path("/tmp")}, "open /tmp: is a directory"),
    ],
)
def test_what_is_wrong_ends_nothing(
    argv: list[str], options: dict[str, object], error: str
) -> None:
    """What can be checked before is checked before anything is ended."""
    job = spawn("sleep 60", name="stays")

    with pytest.raises(OSError, match=error):
        spawn(argv, name="stays", replace=True, **options)  # type: ignore[arg-type]

    assert job.status == "running"
    assert jobs["stays"] is job


def test_a_file_is_not_emptied_by_the_check(tmp_path: Path) -> None:
    """The check of a file leaves it as it is, and makes none."""
    (tmp_path / "out").write_text("old")
    with pytest.raises(OSError, match="open /nowhere/x"):
        spawn(
            "cat",
            name="x",
            replace=True,
            stdout=tmp_path / "out",
            stderr=Path("/nowhere/x"),
        )

    assert os.listdir(tmp_path) == ["out"]
    assert (tmp_path / "out").read_text() == "old"


def test_replacing_needs_a_name() -> None:
    """Without a name nobody knows what is to be ended."""
    with pytest.raises(ValueError, match="replace: needs a name"):
        spawn("true", replace=True)


def test_what_cannot_be_ended_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """If something does not end, nothing is started, and the error names it."""
    job = spawn("sleep 60", name="stuck", grace=0)
    monkeypatch.setattr(replacing, "_PATIENCE", 0.0)
    monkeypatch.setattr(type(job), "left", lambda _: 1)

    with pytest.raises(TimeoutError, match=rf"stuck \(pid {job.pid}\) could not be"):
        spawn("true", name="stuck", replace=True)

    assert jobs["stuck"] is job
