"""The agent's own scope of a real user's systemd."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipyproc import jobs
from tests.detached.systemd import HELP, Systemd, path, systemd
from tests.jobs.helpers import PATIENCE, eventually, gone, until_printed

pytestmark = pytest.mark.slow

# A kernel that starts a detached job, says what it knows of it, and stays. The machine
# of the tests may be a container, of which we see the marks, too.
KERNEL = """\
import json, os, sys
from ipyproc import spawn
from ipyproc._jobs.procinfo import ender
from ipyproc.hosts import _scope
ender._MARKS = ()
_scope.PATIENCE = float(sys.argv[2])
job = spawn("echo one; exec sleep 1000", shell=True, name="train", detach=True)
job.until("one", timeout=60)
told = {"us": os.getpid(), "id": job.id, "pid": job.pid}
told["ender"] = ender.ender_of(job.pid)
with open(sys.argv[1] + ".new", "w") as file:
    json.dump(told, file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
if sys.argv[3:] == ["stay"]:
    sys.stdin.close()
    import signal; signal.pause()
"""


@pytest.fixture
def users(alone: Path) -> Iterator[Systemd]:
    """A user's systemd; what is detached goes to a folder of the test's own."""
    if os.geteuid():
        pytest.skip("it takes root to have a cgroup of one's own")
    home = alone / "home"
    home.mkdir()
    with systemd(home) as running:
        yield running


def kernel(users: Systemd, to: Path, **variables: str) -> dict[str, Any]:
    """Run a kernel as a service, and return what it says of its job."""
    names = ("IPYPROC_RUNTIME_DIR", "XDG_STATE_HOME", "JPY_SESSION_NAME", "PATH")
    values = {**{name: os.environ[name] for name in names}, **variables}
    values["PYTHONPATH"] = os.getcwd()
    given = [f"--setenv={name}={value}" for name, value in values.items()]
    words = [sys.executable, "-c", KERNEL, str(to), "60", "stay"]
    users.begin("kernel", *given, *words)
    eventually(to.exists)
    told: dict[str, Any] = json.loads(to.read_text())
    return told


def stop(users: Systemd, told: dict[str, Any]) -> None:
    """Stop the service, with all that is in it."""
    users.run("systemctl", "--user", "stop", "kernel")
    assert gone(told["us"])


def test_a_job_outlives_the_service_of_its_kernel(users: Systemd, alone: Path) -> None:
    """Its agent is in a scope of its own, and is there after the service."""
    told = kernel(users, alone / "told")
    stop(users, told)

    (record,) = jobs.detached()
    assert (record.id, record.status) == (told["id"], "running")
    job = jobs.attach("train")
    until_printed(job, "one")
    assert job.pid == told["pid"]
    assert told["ender"] == "your last logout"
    job.kill()
    assert str(job.wait(PATIENCE)) == "signal: killed"  # its agent is there, too


def test_without_the_program_it_ends_with_the_service(
    users: Systemd, alone: Path
) -> None:
    """That is said, and it is what happens."""
    programs = alone / "bin"
    programs.mkdir()
    for name in ("sh", "sleep"):
        (programs / name).symlink_to(f"/bin/{name}")
    told = kernel(users, alone / "told", PATH=str(programs))
    assert told["ender"] == "the service kernel.service"

    stop(users, told)

    assert gone(told["pid"])
    (record,) = jobs.detached()
    # Its agent ends with it, and may have learnt how it ended before.
    assert record.id == told["id"]
    assert record.is_over


def test_a_systemd_that_does_not_answer(users: Systemd, alone: Path) -> None:
    """The agent is started all the same."""
    os.kill(users.pid, signal.SIGSTOP)
    to = alone / "told"
    users.beside(sys.executable, "-c", KERNEL, str(to), "0.5")
    os.kill(users.pid, signal.SIGCONT)

    told = json.loads(to.read_text())
    assert told["ender"] == "your last logout"
    (record,) = jobs.detached()
    assert (record.id, record.status) == (told["id"], "running")
    cgroup = Path(f"/proc/{told['pid']}/cgroup").read_text()
    assert ".scope" not in cgroup


def test_the_tests_have_systemd() -> None:
    """Or nothing of this would be tried where it could be."""
    if os.geteuid():
        pytest.skip("it takes root to have a cgroup of one's own")
    assert path(), HELP
    subprocess.run(["systemd-run", "--version"], check=True, capture_output=True)
