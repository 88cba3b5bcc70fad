"""A cluster behind a network whose link is cut and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ipyproc import jobs, spawn
from ipyproc.hosts import dask
from tests.hosts.cluster import Cluster, lone
from tests.hosts.network import Network
from tests.hosts.test_network import COUNT, cut_and_mend, net  # noqa: F401 - a fixture
from tests.jobs.helpers import PATIENCE, until


@pytest.fixture(scope="module")
def cluster(
    net: Network,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """A cluster whose only worker is behind the link."""
    cluster = Cluster(tmp_path_factory.mktemp("dask"), address=net.ours)
    with lone(cluster, "far", net.inside):
        yield cluster


def test_a_link_to_a_worker_that_is_cut(
    net: Network,  # noqa: F811
    cluster: Cluster,
    tmp_path: Path,
) -> None:
    """It is the same for a job of a cluster, whose connection is one of its own."""
    log, stop = tmp_path / "log", tmp_path / "stop"
    script = COUNT.format(log=log, stop=stop)
    with cluster.client() as client:
        client.wait_for_workers(1)
        host = dask(client)
        job = spawn(script, shell=True, on=host)
        job.until("^0$", PATIENCE)
        cut_and_mend(net, job, log)
        stop.touch()
        assert job.wait(PATIENCE).success
        until(job, lambda job: job.finished)
        assert job.stdout.text == log.read_text()
        host.close()
    jobs.clear()
