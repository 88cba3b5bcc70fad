"""A detached job in the kernel that follows, whatever became of the one before."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.kernel import versions
from tests.kernel.fixtures import Kernel

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernel")]
StartKernel = Callable[..., Kernel]

SCRIPT = "echo first; while read line; do echo got $line; done; exit 4"
START = f"""
from ipyproc import PIPE, spawn
job = spawn({SCRIPT!r}, shell=True, name={{name!r}}, stdin=PIPE, detach=True)
job.until("first", timeout=60)
print(job.id, job.pid)
"""
ATTACH = """
job = jobs.attach({name!r})
print(job.id, job.pid, job.status)
job.send("more\\n")
job.until("got more", timeout=60)
job.close_stdin()
print(job.wait(60))
print(job.stdout.text, end="")
"""


def shut_down(kernel: Kernel) -> None:
    """Restart it in order: it has time to say goodbye."""
    kernel.restart()


def kill(kernel: Kernel) -> None:
    """Do what the system does when memory runs out, and start another."""
    os.kill(kernel.pid, signal.SIGKILL)
    kernel.restart(now=True)


@pytest.mark.parametrize("version", versions.EXTREMES)
def test_it_is_there_again(version: str | None, new_kernel: StartKernel) -> None:
    """Output, input and exit status of a job are there in the next kernel."""
    kernel = new_kernel(version)
    for end in (shut_down, kill):
        name = end.__name__
        started = kernel.run(START.format(name=name))
        assert started.error is None, started.error
        end(kernel)
        loaded = kernel.run("%load_ext ipyproc\nfrom ipyproc import jobs")
        attached = kernel.run(ATTACH.format(name=name))
        assert attached.error is None, attached.error

        identity = started.stdout.split()[0]
        assert loaded.stdout == (
            f"a detached job of this notebook runs: {identity}; "
            f"%procattach {name} shows it\n"
        )
        assert attached.stdout.splitlines() == [
            f"{started.stdout.strip()} running",
            "exit status 4",
            "first",
            "got more",
        ]


def test_its_pane_is_there_again(new_kernel: StartKernel) -> None:
    """%procattach shows all of it, in the saved notebook, too."""
    kernel = new_kernel()
    kernel.run(START.format(name="train"))
    kernel.restart()
    kernel.run("%load_ext ipyproc")
    table = kernel.run("%procattach").contents("display_data")[0]["data"]
    (shown,) = kernel.run("%procattach train").contents("display_data")

    assert 'data-status="running"' in table["text/html"]
    assert "train@" in table["text/plain"]
    assert "first" in shown["data"]["text/html"]
    assert 'data-name="train"' in shown["data"]["text/html"]
    kernel.run("from ipyproc import jobs\njobs['train'].kill()\njobs['train'].wait(60)")
