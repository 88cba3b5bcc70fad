"""A network whose link is cut and comes back, with real machines at both ends of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipyproc import Job, spawn
from ipyproc._agent.remote.contact import NO_CONTACT
from ipyproc.hosts import CommandHost
from ipyproc.views.render import format
from ipyproc.views.widgets.jobs import row
from tests.hosts import network, sshd
from tests.hosts.helpers import agents
from tests.hosts.network import Network
from tests.jobs.helpers import PATIENCE, eventually, lives, until, until_printed

pytestmark = pytest.mark.slow

# Says in a file what it prints, so that this is known without the link.
COUNT = """\
n=0
until [ -e {stop} ]; do echo $n; echo $n >>{log}; n=$((n + 1)); sleep 0.05; done
"""


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    """The network."""
    if why := network.impossible():
        pytest.skip(why)
    with network.network() as net:
        yield net


@pytest.fixture
def login(
    net: Network, own_agent: Path, tmp_path: Path, made: list[CommandHost]
) -> Iterator[CommandHost]:
    """A machine behind the link, with sshd."""
    folder = tmp_path / "sshd"
    folder.mkdir()
    with sshd.serving(folder, net.address, net.inside) as server:
        where = {"HOME": str(tmp_path), "IPYPROC_RUNTIME_DIR": str(own_agent)}
        server.shell("login", "bash", **where)
        made.append(server.host("login"))
        yield made[0]


@pytest.mark.parametrize("detach", [False, True], ids=["a job", "a detached job"])
def test_a_link_that_is_cut(
    net: Network, login: CommandHost, own_agent: Path, tmp_path: Path, detach: bool
) -> None:
    """The job runs on, views say that there is no contact, and nothing is lost."""
    log, stop = tmp_path / "log", tmp_path / "stop"
    script = COUNT.format(log=log, stop=stop)
    job = spawn(script, shell=True, on=login, detach=detach)
    until_printed(job, "0\n")
    (agent,) = agents(own_agent)
    cut_and_mend(net, job, log)
    stop.touch()
    assert job.wait(PATIENCE).success
    until(job, lambda job: job.finished)
    assert job.stdout.text == log.read_text()
    assert agents(own_agent) == [agent]


def cut_and_mend(net: Network, job: Job, log: Path) -> None:
    """Cut the link of a job that counts in the file *log*, look at it, and mend it."""
    net.cut()
    try:
        until(job, lambda job: job.silence > NO_CONTACT + 1)
        text = format.status(job)
        assert re.fullmatch(r"running, no contact for \d+ s", text), text
        does = "running" if job.id is None else "detached"
        assert row(job)["text"].startswith(f"{does}, no contact for ")
        with pytest.raises(TimeoutError, match="no contact"):
            job.left()
        size = log.stat().st_size
        eventually(lambda: log.stat().st_size > size)
        assert lives(job.pid or 0)
        assert job.stdout.total < log.stat().st_size
    finally:
        net.mend()

    until(job, lambda job: not job.silence)
    assert format.status(job) == "running"
