"""Programs that want a terminal, as they are installed."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from ipyproc import Job, spawn
from tests.jobs.helpers import PATIENCE, ended, eventually, until, until_printed

pytestmark = pytest.mark.slow


def needs(program: str) -> pytest.MarkDecorator:
    """Leave a test out where *program* is not installed."""
    missing = shutil.which(program) is None
    return pytest.mark.skipif(missing, reason=f"there is no {program}")


def reads_keys(job: Job) -> bool:
    """Whether the program of *job* reads keys."""
    assert job.terminal is not None
    return job.terminal.reads_keys


@needs("less")
def test_less(tmp_path: Path) -> None:
    """A pager shows a page, goes on by a key, and leaves the screen as it was."""
    (tmp_path / "long").write_text("".join(f"line {n}\n" for n in range(1, 201)))
    job = spawn(["less", "long"], pty=(10, 40), dir=tmp_path, env={"LESS": ""})
    until_printed(job, "line 9\r\n")
    eventually(lambda: reads_keys(job))
    assert "line 10" not in job.stdout.text
    job.send("G")
    until_printed(job, "line 200")
    job.send("q")

    assert str(ended(job).state) == "exit status 0"
    assert "\x1b[?1049l" in job.stdout.text


@needs("vim")
def test_vim(tmp_path: Path) -> None:
    """An editor gets keys, Escape among them, and writes what was typed."""
    job = spawn(["vim", "-u", "NONE", "-n", "new"], pty=True, dir=tmp_path)
    until_printed(job, "\x1b[?1049h")
    eventually(lambda: reads_keys(job))
    job.resize(30, 100)
    job.send("iGrüße\x1b")
    job.send(":wq\r")

    assert str(ended(job).state) == "exit status 0"
    assert (tmp_path / "new").read_text() == "Grüße\n"


@needs("top")
def test_top() -> None:
    """A monitor draws itself anew for a new size, and ends by a key."""
    job = spawn(["top", "-d", "100"], pty=(10, 60))
    until_printed(job, "load average")
    eventually(lambda: reads_keys(job))
    drawn = job.stdout.total
    job.resize(20, 100)
    until(job, lambda job: b"load average" in job.stdout[drawn : job.stdout.total])
    job.send("q")

    assert str(ended(job).state) == "exit status 0"


@needs("bash")
def test_bash(tmp_path: Path) -> None:
    """A shell has job control: Ctrl-Z stops what is in front, and ``fg`` goes on."""
    job = spawn(["bash", "--norc", "--noprofile"], pty=True, dir=tmp_path)
    until_printed(job, "bash-")
    eventually(lambda: reads_keys(job))
    job.send("sh -c 'echo ru''ns; exec cat'\r")
    until_printed(job, "runs\r\n")
    job.send("\x1a")
    until_printed(job, "Stopped")
    eventually(lambda: reads_keys(job))
    job.send("fg\r")
    eventually(lambda: not reads_keys(job))
    job.send("copied\r")
    until_printed(job, "copied\r\ncopied\r\n")
    job.send("\x03")
    eventually(lambda: reads_keys(job))
    job.send("exit 5\r")

    assert str(ended(job).state) == "exit status 5"


def test_python() -> None:
    """A Python that is talked to answers line by line, and ends by Ctrl-D."""
    job = spawn([sys.executable, "-q", "-i"], pty=True, env={"PYTHON_BASIC_REPL": "1"})
    until_printed(job, ">>> ")
    job.send("6 * 7\r")
    until_printed(job, "42\r\n")
    eventually(lambda: reads_keys(job))
    job.send("\x04")

    assert ended(job).state is not None
    assert job.state is not None
    assert job.state.success


@needs("ssh-keygen")
def test_a_passphrase(tmp_path: Path) -> None:
    """What asks on /dev/tty for a secret is answered there, though there is a body."""
    key = tmp_path / "key"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "geheim", "-f", str(key)]
    assert spawn(words).wait(PATIENCE).success
    job = spawn(["ssh-keygen", "-y", "-f", str(key)], pty=True, stdin="not this\n")
    until(job, lambda job: job.password_prompt)
    job.send("geheim\r")

    assert str(ended(job).state) == "exit status 0"
    assert "ssh-ed25519 " in job.stdout.text
    assert "geheim" not in job.stdout.text


@needs("git")
def test_git_asks_a_pager(tmp_path: Path) -> None:
    """What looks for a terminal finds one: colours, and a pager."""
    env = {"GIT_PAGER": "sh -c 'echo paged; cat'", "GIT_CONFIG_GLOBAL": "/dev/null"}
    assert spawn("git init -q", dir=tmp_path, env=env).wait(PATIENCE).success
    commit = "git -c user.name=A -c user.email=a@b commit -q --allow-empty -m first"
    assert spawn(commit, dir=tmp_path, env=env).wait(PATIENCE).success
    job = ended(spawn("git log", pty=True, dir=tmp_path, env=env))

    assert job.stdout.text.startswith("paged\r\n")
    assert "\x1b[33mcommit" in job.stdout.text
