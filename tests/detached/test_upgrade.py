"""A detached job and sessions of two versions of the package, each in its own venv."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import ipyproc
from ipyproc import jobs, spawn
from ipyproc._agent import records
from tests.hosts.helpers import agents
from tests.jobs.helpers import PATIENCE, eventually, gone, until_printed

pytestmark = pytest.mark.slow

PACKAGE = Path(ipyproc.__file__).parent
#: It prints, and waits for lines until there are no more.
TRAIN = "echo first; while read x; do echo got $x; done; exit 4"
LINES = "import os, signal\nfrom ipyproc import PIPE, jobs, spawn, __version__\n"
START = (
    f"job = spawn({TRAIN!r}, shell=True, name='train', stdin=PIPE, detach=True)\n"
    f"job.until('first', timeout={PATIENCE})\n"
    "print(__version__, job.id, flush=True)\n"
    "os.kill(os.getpid(), signal.SIGKILL)\n"
)
ATTACH = (
    "job = jobs.attach('train')\n"
    "job.send('there\\n')\n"
    f"job.until('got there', timeout={PATIENCE})\n"
    "job.close_stdin()\n"
    f"print(__version__, job.wait({PATIENCE}), job.stdout.lines())\n"
)


@pytest.fixture(autouse=True)
def folder(alone: Path) -> Path:
    """Keep all of it in a folder of the test's own."""
    return alone


class Other:
    """Another version of the package in a venv.

    It is a newer one, which says more than this one; or an older one, in which nobody
    asks for a keyboard.
    """

    version = "9.8.7"

    def __init__(self, folder: Path, is_newer: bool) -> None:
        self.folder = folder
        venv.create(folder, symlinks=True)
        (site,) = folder.glob("lib/python3*/site-packages")
        package = site / "ipyproc"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("frontend"))
        self._change(
            package / "__init__.py", r'(__version__ =) ".*"', rf'\1 "{self.version}"'
        )
        if is_newer:
            self._say_more(package)
        else:
            self._say_less(package)

    def _say_more(self, package: Path) -> None:
        """Let client and agent tell what this version has not heard of."""
        for path in ("protocol/client.py", "protocol/server.py"):
            self._change(
                package / "_agent" / path,
                r'( +)"version": VERSION,',
                r'\g<0>\n\1"mood": 7,',
            )
        self._change(
            package / "_agent/server/keeping.py",
            r'( +)"version": 1,',
            r'\g<0>\n\1"mood": 7,',
        )

    def _say_less(self, package: Path) -> None:
        """Let client and agent know nothing of keyboards."""
        protocol = package / "_agent/protocol"
        self._change(protocol / "client.py", r' +"turns": True,\n', "")
        self._change(protocol / "session.py", r" +Kind\.TAKE,\n}", "}")
        told = r', "keyboard": \w+\.has_keyboard'
        self._change(protocol / "session.py", told, "")
        self._change(protocol / "attachment.py", told, "")
        hears = package / "_agent/remote/keyboard.py"
        self._change(hears, r'"keyboard", True', r'"none", True')

    def _change(self, path: Path, old: str, new: str) -> None:
        text, count = re.subn(old, new, path.read_text("utf-8"))
        assert count == 1, path
        path.write_text(text, "utf-8")

    def session(self, code: str) -> str:
        """Run a session of this version; return what it printed."""
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            [self.folder / "bin" / "python", "-c", LINES + code],
            stdout=subprocess.PIPE,
            timeout=PATIENCE,
            text=True,
            env=environment,
            cwd="/",
        )
        return done.stdout.strip()


@pytest.fixture(params=["newer", "older"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Other:
    """The other version."""
    return Other(tmp_path / "venv", request.param == "newer")


def test_the_package_is_replaced_while_a_job_runs(other: Other) -> None:
    """What the older version started is there, though nothing of that is left."""
    version, identity = other.session(START).split()
    assert version == other.version
    shutil.rmtree(other.folder)

    job = jobs.attach(identity)
    job.send("more\n")
    until_printed(job, "got more")
    job.close_stdin()

    assert str(job.wait(PATIENCE)) == "exit status 4"
    assert job.stdout.lines() == ["first", "got more"]


def test_two_sessions_write_through_the_agent_of_the_other_version(
    other: Other,
) -> None:
    """One of either version does not keep the other from writing."""
    other.session(START)
    job = jobs.attach("train")
    job.send("mine\n")
    until_printed(job, "got mine")
    lines = other.session(ATTACH.replace("there", "theirs"))

    assert lines.endswith("exit status 4 ['first', 'got mine', 'got theirs']")
    assert str(job.wait(PATIENCE)) == "exit status 4"


def test_an_agent_of_the_other_version_takes_new_jobs(other: Other) -> None:
    """As long as it runs it serves all."""
    _, identity = other.session(START).split()
    shutil.rmtree(other.folder)

    mine = spawn("echo mine", shell=True, name="mine", detach=True)

    assert str(mine.wait(PATIENCE)) == "exit status 0"
    assert mine.stdout.text == "mine\n"
    assert {record.id for record in jobs.detached()} == {identity, mine.id}


def test_the_other_version_attaches_to_ours(other: Other, folder: Path) -> None:
    """Which of the two is older does not matter."""
    subprocess.run(
        [sys.executable, "-c", LINES + START], stdout=subprocess.DEVNULL, check=False
    )
    (agent,) = agents(folder / "runtime")

    said = other.session(ATTACH)

    assert said == f"{other.version} exit status 4 ['first', 'got there']"
    assert agents(folder / "runtime") == [agent]


def test_the_next_agent_is_of_the_other_version(other: Other, folder: Path) -> None:
    """It adopts what an agent of ours has left, and the record of either is read."""
    spawn("sleep 60", shell=True, name="long", detach=True)
    (agent,) = agents(folder / "runtime")
    os.kill(agent, 9)
    assert gone(agent)
    said = other.session(
        "job = jobs.attach('long')\nprint(job.status, flush=True)\njob.kill()\n"
    )

    assert said == "running"
    eventually(lambda: all(record.is_over for record in records.read_all()))
