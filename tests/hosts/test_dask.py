"""Hosts that are Dask clusters: real schedulers and workers, which have no ipyproc."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from distributed import Client
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from ipyproc import (
    PIPE,
    ExecError,
    Job,
    JobLostError,
    JobStatus,
    NoHandleError,
    NotReadyError,
    ProcessDoneError,
    ProcessNotInitializedError,
    jobs,
    spawn,
)
from ipyproc.hosts import DaskHost, dask
from ipyproc.hosts._dask import dialing
from ipyproc.hosts._dask import host as dask_host
from ipyproc.magics.complete import complete
from ipyproc.views.render import console, html
from ipyproc.views.widgets.jobs import row
from tests.hosts import cluster as clusters
from tests.hosts.cluster import Cluster, doors
from tests.hosts.helpers import agents, gone_agents, read
from tests.jobs.helpers import PATIENCE, eventually, lives, until
from tests.magics.conftest import ip, run, shell  # noqa: F401 - fixtures
from tests.magics.helpers import RunCell

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]

#: Says that it runs, and runs until its input ends.
READY = "echo ready $ROLE; cat"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers with a place each, one of which has a resource."""
    folder = tmp_path_factory.mktemp("dask")
    workers = ("one", "--resources", "GPU=1"), ("two",)
    with clusters.running(folder, *workers) as running:
        running.begin(2)
        yield running
    for pid in doors(running):  # of the one that could not be reached
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _end_agents(running)


@pytest.fixture
def client(cluster: Cluster) -> Iterator[Client]:
    """A client of the cluster, whose places are free when it has gone."""
    with cluster.client() as client:
        client.wait_for_workers(2)
        yield client
        eventually(lambda: are_free(client))


Make = Callable[..., DaskHost]


@pytest.fixture
def make(client: Client) -> Iterator[Make]:
    """Make hosts, and close them."""
    hosts: list[DaskHost] = []

    def make(**options: Any) -> DaskHost:
        hosts.append(dask(client, **options))
        return hosts[-1]

    yield make
    for job in jobs:
        with suppress(OSError):
            job.kill()
    for host in hosts:
        host.close()
    jobs.clear()


@pytest.fixture
def of_magics(make: Make, ip: InteractiveShell) -> DaskHost:  # noqa: F811
    """The cluster, in the variable ``cluster``."""
    host = make()
    ip.user_ns["cluster"] = host
    return host


@pytest.fixture
def host(make: Make) -> DaskHost:
    """The cluster."""
    return make()


def are_free(client: Client) -> bool:
    """Whether no task is on any worker."""
    return not any(client.processing().values())


def ready(host: DaskHost, **options: Any) -> Job:
    """Start a job that runs until its input ends; it may be queued first."""
    return spawn(READY, shell=True, stdin=PIPE, on=host, **options)


def role(job: Job) -> str:
    """Wait until it runs, and return beside which worker."""
    return job.until(r"^ready (\w*)$", PATIENCE)[1]


def test_a_door_leaves_with_its_client(cluster: Cluster, client: Client) -> None:
    """What was opened beside workers is closed when the host is."""
    host = dask(client)
    before = doors(cluster)
    assert spawn("true", on=host).wait(PATIENCE).success
    assert {*doors(cluster)} - {*before}
    host.close()
    eventually(lambda: {*doors(cluster)} <= {*before})
    jobs.clear()


def _end_agents(cluster: Cluster) -> None:
    for pid in agents(cluster.agents):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    assert gone_agents(cluster.agents)


def test_a_job_of_a_cluster(host: DaskHost) -> None:
    """It has what any job has: both streams, its end, a pid, and where it runs."""
    job = spawn("echo out; echo err >&2; exit 3", shell=True, on=host, name="it")

    assert str(job.wait(PATIENCE)) == "exit status 3"
    assert (job.stdout.text, job.stderr.text) == ("out\n", "err\n")
    assert job.host.name == socket.gethostname()
    assert job.pid is not None
    assert jobs[job.host.name, job.pid] is job
    assert job.pid not in jobs
    assert 0 <= job.elapsed < PATIENCE
    with pytest.raises(NoHandleError):
        _ = job.process


def test_it_runs_as_its_worker_does(host: DaskHost) -> None:
    """Its environment is the worker's, its directory the home, without our mark."""
    job = spawn("echo $ROLE; pwd; echo [$IPYPROC_TEST]", shell=True, on=host)
    job.wait(PATIENCE)
    worker, folder, variable = job.stdout.lines()

    assert worker in ("one", "two")
    assert folder == os.path.expanduser("~")
    assert variable == "[]"
    assert spawn("true", dir="/", on=host).wait(PATIENCE).success


def test_as_many_run_as_there_is_room_for(host: DaskHost, client: Client) -> None:
    """The others are queued, each begins when one has ended; then all is free."""
    started = [ready(host, name="j") for _ in range(5)]
    eventually(lambda: len(running(started)) == 2)
    waiting = [job for job in started if job.status is JobStatus.QUEUED]
    assert [(job.pid, job.host) for job in waiting] == [(None, host)] * 3
    seen: list[Job] = []
    while left := [job for job in started if job not in seen]:
        now = running(left)
        assert len(now) <= 2
        for job in now:
            assert job.pid is not None
            job.close_stdin()
            assert job.wait(PATIENCE).success
            seen.append(job)

    assert all(job.stdout.text.startswith("ready") for job in started)
    eventually(lambda: are_free(client))


def test_no_place_is_free_before_its_process_has_ended(
    host: DaskHost, tmp_path: Path
) -> None:
    """Each job counts those that run beside it: never more than there are places."""
    count = f"cd {tmp_path}; touch $$; ls | wc -l; sleep 0.2; rm $$"
    started = [spawn(count, shell=True, on=host, name="counts") for _ in range(6)]
    seen = [job.wait(PATIENCE).success and int(job.stdout.text) for job in started]

    assert set(seen) <= {1, 2}


def running(some: list[Job]) -> list[Job]:
    """Those of *some* jobs that have a process."""
    return [job for job in some if job.status is JobStatus.RUNNING]


def test_the_workers_and_what_they_have_are_chosen(make: Make) -> None:
    """A resource is held as long as the process runs, and so is a named worker."""
    gpu, two = make(resources={"GPU": 1}), make(workers=["two"])
    first, second = ready(gpu, name="first"), ready(gpu, name="second")
    third = ready(two)

    assert role(first) == "one"
    assert role(third) == "two"
    assert second.status is JobStatus.QUEUED
    first.kill()
    assert role(second) == "one"


def test_what_is_killed_while_queued_never_starts(make: Make, client: Client) -> None:
    """It leaves the queue, says so, and frees nobody's place."""
    one = make(workers=["one"])
    first, second = ready(one, name="first"), ready(one, name="second")
    role(first)

    assert second.kill() == 0
    with pytest.raises(JobLostError, match="cancelled while it was queued"):
        second.wait(PATIENCE)
    assert (second.status, second.pid, second.left()) == ("lost", None, 0)
    with pytest.raises(ProcessDoneError):
        second.kill()
    with pytest.raises(NotReadyError):
        second.until("ready", PATIENCE)
    assert first.status is JobStatus.RUNNING
    first.close_stdin()
    assert first.wait(PATIENCE).success
    # Nobody holds the place of the one that was killed.
    assert spawn("true", on=one).wait(PATIENCE).success


def test_what_is_asked_of_a_queued_job_is_done_later(make: Make) -> None:
    """It is sent its input once it starts; what has no meaning yet says so."""
    one = make(workers=["one"])
    first = ready(one, name="first")
    role(first)
    second = spawn("cat", stdin=PIPE, on=one)
    second.send("early ")
    second.send("birds")
    second.close_stdin()
    with pytest.raises(BrokenPipeError):
        second.send("late")
    with pytest.raises(ProcessNotInitializedError):
        second.signal(signal.SIGUSR1)
    assert (second.usage(), second.silence, second.ports().own) == (None, 0.0, set())
    with pytest.raises(TimeoutError, match="is still queued after 0 s"):
        second.until("birds", 0)

    first.kill()
    assert second.until("birds", PATIENCE)[0] == "birds"
    assert second.wait(PATIENCE).success
    assert second.stdout.text == "early birds"


def test_signals_and_ends(host: DaskHost, client: Client) -> None:
    """They reach the process, and all that it started; its place is free then."""
    job = spawn("sleep 1000 & sleep 1000", shell=True, on=host)
    until(job, lambda job: job.pid is not None)
    eventually(lambda: job.left() == 3)
    assert job.kill() == 3
    assert str(job.wait(PATIENCE)) == "signal: killed"
    eventually(lambda: job.left() == 0)

    job = spawn("trap 'exit 7' TERM; echo up; sleep 1000 & wait", shell=True, on=host)
    job.until("up", PATIENCE)
    job.terminate()
    assert job.wait(PATIENCE).exit_code == 7


def test_a_time_out_begins_with_the_process(make: Make) -> None:
    """What waits in the queue for longer is not ended by it."""
    one = make(workers=["one"])
    first = ready(one, name="first")
    role(first)
    second = spawn(["sleep", "1000"], timeout=0.2, on=one)
    since = second.started_at
    with pytest.raises(TimeoutError):
        second.wait(0.3)
    assert second.status is JobStatus.QUEUED

    first.close_stdin()
    assert str(second.wait(PATIENCE)) == "signal: terminated"
    assert second.timed_out
    assert second.started_at > since + 0.3


def test_what_cannot_be_started_is_raised_by_wait(host: DaskHost) -> None:
    """``spawn`` does not know it yet; class and text are those of here."""
    job = spawn("nope-nope", on=host)
    text = 'exec: "nope-nope": executable file not found in $PATH'
    with pytest.raises(ExecError, match=text.replace("$", r"\$")):
        job.wait(PATIENCE)
    assert str(job.error) == text
    assert (job.status, job.pid) == (JobStatus.LOST, None)


def test_the_same_once_more(host: DaskHost) -> None:
    """It is queued again, with the same words, input and host."""
    job = spawn(["cat"], stdin="text", on=host, name="twice")
    job.wait(PATIENCE)
    again = job.again()

    assert again.wait(PATIENCE).success
    assert (again.stdout.text, again.label, job.label) == ("text", "twice", "twice#1")


def test_there_is_no_detached_job(host: DaskHost) -> None:
    """That is one clear line."""
    with pytest.raises(ValueError, match=r"^detach: a job"):
        spawn("true", on=host, detach=True)
    with pytest.raises(ValueError, match=r"^detach: a job"):
        jobs.attach("train", on=host)
    with pytest.raises(ValueError, match=r"^detach: a job"):
        jobs.detached(on=host)


def test_who_is_no_client_is_refused() -> None:
    """The error names what was expected."""
    with pytest.raises(TypeError, match=r"^client: expected a distributed.Client"):
        dask("tcp://127.0.0.1:8786")  # type: ignore[arg-type]


def test_a_closed_client_takes_no_job(cluster: Cluster) -> None:
    """That is an error of ``spawn``, in one line."""
    with cluster.client() as client:
        host = dask(client)
    with pytest.raises(ConnectionError, match=r"^dask: "):
        spawn("true", on=host)


def test_an_address_that_cannot_be_reached_is_named(
    host: DaskHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was started then."""
    # Nobody has it: it stands for a worker behind a firewall.
    monkeypatch.setattr(dialing, "_address_of", lambda _: "255.255.255.255")
    job = spawn("true", on=host)
    with pytest.raises(ConnectionError, match=r"\(255\.255\.255\.255:\d+\) cannot be"):
        job.wait(PATIENCE)
    assert job.pid is None


def test_the_magics_and_a_cluster(
    run: RunCell,  # noqa: F811 - the fixture
    of_magics: DaskHost,
) -> None:
    """A variable names the cluster; what it has is waited for, shown, and ended."""
    found = complete("%spawn --on clu", {"cluster": of_magics, "clue": 1})
    assert found
    assert [it.text for it in found.candidates] == ["cluster"]
    ran = run("%spawn --on cluster --check --out text echo hello")
    assert ran.error is None
    assert run("text").value == "hello\n"
    place = f"{socket.gethostname()}:{ran.value.pid}"
    assert place in console.spawned(ran.value)
    assert f"pid {place}<" in html.job(ran.value).replace(" ·", "<")
    assert row(ran.value)["host"] == socket.gethostname()

    lines = "%spawn --on cluster --name {} --quiet sleep 1000"
    for name in ("a", "b", "c"):
        assert run(lines.format(name)).error is None
    eventually(lambda: len(running([jobs[name] for name in "abc"])) == 2)
    (waiting,) = (job for job in jobs.running if job.pid is None)
    assert f"{waiting.name} (on dask)" in console.spawned(waiting)
    killed = run(f"%prockill {waiting.name}").out
    assert f"{waiting.name} (queued): cancelled" in killed
    ended = run("%prockill --all --on cluster").out
    assert ended.count("SIGKILL sent") == 2
    assert not jobs.running
    error = run(f"%procwait {waiting.name}").error
    assert "cancelled while it was queued" in str(error)
    assert isinstance(run("%spawn --on cluster --detach true").error, UsageError)


def test_a_job_survives_its_worker_and_runs_once(
    make: Make, client: Client, cluster: Cluster, tmp_path: Path
) -> None:
    """The scheduler gives its task to another worker, whose offer is not taken."""
    spare = make(resources={"SPARE": 1})
    worker = cluster.worker("spare", "--resources", "SPARE=1")
    file = tmp_path / "starts"
    script = f"echo start >>{file}; {READY}"
    job = spawn(script, shell=True, stdin=PIPE, on=spare)
    assert role(job) == "spare"
    worker.kill()
    worker.wait()

    # What was started before the agent knew of the death goes on, and can be talked to.
    another = cluster.worker("another", "--resources", "SPARE=1")
    assert spawn("echo $ROLE", shell=True, on=spare).wait(PATIENCE).success
    job.send("still there\n")
    job.until("still there", PATIENCE)
    job.close_stdin()
    assert job.wait(PATIENCE).success
    assert file.read_text() == "start\n"
    eventually(lambda: are_free(client))
    another.terminate()
    another.wait()


def test_a_job_survives_the_retirement_of_its_worker(
    make: Make, client: Client, cluster: Cluster
) -> None:
    """The worker leaves in order; the job goes on, without a place."""
    leaving = make(resources={"LEAVES": 1})
    worker = cluster.worker("leaves", "--resources", "LEAVES=1")
    job = ready(leaving)
    assert role(job) == "leaves"
    client.retire_workers(names=["leaves"])
    worker.wait()

    job.send("still there\n")
    job.until("still there", PATIENCE)
    job.close_stdin()
    assert job.wait(PATIENCE).success


def test_a_job_survives_the_nanny_of_its_worker(
    make: Make, client: Client, cluster: Cluster
) -> None:
    """The worker dies with it, and no other; the job ends as it would, by itself."""
    others = client.run(os.getpid)
    before = {*doors(cluster)}
    host = make(resources={"NANNY": 1})
    nanny = cluster.nanny("nanny", "--resources", "NANNY=1")
    job = ready(host)
    assert role(job) == "nanny"
    queued = spawn("true", on=host)
    (worker,) = {*client.run(os.getpid).values()} - {*others.values()}
    nanny.kill()
    nanny.wait()
    eventually(lambda: not lives(worker))
    eventually(lambda: {*client.nthreads()} == {*others})

    job.send("still there\n")
    job.until("still there", PATIENCE)
    job.close_stdin()
    assert job.wait(PATIENCE).success
    assert queued.status is JobStatus.QUEUED
    queued.kill()
    assert client.run(os.getpid) == others
    assert spawn("true", on=make()).wait(PATIENCE).success
    host.close()
    assert job.left() == 0
    eventually(lambda: not [pid for pid in doors(cluster) if role_of(pid) == "nanny"])
    assert {*before} <= {*doors(cluster)}


def role_of(pid: int) -> str:
    """The name of the worker that has started a process."""
    variables = read(pid, "environ").decode().split("\0")
    return next((v[5:] for v in variables if v.startswith("ROLE=")), "")


def looks_of(host: DaskHost, monkeypatch: pytest.MonkeyPatch) -> list[frozenset[str]]:
    """Note which workers of those that it asks for the scheduler has, each time."""
    looks: list[frozenset[str]] = []
    end_links = host._end_links

    def looked(asked: list[str], known: frozenset[str]) -> None:
        end_links(asked, known)
        looks.append(known)

    monkeypatch.setattr(host, "_end_links", looked)
    return looks


def test_the_connection_to_a_worker_that_has_gone_ends(
    make: Make, client: Client, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays as long as a job needs it, or its worker is there, and no longer."""
    monkeypatch.setattr(dask_host, "_LOOK_EVERY", 0.1)
    host = make(resources={"GOES": 1})
    worker = cluster.worker("goes", "--resources", "GOES=1")
    job = spawn("head -c 3000000 /dev/zero", on=host)
    assert job.wait(PATIENCE).success
    until(job, lambda job: job.finished)
    ((name, machine),) = host._machines.items()
    before = {*doors(cluster)}
    looks = looks_of(host, monkeypatch)
    # Its output is read by that connection, whatever became of the worker.
    other = spawn("true", on=host)
    assert other.wait(PATIENCE).success
    jobs.discard(other)
    worker.kill()
    worker.wait()
    eventually(lambda: name not in client.nthreads())
    assert len(job.stdout.bytes) == 3_000_000
    assert not machine.link.is_closed
    assert looks == []
    del other

    jobs.clear()
    del job
    gc.collect()
    eventually(lambda: not host._machines)
    assert looks[-1] == frozenset()
    eventually(lambda: {*doors(cluster)} < before)


def test_the_connection_to_a_worker_that_is_there_stays(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next job there has it; that no job needs it now is no reason."""
    monkeypatch.setattr(dask_host, "_LOOK_EVERY", 0.1)
    host = make(workers=["one"])
    looks = looks_of(host, monkeypatch)
    assert spawn("true", on=host).wait(PATIENCE).success
    ((name, machine),) = host._machines.items()
    jobs.clear()
    gc.collect()
    eventually(lambda: len(looks) > 1)

    assert looks[-1] == {name}
    assert host._machines == {name: machine}
    assert not machine.link.is_closed


def test_the_end_of_the_client_ends_its_jobs(
    cluster: Cluster, client: Client, tmp_path: Path
) -> None:
    """However it ends; what was queued is gone, and the places are free."""
    code = f"""
import signal, threading
from distributed import Client
from ipyproc import hosts, spawn
from ipyproc.hosts._dask import dialing
dialing._LINGER = 0.5
host = hosts.dask(Client(scheduler_file={str(cluster.folder / "scheduler.json")!r}))
jobs = [spawn(words, on=host) for words in (["yes"], "sleep 1000", "yes", "yes")]
begun = threading.Event()
def look(_):
    if sum(job.pid is not None for job in jobs) == 2:
        begun.set()
for job in jobs:
    job.subscribe(look)
    look(job)
begun.wait()
print(*[job.pid for job in jobs if job.pid], flush=True)
signal.pause()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        pids = [int(word) for word in other.stdout.readline().split()]
        assert all(map(lives, pids))
        other.kill()

    eventually(lambda: not any(map(lives, pids)))
    eventually(lambda: are_free(client))


def test_a_job_survives_the_scheduler(tmp_path: Path) -> None:
    """What runs goes on and ends; what is queued is told that there is none."""
    with clusters.running(tmp_path, ("one",)) as cluster:
        try:
            with cluster.client() as client:
                client.wait_for_workers(1)
                host = dask(client)
                job = ready(host)
                role(job)
                cluster.scheduler.kill()
                cluster.scheduler.wait()
                job.send("still there\n")
                job.until("still there", PATIENCE)
                job.close_stdin()
                assert job.wait(PATIENCE).success
                host.close()
        finally:
            jobs.clear()
            _end_agents(cluster)


#: A program with a cluster of its own; the last line says which workers it had.
LOCAL = """
import os
from contextlib import suppress
from distributed import Client, LocalCluster
from ipyproc import hosts, spawn

def main():
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as it,
        Client(it) as client,
    ):
        before = client.run(os.getpid)
        host = hosts.dask(client)
        jobs = [spawn(f"echo {n}", shell=True, on=host) for n in range(4)]
        jobs += [spawn("nope-nope", on=host), spawn("sleep 1000", on=host)]
        jobs[-1].kill()
        print([job.wait(60).success for job in jobs[:4]])
        print([job.stdout.text for job in jobs[:4]])
        for job in jobs[4:]:
            with suppress(OSError):
                job.wait(60)
        print(client.run(os.getpid) == before)

if __name__ == "__main__":
    main()
"""


def test_no_worker_of_a_local_cluster_is_closed(tmp_path: Path) -> None:
    """Jobs that run, fail, and are cancelled leave each worker as it was."""
    program = tmp_path / "program.py"
    program.write_text(LOCAL)
    folder = tmp_path / "agent"
    folder.mkdir(mode=0o700)
    ended = subprocess.run(
        [sys.executable, program],
        env={**os.environ, "IPYPROC_RUNTIME_DIR": str(folder)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    for pid in agents(folder):
        os.kill(pid, signal.SIGTERM)

    outputs = [f"{n}\n" for n in range(4)]
    assert ended.stdout == f"{[True] * 4}\n{outputs}\nTrue\n", ended.stderr
    assert gone_agents(folder)
