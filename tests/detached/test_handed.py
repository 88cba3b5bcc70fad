"""Open files of a session that a detached job gets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ipyproc import PathError, jobs, spawn
from ipyproc._agent.protocol.frames import Fields
from ipyproc._agent.requests import request_of
from ipyproc._agent.server.handed import with_files
from ipyproc.hosts import _local
from tests.alone import state
from tests.hosts.helpers import agents
from tests.jobs.helpers import PATIENCE, eventually


@pytest.fixture(autouse=True)
def folder(alone: Path) -> Path:
    """Keep all of it in a folder of the test's own."""
    return alone


def test_an_open_file_is_the_same(folder: Path) -> None:
    """What the job reads of it is read for us, too: it is not opened again."""
    path = folder / "lines"
    path.write_text("one\ntwo\nthree\n")
    with path.open("rb", buffering=0) as file:
        file.seek(4)
        path.unlink()
        job = spawn("head -c 4; read x; echo $x", shell=True, stdin=file, detach=True)
        assert job.wait(PATIENCE).success

        assert job.stdout.text == "two\nthree\n"
        assert file.tell() == 14


def test_a_pipe_of_ours() -> None:
    """The job's end of it is nobody else's: it is closed when the job has ended."""
    reads, writes = os.pipe()
    job = spawn("echo out; echo err >&2", shell=True, stdout=writes, detach=True)
    os.close(writes)
    with open(reads) as file:
        assert file.read() == "out\n"  # up to its end

    assert job.wait(PATIENCE).success
    assert (job.stdout.text, job.stderr.text) == ("", "err\n")
    assert (job.stdout.path is None, job.stderr.path is None) == (True, False)


def test_one_file_for_all_three() -> None:
    """Three streams may be one socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        script = "read x; echo out $x; echo err >&2"
        job = spawn(script, shell=True, detach=True, **streams)
        theirs.close()
        ours.sendall(b"put\n")
        with ours.makefile() as file:
            assert file.read() == "out put\nerr\n"
    assert job.wait(PATIENCE).success


def test_it_outlives_who_has_opened_it(folder: Path) -> None:
    """The job has the file on its own."""
    code = (
        "import os, signal\n"
        "from ipyproc import PIPE, spawn\n"
        "file = open('log', 'w')\n"
        "script = 'echo one; read x < fifo; echo two'\n"
        "os.mkfifo('fifo')\n"
        "spawn(script, shell=True, stdout=file, name='train', detach=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=env)
    assert done.returncode == -signal.SIGKILL

    job = jobs.attach("train")
    (folder / "fifo").write_text("go\n")
    assert job.wait(PATIENCE).success
    assert (folder / "log").read_text() == "one\ntwo\n"


def has_open(folder: Path, path: Path) -> bool:
    """Whether the agent has a file open."""
    (pid,) = agents(folder / "runtime")
    found = False
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            found |= fd.readlink() == path
    return found


def test_the_agent_keeps_none(folder: Path) -> None:
    """After a start, and after one that fails, it has closed them."""
    program, path = folder / "program", folder / "input"
    program.write_bytes(b"\0")
    program.chmod(0o755)
    with path.open("w+") as file:
        job = spawn("cat", stdin=file, detach=True)
        assert job.wait(PATIENCE).success
        with pytest.raises(PathError, match="exec format error"):
            spawn([program], stdin=file, detach=True)

        eventually(lambda: not has_open(folder, path))
    assert os.listdir(state(folder)) == [job.id]


def test_an_agent_of_an_earlier_version(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, and nothing is started."""
    spawn("true", name="first", detach=True).wait(PATIENCE)
    link = _local.agent.link
    monkeypatch.setattr(link, "welcome", Fields({**link.welcome.body, "knows": []}))
    with open(os.devnull) as file, pytest.raises(ConnectionError, match="give paths"):
        spawn("cat", stdin=file, detach=True)

    assert len(os.listdir(state(folder))) == 1


def test_files_that_did_not_arrive() -> None:
    """A start that names them is refused, and is not given others."""
    request = request_of(Fields({"argv": ["cat"], "name": "cat"}), Fields({}))
    kept = Fields({"handed": {"word": "w", "stdin": 0}})
    with pytest.raises(ConnectionError, match="did not arrive"):
        with_files(request, kept, [])
