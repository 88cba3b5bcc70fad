"""A detached job when Jupyter's server ends, with all of its kernels."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from jupyter_client.blocking import BlockingKernelClient

from tests.browser.lab import Lab, launched
from tests.jobs.helpers import PATIENCE, gone
from tests.sandbox import sandbox

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernel")]

SCRIPT = "echo first; while read line; do echo got $line; done; exit 4"
START = f"""
from ipyproc import PIPE, spawn
job = spawn({SCRIPT!r}, shell=True, name="train", stdin=PIPE, detach=True)
_ = job.until("first", timeout=60)
print(job.id, job.pid)
"""
ATTACH = """
from ipyproc import jobs
job = jobs.attach("train")
print(job.id, job.pid, job.status)
job.send("more\\n")
_ = job.until("got more", timeout=60)
job.close_stdin()
print(job.wait(60), job.stdout.lines())
"""


@contextmanager
def client_of(lab: Lab, environment: dict[str, str]) -> Iterator[BlockingKernelClient]:
    """Let the server start a kernel, and talk to it."""
    identity = lab.request("POST", "kernels")["id"]
    runtime = environment["JUPYTER_RUNTIME_DIR"]
    client = BlockingKernelClient(connection_file=f"{runtime}/kernel-{identity}.json")
    client.load_connection_file()
    client.start_channels(hb=False)
    try:
        client.wait_for_ready(timeout=PATIENCE)
        yield client
    finally:
        client.stop_channels()
        client.context.destroy()


def run(client: BlockingKernelClient, code: str) -> list[str]:
    """Execute code; return the words that it printed."""
    printed: list[str] = []

    def hear(message: dict[str, dict[str, str]]) -> None:
        printed.append(message["content"].get("text", ""))

    reply = client.execute_interactive(code, output_hook=hear, timeout=2 * PATIENCE)
    assert reply["content"]["status"] == "ok", reply
    return "".join(printed).splitlines()


def end(server: subprocess.Popen[bytes], sig: signal.Signals) -> None:
    """End the server, and wait until its kernels are gone, too."""
    kernels = psutil.Process(server.pid).children()
    server.send_signal(sig)
    server.wait(timeout=PATIENCE)
    assert kernels
    assert all(gone(kernel.pid) for kernel in kernels)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends(
    sig: signal.Signals, client_loop: None, tmp_path: Path
) -> None:
    """The job runs on, and a kernel of the next server has all of it."""
    with sandbox(tmp_path) as environment:
        with launched(tmp_path, environment) as (lab, server):
            with client_of(lab, environment) as client:
                (started,) = run(client, START)
            end(server, sig)
        with (
            launched(tmp_path, environment) as (lab, server),
            client_of(lab, environment) as client,
        ):
            attached = run(client, ATTACH)
            lab.request("DELETE", f"kernels/{lab.request('GET', 'kernels')[0]['id']}")

    assert attached == [
        f"{started} running",
        "exit status 4 ['first', 'got more']",
    ]
