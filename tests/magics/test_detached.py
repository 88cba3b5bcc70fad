"""Detached jobs on a line: %spawn --detach, --attach, %procattach, %prockill --all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from ipyproc import jobs
from ipyproc._jobs.procinfo.ender import ender, gains
from ipyproc.hosts import CommandHost
from ipyproc.magics import detached
from ipyproc.magics.complete import complete
from ipyproc.magics.extension import load, unload
from tests.hosts.helpers import agents, bare, gone_agents
from tests.jobs.helpers import PATIENCE, eventually, lives, until_printed
from tests.magics.helpers import RunCell


@pytest.fixture(autouse=True)
def folder(alone: Path, ip: InteractiveShell) -> Path:
    """Keep all of it in a folder of the test's own, which outlives the shell's jobs."""
    return alone


def left(name: str = "train", script: str = "echo hello; sleep 1000 & wait") -> str:
    """Let another session detach a job, and end; return the id of the job."""
    code = (
        "from ipyproc import spawn\n"
        f"job = spawn({script!r}, shell=True, name={name!r}, detach=True)\n"
        f"job.until('hello', timeout={PATIENCE})\n"
        "print(job.id)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def test_attaching_by_name(run: RunCell) -> None:
    """%procattach takes a job into this kernel and shows it, and returns it."""
    identity = left()
    ran = run("%procattach train")

    assert ran.value is jobs["train"]
    assert ran.value.id == identity
    assert str(ran.value.pid) in ran.out
    until_printed(ran.value, "hello")


def test_the_list(run: RunCell) -> None:
    """Without a name it lists all of them, and what became of those that ended."""
    assert run("%procattach").out == "no detached jobs\n"
    identity = left()
    done = run("%spawn --detach --name done --quiet sh -c 'exit 3'").value
    done.wait(PATIENCE)
    eventually(lambda: all(r.is_over for r in jobs.detached() if r.name == "done"))
    heading, first, second = run("%procattach").out.splitlines()

    assert heading.split() == ["JOB", "NOTEBOOK", "PID", "STATUS", "SINCE", "COMMAND"]
    assert first.split()[:2] == [identity, "notes.ipynb"]
    assert "  running  " in first
    assert first.endswith("  echo hello; sleep 1000 & wait")
    assert "  exit status 3  " in second


def test_a_second_is_refused_in_one_line(run: RunCell) -> None:
    """Running all cells does not train twice: the line names the ways out."""
    identity = left()
    ran = run("%spawn --detach --name train --quiet sleep 1000")

    assert isinstance(ran.error, UsageError)
    assert str(ran.error).endswith(
        f"runs detached already, as {identity}: %spawn --attach takes it, "
        "--replace ends it first, another --name starts a second"
    )


def test_attach_takes_what_runs(run: RunCell) -> None:
    """--attach starts it the first time, and later takes the one that runs."""
    first = run("%spawn --attach --name train --quiet sleep 1000").value
    assert first.id is not None
    again = run("%spawn --attach --name train --quiet sleep 1000").value
    assert again is first
    other = left("other")
    taken = run("%spawn --attach --name other --quiet sleep 1000").value

    assert taken.id == other
    refused = run("%spawn --attach --replace --name train true").error
    assert str(refused).startswith("leave out --attach or --replace")


def test_replace_ends_what_another_kernel_left(run: RunCell) -> None:
    """--replace ends the detached one of this notebook, and starts the new one."""
    left()
    (record,) = jobs.detached()
    job = run("%spawn --detach --replace --name train --quiet sleep 1000").value

    assert not lives(record.pid)
    assert lives(job.pid)


def test_ending_all_spares_what_others_started(run: RunCell) -> None:
    """%prockill --all is about this kernel's own, unless --detached says more."""
    left()
    job = run("%procattach train").value
    assert run("%prockill --all").out == "no job runs\n"
    refused = run("%prockill --detached train").error
    assert str(refused).startswith("--detached is for --all")
    assert job.ended_at is None
    out = run("%prockill --all --detached").out

    assert out == f"train (pid {job.pid}) and 1 that it started: SIGKILL sent\n"
    assert str(job.wait(PATIENCE)) == "signal: killed"


def test_forgetting(run: RunCell) -> None:
    """--forget deletes what is kept of the named, or of all that ended here."""
    identity = left()
    assert str(run(f"%procattach --forget {identity}").error) == (
        f"{identity} still runs: end it first"
    )
    run("%procattach train").value.kill()
    eventually(lambda: jobs.detached()[0].is_over)
    assert run("%procattach --forget train").out == f"{identity}: forgotten\n"
    assert jobs.detached() == []
    run("%spawn --detach --quiet --wait true")
    eventually(lambda: jobs.detached()[0].is_over)
    assert run("%procattach --forget").out.startswith("true@")
    assert jobs.detached() == []


def test_mistakes_are_one_line(run: RunCell) -> None:
    """A name that means none, or several, is a usage error."""
    ran = run("%procattach tran")
    assert isinstance(ran.error, UsageError)
    assert str(ran.error) == "no detached job 'tran': there are none"
    left()
    assert "did you mean 'train'" in str(run("%procattach tran").error)


def test_what_runs_is_said_when_the_extension_is_loaded(
    run: RunCell, ip: InteractiveShell, folder: Path
) -> None:
    """One line names the detached jobs of this notebook, and only those that run."""
    identity = left()
    left("done", "echo hello")
    eventually(lambda: any(record.is_over for record in jobs.detached()))
    unload(ip)

    said = f"a detached job of this notebook runs: {identity}; %procattach train"
    assert run("%load_ext ipyproc").out == f"{said} shows it\n"
    assert detached.greeting() == f"{said} shows it"
    run("%procattach train")
    assert detached.greeting() == ""
    load(ip)


def test_completion(run: RunCell) -> None:
    """Names and ids are offered, without an agent."""
    identity = left()
    found = complete("%procattach tr", {})

    assert found is not None
    assert [each.text for each in found.candidates] == ["train", identity]


def test_procs_says_which_are_detached(run: RunCell) -> None:
    """The table has it beside the status, as long as the job runs."""
    run("%spawn --detach --name train --quiet sleep 1000")
    assert "  detached  " in run("%procs").out
    run("%prockill train")
    jobs["train"].wait(PATIENCE)
    assert "detached" not in run("%procs --all").out


@pytest.mark.parametrize(
    ("cgroup", "what"),
    [
        ("0::/user.slice/user-1000.slice/session-2.scope", ""),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope",
            "your last logout",
        ),
        ("0::/system.slice/jupyter-ada.service", "the service jupyter-ada.service"),
        (
            "0::/user.slice/user-1.slice/user@1.service/app.slice/lab.service",
            "the service lab.service",
        ),
        ("0::/system.slice/slurmstepd.scope/job_17/step_0/user", "the Slurm job 17"),
        ("4:memory:/slurm/uid_1000/job_18/step_batch", "the Slurm job 18"),
        ("0::/kubepods.slice/kubepods-pod1.slice/cri-1.scope", "this container"),
        ("12:cpu:/docker/0123456789ab", "this container"),
    ],
)
def test_what_ends_it_all_the_same(cgroup: str, what: str) -> None:
    """It is read from the control group of the job."""
    assert ender(cgroup) == what
    assert ender("0::/", has_mark=True) == "this container"


@pytest.mark.parametrize(
    ("cgroup", "when_lingering", "otherwise"),
    [
        ("0::/user.slice/user-1000.slice/session-2.scope", True, False),
        ("0::/system.slice/jupyter-ada.service", True, False),
        ("0::/user.slice/user-1.slice/user@1.service/app.slice/a.scope", True, True),
        ("0::/user.slice/user-1.slice/user@1.service/lab.service", True, True),
        ("0::/system.slice/slurmstepd.scope/job_17/step_0/user", False, False),
        ("0::/kubepods.slice/kubepods-pod1.slice/cri-1.scope", False, False),
    ],
)
def test_what_a_scope_of_its_own_is_good_for(
    cgroup: str, when_lingering: bool, otherwise: bool
) -> None:
    """It outlives more, or it is not asked for; what was allotted is not left."""
    assert gains(cgroup, lingers=True) is when_lingering
    assert gains(cgroup) is otherwise
    assert gains(cgroup, has_mark=True, lingers=True) is False
    assert "logout" not in ender(cgroup, lingers=True)


def test_that_is_said_once(run: RunCell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line names it at the first start, and at no later one."""
    monkeypatch.setattr(detached, "_told", set())
    monkeypatch.setattr(detached, "ender_of", lambda _: "this container")
    first = run("%spawn --detach --name a sleep 1000")
    second = run("%spawn --detach --name b sleep 1000")

    said = "ends with this container all the same"
    assert f"{first.value.id} {said}\n" in first.out
    assert said not in second.out


@pytest.fixture
def there(folder: Path, ip: InteractiveShell) -> Iterator[CommandHost]:
    """A host of its own, in the variable ``there``; none of its jobs is left."""
    runs = folder / "there"
    runs.mkdir(0o700)
    host = ip.user_ns["there"] = bare(runs, python=sys.executable, HOME=str(folder))
    yield host
    for job in jobs:
        with suppress(OSError):
            job.kill()
    host.close()
    for pid in agents(runs):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    assert gone_agents(runs)


@pytest.mark.slow
def test_on_a_host(run: RunCell, there: CommandHost) -> None:
    """All of it is the same with --on, which says where."""
    first = run("%spawn --attach --on there --name train --quiet sleep 1000").value
    assert run("%procattach").out == "no detached jobs\n"
    table = run("%procattach --on there").out
    assert f"{first.id}" in table
    assert f"there:{first.pid}" in table
    jobs.discard(first)
    taken = run("%spawn --attach --on there --name train --quiet sleep 1000").value
    assert (taken.id, taken.pid) == (first.id, first.pid)
    refused = run("%spawn --detach --on there --name train --quiet true").error
    assert f"runs detached already, as {first.id}" in str(refused)
    assert str(run("%procattach --forget train --on there").error) == (
        f"{first.id} still runs: end it first"
    )
    taken.kill()
    taken.wait(PATIENCE)
    eventually(lambda: jobs.detached(there)[0].is_over)
    assert run("%procattach --forget --on there").out == f"{first.id}: forgotten\n"
    error = run("%procattach train --on there").error
    assert str(error) == "no detached job 'train' on there: there are none"
    assert isinstance(run("%procattach --on nope").error, UsageError)
