from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from IPython.core.error import UsageError

from ipyproc import Process, jobs, start_process
from tests.magics.helpers import RunCell, until

TRAP = "trap 'exit 7' TERM; echo; while :; do sleep 0.1; done"


@pytest.fixture
def stranger() -> Iterator[Process]:
    """A child of this process that is no job."""
    process = start_process("/bin/sleep", ["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_it_kills(run: RunCell) -> None:
    """The signal is SIGKILL by default; a line says what was done."""
    job = run("%spawn sleep 60").value

    ran = run("%prockill sleep")

    assert (ran.value, ran.error) == (None, None)
    assert ran.out == f"sleep (pid {job.pid}): SIGKILL sent\n"
    assert str(job.wait(30)) == "signal: killed"


@pytest.mark.parametrize("word", ["{job.pid}", "job", "_"])
def test_a_job_has_many_names(run: RunCell, word: str) -> None:
    """A job is also named by its pid, by a variable and by ``_``."""
    job = run("%spawn sleep 60").value
    if word == "job":
        run("job = _")

    run(f"%prockill {word.format(job=job)}")

    assert str(job.wait(30)) == "signal: killed"


@pytest.mark.parametrize("name", ["TERM", "15", "SIGTERM", "term"])
def test_any_signal(run: RunCell, name: str) -> None:
    """A signal has a name or a number, and stands before the jobs or after them."""
    job = run(f'%spawn sh -c "{TRAP}"').value
    until(job, lambda job: job.total > 0)

    ran = run(f"%prockill sh --signal {name}")

    assert ran.out == f"sh (pid {job.pid}): SIGTERM sent\n"
    assert job.wait(30).exit_code == 7


def test_several_and_all(run: RunCell) -> None:
    """Each job has its line; one that is named twice is signalled once."""
    one, two, three = (run(f"%spawn --name {n} sleep 60").value for n in "abc")

    named = run("%prockill b a b")
    killed = [str(job.wait(30)) for job in (one, two)]
    rest = run("%prockill --all --signal 2")

    assert named.out.splitlines() == [
        f"b (pid {two.pid}): SIGKILL sent",
        f"a (pid {one.pid}): SIGKILL sent",
    ]
    assert rest.out == f"c (pid {three.pid}): SIGINT sent\n"
    assert killed == ["signal: killed"] * 2
    assert str(three.wait(30)) == "signal: interrupt"
    assert run("%prockill --all").out == "no job runs\n"


def test_an_ended_job_is_no_error(run: RunCell) -> None:
    """Killing an ended job is no error; the line says how it ended."""
    job = run("%spawn --wait sh -c 'exit 3'").value

    ran = run("%prockill sh")

    assert ran.error is None
    assert ran.out == (
        f"sh (pid {job.pid}): os: process already finished (exit status 3)\n"
    )


def test_the_whole_tree(run: RunCell) -> None:
    """--tree reaches what the job started, so that nothing holds its output open."""
    job = run("%spawn sh -c '(trap \"\" HUP; echo; exec sleep 60) & wait'").value
    until(job, lambda job: job.total > 0)

    ran = run("%prockill sh --tree")

    assert ran.out == f"sh (pid {job.pid}): SIGKILL sent to it and all it started\n"
    until(job, lambda job: job.finished)


def test_grace(run: RunCell) -> None:
    """--grace sends SIGTERM at once, and SIGKILL only if the job still runs then."""
    deaf = run("%spawn --name deaf sh -c 'trap \"\" TERM; echo; exec sleep 60'").value
    good = run("%spawn --name good sleep 60").value
    until(deaf, lambda job: job.total > 0)

    ran = run("%prockill deaf good --grace 0.1")

    assert ran.out.splitlines() == [
        f"deaf (pid {deaf.pid}): SIGTERM sent, SIGKILL follows after 0.1 s",
        f"good (pid {good.pid}): SIGTERM sent, SIGKILL follows after 0.1 s",
    ]
    assert str(deaf.wait(30)) == "signal: killed"
    assert str(good.wait(30)) == "signal: terminated"


def test_a_wrong_name_spares_all(run: RunCell) -> None:
    """Nothing is signalled if one of the words is wrong."""
    job = run("%spawn --name train sleep 60").value

    ran = run("%prockill train tran")

    assert ran.err == "UsageError: no job 'tran': did you mean 'train'?\n"
    assert job.ended_at is None


def test_a_beginning_is_not_enough(run: RunCell) -> None:
    """The beginning of a name names no job, even if only one has it."""
    job = run("%spawn --name train sleep 60").value

    assert str(run("%prockill trai").error) == ("no job 'trai': did you mean 'train'?")
    assert job.ended_at is None


def test_a_name_comes_before_a_variable(run: RunCell) -> None:
    """A variable that holds something else names no job."""
    named = run("%spawn --name x sleep 60").value
    run("x = %spawn --name y sleep 60")
    run("n = 3")

    run("%prockill x")

    assert str(named.wait(30)) == "signal: killed"
    assert jobs.running == [jobs["y"]]
    assert str(run("%prockill n").error) == "no job 'n': that variable holds a int"


def test_a_stranger_needs_an_option(run: RunCell, stranger: Process) -> None:
    """A pid that is no job's is signalled only with --pid."""
    refused = run(f"%prockill {stranger.pid} --signal INT")

    assert str(refused.error) == (
        f"no job has the pid {stranger.pid}: with --pid any process can be signalled"
    )

    ran = run(f"%prockill --pid {stranger.pid} --signal INT")

    assert ran.out == f"pid {stranger.pid}: SIGINT sent\n"


def test_a_process_in_a_variable(run: RunCell, ip: object, stranger: Process) -> None:
    """A Process in a variable is signalled through its handle, which stays open."""
    run("from ipyproc import start_process")
    run("p = start_process('/bin/sleep', ['sleep', '60'])")

    assert "with --pid" in str(run("%prockill p").error)

    run("%prockill --pid p")

    assert str(run("p.wait()").value) == "signal: killed"


def test_the_process_of_a_job_is_the_job(run: RunCell) -> None:
    """A job's Process names the job, so that --tree works."""
    job = run("job = %spawn --name mine sleep 60\np = job.process\njob").value

    ran = run("%prockill p --tree")

    assert ran.out == f"mine (pid {job.pid}): SIGKILL sent to it and all it started\n"


def test_the_pid_of_an_ended_job(run: RunCell) -> None:
    """A pid of an ended job is that job; with --pid, the process that has it now."""
    job = run("%spawn --quiet --wait true").value

    alone = run(f"%prockill {job.pid}")
    other = run(f"%prockill --pid {job.pid}")

    assert alone.out == (
        f"true (pid {job.pid}): os: process already finished (exit status 0)\n"
    )
    assert str(other.error) == f"no process has the pid {job.pid}"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("--tree", "--tree is for jobs: what others started is not known"),
        ("--grace 1", "--grace is for jobs: send --signal TERM, then KILL"),
    ],
)
def test_what_only_jobs_have(
    run: RunCell, stranger: Process, options: str, text: str
) -> None:
    """--tree and --grace are refused for other processes; nothing is signalled."""
    ran = run(f"%prockill --pid {stranger.pid} {options}")

    assert isinstance(ran.error, UsageError)
    assert str(ran.error) == text
    with pytest.raises(TimeoutError):
        stranger.wait(0)


def test_a_pid_that_is_nobodys(run: RunCell) -> None:
    """With --pid, a pid without a process is refused."""
    ran = run("%prockill --pid 99999999")

    assert str(ran.error) == "no process has the pid 99999999"


def test_grace_has_its_own_signal(run: RunCell) -> None:
    """--grace excludes any signal but SIGTERM."""
    run("%spawn sleep 60")

    assert str(run("%prockill sleep --grace 1 --signal INT").error) == (
        "--grace begins with SIGTERM: leave --signal out"
    )
    assert jobs.running


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_what_the_kernel_refuses_comes_last(run: RunCell) -> None:
    """All targets are tried and have a line before one error stops the cell."""
    run("import os")
    other = run("%spawn --name other --user daemon sleep 60").value
    mine = run("%spawn --name mine --user nobody sleep 60").value

    ran = run(
        "os.seteuid(65534)\ntry:\n    %prockill other mine\nfinally: os.seteuid(0)"
    )

    assert isinstance(ran.error, PermissionError)
    assert ran.out.splitlines() == [
        f"other (pid {other.pid}): operation not permitted",
        f"mine (pid {mine.pid}): SIGKILL sent",
        f"{type(ran.error).__name__}: operation not permitted",
    ]
    assert str(mine.wait(30)) == "signal: killed"
    assert other.ended_at is None
