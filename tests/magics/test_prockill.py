from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from IPython.core.error import UsageError

from ipyproc import Job, Process, jobs, start_process
from tests.jobs.helpers import eventually
from tests.magics.helpers import RunCell, until
from tests.process.interrupts import interrupted_after

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


# It starts two others, one in a session of its own; they let the signal by default end
# them, and hold the output open.
FAMILY = "sh -c 'setsid sleep 60 & echo $!; sleep 60 & wait'"


def is_complete(job: Job) -> bool:
    """Whether the two are there, and one of them leads its session."""
    leader = int(job.stdout.text)
    return job.left() == 3 and os.getsid(leader) == leader


def test_the_whole_job(run: RunCell) -> None:
    """All that a job started is killed, too, and gone when the magic returns."""
    job = run(f"%spawn --name web {FAMILY}").value
    until(job, lambda job: job.total > 0)
    eventually(lambda: is_complete(job))

    ran = run("%prockill web")

    assert ran.out == f"web (pid {job.pid}) and 2 that it started: SIGKILL sent\n"
    assert job.left() == 0
    assert str(job.state) == "signal: killed"


def test_the_process_alone(run: RunCell) -> None:
    """--only ends the job's process; what is left can be ended afterwards."""
    job = run(f"%spawn --name web {FAMILY}").value
    until(job, lambda job: job.total > 0)
    eventually(lambda: is_complete(job))

    alone = run("%prockill web --only")
    left = job.left()
    rest = run("%prockill web")
    again = run("%prockill web")
    os.kill(int(job.stdout.text), signal.SIGKILL)

    # One left its session, and has now lost its parent.
    daemon = f"web (pid {job.pid}): 1 daemon of it lives"
    assert alone.out.splitlines() == [f"web (pid {job.pid}): SIGKILL sent", daemon]
    assert str(job.state) == "signal: killed"
    assert left == 1
    assert rest.out.splitlines() == [
        f"1 that web (pid {job.pid}) started: SIGKILL sent",
        daemon,
    ]
    assert job.left() == 0
    assert again.out.splitlines() == [
        f"web (pid {job.pid}): os: process already finished (signal: killed)",
        daemon,
    ]


@pytest.mark.parametrize(
    ("options", "who"),
    [
        ("--signal TERM", ""),
        ("--signal INT", " and 1 that it started"),
        ("--signal STOP", " and 2 that it started"),
        ("--signal URG --tree", " and 2 that it started"),
        ("--signal STOP --only", ""),
    ],
)
def test_whom_a_signal_reaches(run: RunCell, options: str, who: str) -> None:
    """A signal goes where it means something, unless an option says otherwise."""
    job = run(
        "%spawn --name web sh -c 'trap : TERM INT; setsid sleep 60 & "
        "echo $!; sleep 60 & while :; do wait; done'"
    ).value
    until(job, lambda job: job.total > 0)
    eventually(lambda: is_complete(job))

    ran = run(f"%prockill web {options}")

    sig = f"SIG{options.split()[1]}"
    assert ran.out == f"web (pid {job.pid}){who}: {sig} sent\n"
    job.kill()
    job.wait(30)


def test_an_interrupt_stops_the_waiting(run: RunCell) -> None:
    """Ctrl-C while %prockill waits says what is left; the end goes on."""
    job = run("%spawn --name deaf sh -c 'trap \"\" TERM; echo; exec sleep 60'").value
    until(job, lambda job: job.total > 0)

    with interrupted_after(0.2):
        ran = run("%prockill deaf --grace 2")

    assert isinstance(ran.error, KeyboardInterrupt)
    assert f"waiting stopped; deaf (pid {job.pid}) still runs" in ran.out
    assert str(job.wait(30)) == "signal: killed"


def test_grace(run: RunCell) -> None:
    """--grace sends SIGTERM at once, and SIGKILL to what still runs then."""
    deaf = run("%spawn --name deaf sh -c 'trap \"\" TERM; echo; exec sleep 60'").value
    good = run("%spawn --name good sleep 60").value
    until(deaf, lambda job: job.total > 0)

    ran = run("%prockill deaf good --grace 0.1")

    assert ran.out.splitlines() == [
        f"deaf (pid {deaf.pid}): SIGTERM sent, SIGKILL follows after 0.1 s",
        f"good (pid {good.pid}): SIGTERM sent, SIGKILL follows after 0.1 s",
    ]
    assert str(deaf.state) == "signal: killed"
    assert str(good.state) == "signal: terminated"


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

    assert ran.out == f"mine (pid {job.pid}): SIGKILL sent\n"


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


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("--grace 1 --signal INT", "--grace begins with SIGTERM: leave --signal out"),
        ("--grace 1 --only", "--grace ends the whole job: leave --only out"),
        ("--tree --only", "--tree and --only exclude each other: leave one out"),
    ],
)
def test_options_that_exclude_each_other(run: RunCell, options: str, text: str) -> None:
    """Options that exclude each other are refused in one line; nothing is sent."""
    run("%spawn sleep 60")

    ran = run(f"%prockill sleep {options}")

    assert isinstance(ran.error, UsageError)
    assert str(ran.error) == text
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
