"""What is in the file, whatever happened: as far as the kernel can write it."""

from __future__ import annotations

import queue
import re
import time
from collections.abc import Callable

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
