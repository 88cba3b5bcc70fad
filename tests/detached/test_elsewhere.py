"""Detached jobs on a host: its agent keeps them, and another session has them again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ipyproc import (
    PIPE,
    Job,
    JobLostError,
    NoHandleError,
    PathError,
    ProcessDoneError,
    jobs,
    spawn,
)
from ipyproc._agent import listing
from ipyproc._agent.records import Record
from ipyproc._jobs.procinfo.ender import ender_of
from ipyproc.hosts import CommandHost
from tests.alone import end_jobs
from tests.detached.test_attach import ASKS, use_terminal
from tests.hosts.conftest import own_agent  # noqa: F401 - a fixture
from tests.hosts.helpers import agents, bare, relays
from tests.jobs.helpers import PATIENCE, eventually, gone, lives, until, until_printed

pytestmark = pytest.mark.slow

TRAIN = "echo first; echo err >&2; while read x; do echo got $x; done; exit 4"


@pytest.fixture(autouse=True)
def notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every session here is that of one notebook."""
    monkeypatch.setenv("JPY_SESSION_NAME", "notes.ipynb")


@pytest.fixture
def host(own_agent: Path, tmp_path: Path) -> Iterator[CommandHost]:  # noqa: F811
    """A host with an agent and a state folder of its own; no job of it is left."""
    host = there(own_agent, tmp_path)
    yield host
    for job in jobs:
        jobs.discard(job)
    end_jobs(jobs.detached(host))
    host.close()


def there(folder: Path, home: Path) -> CommandHost:
    """The host of *folder*, whose user has the home *home*."""
    return bare(folder, python=sys.executable, HOME=str(home))


def state(home: Path) -> Path:
    """The folder of the folders of detached jobs there."""
    return home / ".local" / "state" / "ipyproc" / "jobs"


KILL = "os.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture
def session(own_agent: Path, tmp_path: Path) -> Callable[..., str]:  # noqa: F811
    """Run a session on that host that ends by itself; return what it printed."""

    def run(code: str, end: str = KILL) -> str:
        lines = (
            "import os, signal\nfrom pathlib import Path\n"
            "from ipyproc import PIPE, jobs, spawn\n"
            "from tests.detached.test_elsewhere import there\n"
            f"host = there(Path({str(own_agent)!r}), Path({str(tmp_path)!r}))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", f"{lines}{code}\n{end}"],
            stdout=subprocess.PIPE,
            timeout=PATIENCE,
            text=True,
        )
        return done.stdout.strip()

    return run


Started = Callable[..., str]


@pytest.fixture
def started(session: Callable[..., str]) -> Started:
    """Let a session that ends detach a job whose first line is there; return its id."""

    def start(script: str = TRAIN, end: str = KILL) -> str:
        return session(
            f"job = spawn({script!r}, shell=True, name='train', stdin=PIPE, "
            "detach=True, on=host)\n"
            f"job.until('.', timeout={PATIENCE})\n"
            "print(job.id, flush=True)",
            end,
        )

    return start


@pytest.mark.parametrize("end", ["", "os._exit(3)", KILL])
def test_all_of_it_is_there_again(
    host: CommandHost, started: Started, end: str
) -> None:
    """However the session ends, another has output, input and the exit status."""
    identity = started(end=end)
    job = jobs.attach(identity, on=host)
    assert (job.id, job.name, job.status) == (identity, "train", "running")
    assert (job.host, jobs["there", job.pid]) == (host, job)
    job.send("more\n")
    until_printed(job, "got more")
    job.close_stdin()

    assert str(job.wait(PATIENCE)) == "exit status 4"
    until(job, lambda job: job.finished)
    assert job.stdout.text == "first\ngot more\n"
    assert job.stderr.text == "err\n"


def test_they_are_listed(host: CommandHost, started: Started) -> None:
    """The host's agent tells what there is, with times of this machine's clock."""
    assert jobs.detached(host) == []
    identity = started()
    (record,) = jobs.detached(host)

    assert (record.id, record.name, record.host) == (identity, "train", "there")
    assert (record.notebook, record.status) == ("notes.ipynb", "running")
    assert lives(record.pid)
    assert record.shown == TRAIN
    assert time.time() - PATIENCE < record.started_at <= time.time()
    assert identity not in [each.id for each in jobs.detached()]


def test_it_is_in_the_table_but_not_of_this_session(
    host: CommandHost, started: Started
) -> None:
    """What ends all jobs of a session does not mean an attached one."""
    identity = started()
    job = jobs.attach("train", on=host)

    assert (jobs["train"], jobs.attach(identity, on=host)) == (job, job)
    assert jobs.running == []
    assert 0 < job.elapsed < PATIENCE
    with pytest.raises(NoHandleError):
        _ = job.process
    with pytest.raises(RuntimeError, match="environment is not on record"):
        job.again(replace=True)
    with pytest.raises(KeyError, match="no detached job 'train'"):
        jobs.attach("train")
    with pytest.raises(KeyError, match="'tran' on there; did you mean 'train'"):
        jobs.attach("tran", on=host)


def test_it_is_resolved_there(host: CommandHost, tmp_path: Path) -> None:
    """Its directory, ``~`` and environment are the host's, and its input is ours."""
    script = "pwd; echo $HOME $MORE [$JPY_SESSION_NAME] [$IPYPROC_SESSION]; wc -c"
    data = b"x" * 3_000_000
    job = spawn(script, shell=True, env={"MORE": "m"}, stdin=data, detach=True, on=host)
    assert job.wait(PATIENCE).success

    assert job.stdout.lines() == [f"{tmp_path}", f"{tmp_path} m [] []", "3000000"]
    assert job.id is not None
    assert (state(tmp_path) / job.id / "out").exists()
    assert job.stdout.path is None
    eventually((state(tmp_path) / job.id / "seen").exists)
    (tmp_path / "work").mkdir()
    job = spawn("pwd", dir="~/work", detach=True, on=host)
    job.wait(PATIENCE)
    assert job.stdout.text == f"{tmp_path}/work\n"


def test_signals_and_readiness(host: CommandHost, started: Started) -> None:
    """Signals and ``until`` are as if it had been started here."""
    started("trap 'echo term; exit 7' TERM; echo ready; while :; do sleep 0.01; done")
    job = jobs.attach("train", on=host)
    assert job.until("ready", timeout=PATIENCE)
    job.terminate()

    assert str(job.wait(PATIENCE)) == "exit status 7"
    until(job, lambda job: job.finished)
    assert job.stdout.text == "ready\nterm\n"


def test_after_its_end(
    host: CommandHost,
    own_agent: Path,  # noqa: F811
    started: Started,
    tmp_path: Path,
) -> None:
    """Any agent tells how it ended and what it printed, also one that came later."""
    identity = started("echo out; echo err >&2; head -c 3000000 /dev/zero; exit 5")
    eventually((state(tmp_path) / identity / "end.json").exists)
    kill_agents(own_agent)
    job = jobs.attach("train", on=host)

    assert str(job.wait(PATIENCE)) == "exit status 5"
    until(job, lambda job: job.finished)
    assert job.stderr.text == "err\n"
    assert job.stdout.bytes == b"out\n" + bytes(3_000_000)
    (record,) = jobs.detached(host)
    assert (record.status, record.state) == ("exited", "exit status 5")
    with pytest.raises(ProcessDoneError):
        job.kill()
    assert (job.left(), job.daemons(), job.usage()) == (0, 0, None)
    # Its output is there for as long as the job is, whatever becomes of the agent.
    kill_agents(own_agent)
    eventually(lambda: size(job) == 3_000_004)
    eventually((state(tmp_path) / identity / "seen").exists)
    job.forget()
    assert jobs.detached(host) == []


def size(job: Job) -> int | None:
    """How much of its output can be read; ``None`` while there is no contact."""
    with suppress(TimeoutError):
        return len(job.stdout.bytes)
    return None


def kill_agents(folder: Path) -> None:
    """Kill the agents there, unless they have left, and wait until they are gone."""
    for pid in agents(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        assert gone(pid)


def test_the_middle_that_is_gone_is_counted(
    host: CommandHost, started: Started
) -> None:
    """What the limit left of an ended job is what its agent kept of it."""
    job = spawn(
        "printf head; head -c 40000000 /dev/zero; sleep 0.5; printf tail",
        shell=True,
        detach=True,
        output_limit=8 << 20,
        on=host,
    )
    assert job.wait(PATIENCE).success
    until(job, lambda job: job.finished)
    jobs.discard(job)
    again = jobs.attach(str(job.id), on=host)
    again.wait(PATIENCE)
    until(again, lambda job: job.finished)

    for each in (job, again):
        assert each.stdout.dropped == 40_000_008 - (8 << 20)
        kept = each.stdout.bytes
        assert (kept[:4], kept[-4:], len(kept)) == (b"head", b"tail", 8 << 20)


def test_the_agent_dies(
    host: CommandHost,
    own_agent: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    """The job runs on, and the next agent adopts it; only its end is never learnt."""
    go = tmp_path / "go"
    script = f"echo one; until [ -e {go} ]; do sleep 0.01; done; echo two; exit 3"
    job = spawn(script, shell=True, name="train", detach=True, on=host)
    until_printed(job, "one")
    kill_agents(own_agent)
    eventually(lambda: bool(agents(own_agent)))
    until(job, lambda job: not job.silence)
    assert job.left() > 0
    assert job.status == "running"
    go.touch()

    with pytest.raises(JobLostError, match="its agent had ended"):
        job.wait(PATIENCE)
    until(job, lambda job: job.finished)
    assert (job.status, job.stdout.text) == ("lost", "one\ntwo\n")
    (record,) = jobs.detached(host)
    assert (record.status, record.state) == (
        "lost",
        "its agent had ended, so nobody learnt how it did",
    )


def test_a_connection_that_breaks(
    host: CommandHost,
    own_agent: Path,  # noqa: F811
    started: Started,
) -> None:
    """It is as for every job there: the session comes back, and nothing is lost."""
    started()
    job = jobs.attach("train", on=host)
    for number in range(3):
        eventually(lambda: len(relays(own_agent)) == 1)
        (relay,) = relays(own_agent)
        os.kill(relay, signal.SIGKILL)
        job.send(f"{number}\n")
        until_printed(job, f"got {number}")

    assert job.stdout.text == "first\ngot 0\ngot 1\ngot 2\n"


def test_no_lease_ends_it(own_agent: Path, tmp_path: Path) -> None:  # noqa: F811
    """Without any contact a detached job runs on, and is there again with contact."""
    host = bare(own_agent, 0.5, sys.executable, HOME=str(tmp_path))
    job = spawn(TRAIN, shell=True, name="train", stdin=PIPE, detach=True, on=host)
    other = spawn("sleep 1000", on=host)
    (relay,) = relays(own_agent)
    os.kill(relay, signal.SIGSTOP)
    assert gone(other.pid or 0)  # its lease has run out
    os.kill(relay, signal.SIGKILL)

    until(other, lambda job: job.finished)
    job.send("more\n")
    until_printed(job, "got more")
    assert job.stdout.text == "first\ngot more\n"
    job.kill()
    assert str(job.wait(PATIENCE)) == "signal: killed"
    host.close()
    jobs.clear()


def test_once_a_name_and_notebook(
    host: CommandHost, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second one of the name is refused on that host; ``replace`` ends the first."""
    identity = started()
    with pytest.raises(RuntimeError, match=f"runs detached already, as {identity}"):
        spawn("sleep 1000", name="train", detach=True, on=host)
    assert len(jobs.detached(host)) == 1
    here = spawn("sleep 1000", name="train")
    first = jobs.attach("train", on=host)
    second = spawn("sleep 1000", name="train", detach=True, replace=True, on=host)

    assert not lives(first.pid or 0)
    assert here.status == "running"
    here.kill()
    monkeypatch.setenv("JPY_SESSION_NAME", "other.ipynb")
    third = spawn("sleep 1000", name="train", detach=True, on=host)
    with pytest.raises(KeyError, match="no detached job"):
        jobs.attach("nope", on=host)
    monkeypatch.setenv("JPY_SESSION_NAME", "third.ipynb")
    with pytest.raises(KeyError, match="2 detached jobs are called 'train' on there"):
        jobs.attach("train", on=host)
    third.kill()
    second.kill()


def test_a_host_that_is_closed(host: CommandHost) -> None:
    """Detached jobs run on and are let go; another connection has them again."""
    job = spawn(TRAIN, shell=True, name="train", stdin=PIPE, detach=True, on=host)
    other = spawn("sleep 1000", on=host)
    until_printed(job, "first")
    host.close()

    assert gone(other.pid or 0)
    assert job.status == "released"
    with pytest.raises(JobLostError, match=f"{job.id} runs on: jobs.attach has it"):
        job.wait(PATIENCE)
    again = jobs.attach("train", on=host)
    assert again is not job
    assert (again.pid, again.status) == (job.pid, "running")
    again.close_stdin()
    assert str(again.wait(PATIENCE)) == "exit status 4"


def test_a_start_that_fails_leaves_nothing(host: CommandHost, tmp_path: Path) -> None:
    """If there is no job there is no folder of its; the errors are those of here."""
    with pytest.raises(FileNotFoundError, match="not found in"):
        spawn("no-such-program", detach=True, on=host)
    with pytest.raises(PathError, match=r"chdir /nope: no such file"):
        spawn("true", dir="/nope", detach=True, on=host)
    assert not any(state(tmp_path).iterdir())
    with open(os.devnull) as file, pytest.raises(TypeError, match="stdin: expected"):
        spawn("cat", stdin=file, detach=True, on=host)


def test_the_same_once_more(host: CommandHost) -> None:
    """Who started it may start it again: it is detached, and on the same host."""
    job = spawn(["echo", "x"], detach=True, on=host)
    job.wait(PATIENCE)
    again = job.again()

    assert again.wait(PATIENCE).success
    assert (again.host, again.stdout.text) == (host, "x\n")
    assert again.id not in (None, job.id)


def test_what_is_kept_is_deleted(host: CommandHost, tmp_path: Path) -> None:
    """Only of what has ended."""
    job = spawn("cat", stdin=PIPE, name="train", detach=True, on=host)
    with pytest.raises(RuntimeError, match="still runs"):
        job.forget()
    job.close_stdin()
    job.wait(PATIENCE)
    eventually(lambda: jobs.detached(host)[0].is_over)
    job.forget()

    assert not any(state(tmp_path).iterdir())


def test_a_terminal(host: CommandHost, session: Callable[..., str]) -> None:
    """What it shows, its keys and its size are there again."""
    session(
        f"spawn({ASKS!r}, shell=True, name='t', detach=True, pty=(30, 100), "
        f"on=host).until('30 100', timeout={PATIENCE})"
    )

    use_terminal(jobs.attach("t", on=host))


def test_what_ends_it_all_the_same(host: CommandHost) -> None:
    """The agent reads it there, where its control group is."""
    job: Job = spawn("sleep 1000", detach=True, on=host)

    assert job.ender == ender_of(job.pid or 0)
    job.kill()


def test_a_list_that_is_long_comes_in_pages() -> None:
    """However much there is of each record, no answer is longer than a message."""
    long = "é" * 5000
    known = [
        Record(f"a@{n}", long, long, "h", 7, "running", 50.0, long, long, "/f", {})
        for n in range(200)
    ]
    found: list[Record] = []
    start: int | None = 0
    while start is not None:
        page = listing.body_of(known, start, 60.0)
        assert len(str(page)) < 1 << 20
        found += listing.records_of(listing.Fields(page), "gpu-3", 100.0)
        start = page["next"]

    assert [record.id for record in found] == [record.id for record in known]
    assert (found[0].host, found[0].since, found[0].pid) == ("gpu-3", 90.0, 7)


def test_the_folder_is_deleted_there(host: CommandHost, tmp_path: Path) -> None:
    """The job runs on to its end, and who has it keeps what is still somewhere."""
    job = spawn(TRAIN, shell=True, name="train", stdin=PIPE, detach=True, on=host)
    until_printed(job, "first")
    shutil.rmtree(state(tmp_path) / str(job.id))
    job.close_stdin()

    assert str(job.wait(PATIENCE)) == "exit status 4"
    assert job.stdout.text == "first\n"
    assert jobs.detached(host) == []
    with pytest.raises(FileNotFoundError, match=f"open .*{job.id}: no such file"):
        job.forget()
    assert spawn("true", on=host).wait(PATIENCE).success


def test_an_agent_of_an_earlier_version(host: CommandHost, tmp_path: Path) -> None:
    """It keeps no jobs for other machines, which is said in one line."""
    assert spawn("true", on=host).wait(PATIENCE).success
    told = host._link.welcome
    host._link.welcome = listing.Fields({**told.body, "knows": []})
    text = "^the agent of there is of an earlier version, and keeps no jobs"
    for ask in (
        lambda: spawn("true", detach=True, on=host),
        lambda: jobs.detached(host),
        lambda: jobs.attach("true", on=host),
    ):
        with pytest.raises(ConnectionError, match=text):
            ask()
    host._link.welcome = told
    assert spawn("true", detach=True, on=host).wait(PATIENCE).success
