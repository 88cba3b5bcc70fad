"""A detached job in the kernel that follows, whatever became of the one before."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

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


VIEW = "application/vnd.jupyter.widget-view+json"
SHARE = """
import os
os.environ["IPYPROC_RUNTIME_DIR"], os.environ["XDG_STATE_HOME"] = {folder!r}, {folder!r}
%load_ext ipyproc
from ipyproc import PIPE, jobs, spawn
"""


@pytest.mark.parametrize("pty", [False, True])
def test_two_kernels_of_one_job(
    pty: bool, new_kernel: StartKernel, tmp_path: Path
) -> None:
    """The one that started it has the keyboard; what the other sends makes no hash."""
    shared = tmp_path / "shared"
    shared.mkdir(0o700)
    one, other = new_kernel(versions.EXTREMES[0]), new_kernel(versions.EXTREMES[-1])
    for kernel in (one, other):
        assert kernel.run(SHARE.format(folder=str(shared))).error is None
    end = "\\r" if pty else "\\n"
    silent = "stty -echo; " if pty else ""
    script = f"{silent}echo ready; while read x; do echo got $x; done"
    how = f"detach=True, pty={pty}" + ("" if pty else ", stdin=PIPE")
    one.run(f"job = spawn({script!r}, shell=True, name='train', {how})")
    one.run("job.until('ready', timeout=60)")
    one.run("job.send('aa'); job.left()")
    attached = other.run("%procattach train")
    assert attached.error is None, attached.error
    shown = attached.contents("display_data")[0]["data"]
    assert 'data-name="train"' in shown["text/html"]
    assert other.run("jobs['train'].has_keyboard").result == "False"
    # Which is answered when what was sent before has come.
    other.run(f"jobs['train'].send('bb{end}'); jobs['train'].left()")
    assert one.run("job.has_keyboard").result == "True"
    one.run(f"job.send('AA{end}')")
    assert one.run("_ = job.until('got bb', timeout=60)").error is None
    told = one.run("print(job.stdout.lines())\njob.kill()\njob.wait(60)")

    assert told.stdout == "['ready', 'got aaAA', 'got bb']\n"
    assert told.error is None


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


def test_a_button_of_the_table_takes_a_job(new_kernel: StartKernel) -> None:
    """%procattach is live; what is taken is shown in the place of the table."""
    kernel = new_kernel()
    identity = kernel.run(START.format(name="train")).stdout.split()[0]
    kernel.restart()
    kernel.run("%load_ext ipyproc")
    (shown,) = kernel.run("%procattach", as_user=True).contents("display_data")
    assert f'data-id="{identity}"' in shown["data"]["text/html"]
    asked = {"action": "attach", "page": "a", "seq": 1, "job": identity}
    content = {
        "comm_id": shown["data"][VIEW]["model_id"],
        "data": {"method": "custom", "content": asked},
    }
    client = kernel.client
    client.shell_channel.send(client.session.msg("comm_msg", content))
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message["msg_type"] == "update_display_data":
            break

    update = message["content"]
    assert update["transient"] == shown["transient"]
    assert 'data-name="train"' in update["data"]["text/html"]
    assert update["data"][VIEW]["model_id"] != shown["data"][VIEW]["model_id"]
    end = (
        "from ipyproc import jobs\njobs['train'].kill()\nprint(jobs['train'].wait(60))"
    )
    assert kernel.run(end).stdout == "signal: killed\n"
