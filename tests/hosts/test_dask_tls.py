"""A Dask cluster with TLS: what its jobs say goes by the cluster's certificates."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from distributed import Client, Security

from ipyproc import PIPE, jobs, spawn
from ipyproc.hosts import DaskHost, dask
from tests.hosts import certificates
from tests.hosts.certificates import Certificate
from tests.hosts.cluster import Cluster, doors, lone
from tests.hosts.test_dask import are_free
from tests.jobs.helpers import PATIENCE, eventually, lives, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """The certificate of the cluster and of its clients."""
    return certificates.make(tmp_path_factory.mktemp("certificates"), "cluster")


@pytest.fixture(scope="module")
def cluster(
    ours: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """A cluster with one worker, where nothing goes without TLS."""
    path, key = str(ours.path), str(ours.key)
    security = Security(
        require_encryption=True,
        tls_ca_file=path,
        tls_client_cert=path,
        tls_client_key=key,
    )
    options = "--protocol", "tls", "--tls-ca-file", path, "--tls-cert", path
    folder = tmp_path_factory.mktemp("tls")
    cluster = Cluster(folder, *options, "--tls-key", key, security=security)
    with lone(cluster, "one"):
        yield cluster


@pytest.fixture
def client(cluster: Cluster) -> Iterator[Client]:
    """A client of the cluster."""
    with cluster.client() as client:
        client.wait_for_workers(1)
        yield client
        eventually(lambda: are_free(client))


@pytest.fixture
def host(client: Client) -> Iterator[DaskHost]:
    """The cluster as a host."""
    host = dask(client)
    yield host
    for job in jobs:
        with suppress(OSError):
            job.kill()
    host.close()
    jobs.clear()


def test_a_job(host: DaskHost, client: Client) -> None:
    """It has what any job has: both streams, input, its end, and much output."""
    assert client.scheduler.address.startswith("tls://")
    job = spawn("echo err >&2; cat; exit 3", shell=True, stdin=PIPE, on=host)
    job.send("hello\n")
    job.until("hello", PATIENCE)
    job.close_stdin()
    assert str(job.wait(PATIENCE)) == "exit status 3"
    assert (job.stdout.text, job.stderr.text) == ("hello\n", "err\n")
    much = spawn(["wc", "-c"], stdin=b"x" * 3_000_000, on=host)
    assert much.wait(PATIENCE).success
    assert much.stdout.text == "3000000\n"
    much = spawn("head -c 20000000 /dev/zero", on=host)
    assert much.wait(PATIENCE).success
    until(much, lambda job: job.finished)
    assert much.stdout.bytes == bytes(20_000_000)


def test_a_connection_that_breaks(host: DaskHost, cluster: Cluster) -> None:
    """Another one is made, with TLS as before, and the job has heard nothing of it."""
    job = spawn("cat", stdin=PIPE, on=host)
    job.send("before\n")
    job.until("before", PATIENCE)
    (door,) = [pid for pid in doors(cluster) if _parent(pid) == 1]
    (serves,) = [pid for pid in doors(cluster) if _parent(pid) == door]
    os.kill(serves, signal.SIGKILL)
    job.send("after\n")
    job.until("after", PATIENCE)

    assert job.stdout.text == "before\nafter\n"
    job.close_stdin()
    assert job.wait(PATIENCE).success


def _parent(pid: int) -> int:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


def test_a_stranger_cannot_speak_to_the_agent(
    host: DaskHost, ours: Certificate, tmp_path: Path
) -> None:
    """Not even with the secret word: without TLS, or by a certificate of his own."""
    job = spawn("cat", stdin=PIPE, on=host)
    until(job, lambda job: job.pid is not None)
    (machine,) = host._machines.values()
    dialer = machine.link._dialer
    address = dialer._address, dialer._port
    word = dialer._word.encode()

    with socket.create_connection(address) as plain:
        plain.sendall(word)
        assert b"open" not in _said(plain)
    theirs = certificates.make(tmp_path, "stranger")
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    nobody.check_hostname, nobody.verify_mode = False, ssl.CERT_NONE
    stranger = theirs.context(ssl.Purpose.SERVER_AUTH, ours)
    for context in (nobody, stranger):
        with socket.create_connection(address) as plain:
            assert b"open" not in _told(plain, context, word)
    known = ours.context(ssl.Purpose.SERVER_AUTH, ours)
    with socket.create_connection(address) as plain:
        assert b"open" in _told(plain, known, word)
    job.send("still there\n")
    job.until("still there", PATIENCE)


def _told(plain: socket.socket, context: ssl.SSLContext, word: bytes) -> bytes:
    """What the door says to who has the word; a refusal comes with the first read."""
    with suppress(OSError), context.wrap_socket(plain) as secured:
        secured.sendall(word)
        return secured.recv(1 << 16)
    return b""


def _said(sock: socket.socket) -> bytes:
    said = b""
    with suppress(ConnectionError):
        while piece := sock.recv(1 << 16):
            said += piece
    return said


def test_the_end_of_the_client_ends_its_jobs(
    cluster: Cluster, client: Client, ours: Certificate
) -> None:
    """However it ends, also by kill -9 while much is on its way."""
    code = f"""
import signal
from distributed import Client, Security
from ipyproc import hosts, spawn
from ipyproc.hosts._dask import dialing
dialing._LINGER = 0.5
path, key = {str(ours.path)!r}, {str(ours.key)!r}
security = Security(
    require_encryption=True,
    tls_ca_file=path,
    tls_client_cert=path,
    tls_client_key=key,
)
file = {str(cluster.folder / "scheduler.json")!r}
host = hosts.dask(Client(scheduler_file=file, security=security))
job = spawn(["yes"], on=host)
job.until("y")
print(job.pid, flush=True)
signal.pause()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        pid = int(other.stdout.readline())
        assert lives(pid)
        other.kill()

    eventually(lambda: not lives(pid))
    eventually(lambda: are_free(client))
