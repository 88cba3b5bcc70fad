"""A job that is detached behind a real sshd, in the kernel that follows."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hosts import sshd
from tests.hosts.conftest import own_agent  # noqa: F401 - a fixture
from tests.hosts.helpers import agents
from tests.jobs.helpers import gone, lives
from tests.kernel.fixtures import Kernel
from tests.kernel.test_detached import kill, shut_down

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernel")]
StartKernel = Callable[..., Kernel]

SCRIPT = "echo first; while read line; do echo got $line; done; exit 4"
PREPARE = """
import os
os.environ["PATH"] = {path!r} + ":" + os.environ["PATH"]
%load_ext ipyproc
from ipyproc import jobs
"""
START = f"""\
%%spawn --detach --on ssh:gpu-3 --name train --stdin - --until first --quiet --shell
{SCRIPT}
"""


@pytest.fixture
def path(tmp_path: Path, own_agent: Path) -> Iterator[Path]:  # noqa: F811
    """A folder with an ``ssh`` that knows the host ``gpu-3``: this machine."""
    folder, home, served = (tmp_path / name for name in ("path", "home", "sshd"))
    for each in (folder, home, served):
        each.mkdir()
    with sshd.serving(served) as server:
        server.shell("key", "bash", HOME=str(home), IPYPROC_RUNTIME_DIR=str(own_agent))
        user = pwd.getpwuid(os.geteuid()).pw_name
        options = " ".join(f"'{word}'" for word in server.options("key"))
        here = f"-o HostName=127.0.0.1 -o User={user}"
        (folder / "ssh").write_text(
            f'#!/bin/sh\nexec {shutil.which("ssh")} {options} {here} "$@"\n'
        )
        (folder / "ssh").chmod(0o755)
        yield folder


def shut_down_now(kernel: Kernel) -> None:
    """Restart it without asking."""
    kernel.restart(now=True)


@pytest.mark.parametrize("end", [kill, shut_down, shut_down_now])
def test_it_is_there_again(
    path: Path,
    own_agent: Path,  # noqa: F811
    new_kernel: StartKernel,
    end: Callable[[Kernel], None],
) -> None:
    """Output, input and exit status of a job over ssh are there in the next kernel."""
    kernel = new_kernel()
    prepare = PREPARE.format(path=str(path))
    assert kernel.run(prepare).error is None
    started = kernel.run(START)
    assert started.error is None, started.error
    told = kernel.run("job = jobs['train']; print(job.id, job.pid)").stdout.split()
    assert lives(int(told[1]))
    # One that is not detached ends with the kernel.
    other = kernel.run("%spawn --on ssh:gpu-3 --name other --quiet sleep 1000")
    assert other.error is None, other.error
    theirs = int(kernel.run("print(jobs['other'].pid)").stdout)
    (agent,) = agents(own_agent)

    end(kernel)
    assert gone(theirs)
    assert lives(int(told[1]))
    assert kernel.run(prepare).error is None
    shown = kernel.run("%procattach --on ssh:gpu-3").contents("display_data")
    table = shown[0]["data"]["text/plain"]
    assert f"gpu-3:{told[1]}" in table
    assert told[0] in table
    again = kernel.run(START)
    assert f"runs detached already, as {told[0]}" in again.stderr
    attached = kernel.run("%procattach train --on ssh:gpu-3")
    assert attached.error is None, attached.error
    seen = kernel.run(
        "job = jobs['train']\n"
        "print(job.id, job.pid, job.host.name, job.status)\n"
        "job.send('more\\n')\n"
        "job.until('got more', timeout=60)\n"
        "job.close_stdin()\n"
        "print(job.wait(60))\n"
        "print(job.stdout.text, end='')"
    )
    assert seen.error is None, seen.error
    assert seen.stdout.splitlines() == [
        f"{told[0]} {told[1]} gpu-3 running",
        "exit status 4",
        "first",
        "got more",
    ]
    assert agents(own_agent) == [agent]
    forgotten = kernel.run("%procattach --forget --on ssh:gpu-3")
    assert forgotten.stdout == f"{told[0]}: forgotten\n"
