"""What is in the file, whatever happened: as far as the kernel can write it."""

from __future__ import annotations

import os
import queue
import re
import signal
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any

import pytest

from tests.kernel import versions
from tests.kernel.fixtures import Kernel

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernel")]
StartKernel = Callable[..., Kernel]
READY = "import ipyproc, time; job = ipyproc.jobs['{0}']; job.until('ready', 30)"


def shut_down(kernel: Kernel) -> None:
    """Ask the kernel to end, as a front end does."""
    kernel.client.shutdown()


def restart(kernel: Kernel) -> None:
    """Ask the kernel to end for another one to begin."""
    kernel.client.shutdown(restart=True)


def last_words(kernel: Kernel) -> dict[str, dict[str, str]]:
    """Return the data of each place as it was at the end of the kernel."""
    places: dict[str, dict[str, str]] = {}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            message = kernel.client.get_iopub_msg(timeout=0.2)
        except queue.Empty:
            if not kernel.manager.provisioner.has_process:  # type: ignore[union-attr]
                break
            if kernel.manager.provisioner.process.poll() is not None:  # type: ignore[union-attr]
                break
            continue
        if message["msg_type"] in ("display_data", "update_display_data"):
            content = message["content"]
            places[content["transient"]["display_id"]] = content["data"]
    return places


@pytest.mark.parametrize("end", [shut_down, restart])
@pytest.mark.parametrize("version", versions.EXTREMES)
def test_a_job_that_ends_with_the_kernel_says_so(
    version: str | None, end: Callable[[Kernel], None], new_kernel: StartKernel
) -> None:
    """After an orderly end of the kernel no job is saved as running."""
    kernel = new_kernel(version)
    kernel.run("%load_ext ipyproc")
    script = "echo ready; trap 'echo bye; exit 3' TERM; while :; do sleep 0.05; done"
    reply = kernel.run(f"%spawn --name s --shell {script}", as_user=True)
    assert reply.error is None, reply.error
    assert kernel.run(READY.format("s")).error is None

    end(kernel)

    (words,) = [data for data in last_words(kernel).values() if "text/html" in data]
    text = words["text/plain"]
    assert re.search("\nready\nbye\nexit status 3, ended with the kernel after", text)
    assert "application/vnd.jupyter.widget-view+json" not in words


def test_what_runs_on_says_so(
    new_kernel: StartKernel, request: pytest.FixtureRequest
) -> None:
    """A detached job is saved as running when the kernel ended, and not as ended."""
    kernel = new_kernel()
    kernel.run("%load_ext ipyproc")
    script = "echo ready; sleep 1000"
    reply = kernel.run(f"%spawn --detach --name d sh -c '{script}'", as_user=True)
    assert reply.error is None, reply.error
    pid = int(kernel.run(f"{READY.format('d')}; print(job.pid)").stdout)
    request.addfinalizer(lambda: os.killpg(pid, signal.SIGKILL))

    shut_down(kernel)

    (words,) = [data for data in last_words(kernel).values() if "text/html" in data]
    ending = r"\nrunning when the kernel ended \(as of [-0-9]+ [:0-9]+\)$"
    assert re.search(ending, words["text/plain"])


def pictures(kernel: Kernel) -> Iterator[dict[str, Any]]:
    """Yield what the front end's extension is told for the file, as it comes."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        message = kernel.client.get_iopub_msg(timeout=60)
        data = message["content"].get("data")
        if message["msg_type"] == "comm_msg" and data.get("kind") == "picture":
            yield data


@pytest.mark.skipif(
    [int(part) for part in metadata.version("ipykernel").split(".")[:2]] < [6, 18],
    reason="its comms are its own: it does not know the one of the file",
)
def test_a_killed_kernel_leaves_what_was_there(new_kernel: StartKernel) -> None:
    """While a job runs the front end is told what it printed, and when that was so."""
    kernel = new_kernel()
    kernel.run("%load_ext ipyproc")
    reply = kernel.run("cat = %spawn --stdin - cat", as_user=True)
    (shown,) = reply.contents("display_data")
    found = re.search('id="ipyproc-([0-9a-f]{32})"', shown["data"]["text/html"])
    assert found is not None
    hello = {"action": "hello", "tokens": [found[1]]}
    content = {"comm_id": "ipyproc.document", "data": hello}
    client = kernel.client
    client.shell_channel.send(client.session.msg("comm_msg", content))
    told = pictures(kernel)
    assert "\nrunning (as of " in next(told)["data"]["text/plain"]

    kernel.start("cat.send('one\\n')")
    picture = next(told)
    os.kill(kernel.pid, signal.SIGKILL)

    assert re.search(
        r"\none\nrunning \(as of [-0-9]+ [:0-9]+\)$", picture["data"]["text/plain"]
    )
    assert (picture["token"], picture["final"]) == (found[1], False)
