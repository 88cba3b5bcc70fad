"""A detached job in another session than that which started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ipyproc import Job, JobLostError, jobs, spawn
from ipyproc._agent import records
from ipyproc._jobs.output.find import Words
from ipyproc.hosts import _local
from tests.alone import state
from tests.hosts.helpers import agents, gone_agents
from tests.jobs.helpers import PATIENCE, eventually, gone, lives, until, until_printed

KILL = "os.kill(os.getpid(), signal.SIGKILL)"
# It prints, and waits for lines until there are no more.
TRAIN = "echo first; echo err >&2; while read x; do echo got $x; done; exit 4"
# It shows the size of its terminal, and reads two lines; and what is to be seen then.
ASKS = "stty size; read x; echo got $x; stty size; read y; exit 5"
TYPED = "30 100\r\nhi\r\ngot hi\r\n20 50\r\nx\r\n"


@pytest.fixture(autouse=True)
def folder(alone: Path) -> Path:
    """Keep all of it in a folder of the test's own."""
    return alone


def session(code: str, end: str = KILL) -> str:
    """Run a session that detaches jobs, and ends by itself; return what it printed."""
    lines = "import os, signal\nfrom ipyproc import PIPE, jobs, spawn\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{lines}{code}\n{end}"],
        stdout=subprocess.PIPE,
        timeout=PATIENCE,
        text=True,
    )
    return done.stdout.strip()


def started(
    script: str = TRAIN, name: str = "train", end: str = KILL, printed: str = "."
) -> str:
    """Let a session that ends detach a job that prints *printed*; return its id."""
    return session(
        f"job = spawn({script!r}, shell=True, name={name!r}, stdin=PIPE, detach=True)\n"
        f"job.until({printed!r}, timeout={PATIENCE})\n"
        "print(job.id, flush=True)",
        end,
    )


def kill_agent(folder: Path, sig: int = signal.SIGKILL) -> None:
    """Kill the only agent, and wait until it is gone."""
    (pid,) = agents(folder / "runtime")
    os.kill(pid, sig)
    assert gone(pid)


@pytest.mark.parametrize("end", ["", "os._exit(3)", KILL])
def test_all_of_it_is_there_again(end: str) -> None:
    """However the session ends, another has output, input and the exit status."""
    identity = started(end=end)
    job = jobs.attach(identity)
    assert (job.id, job.name, job.status) == (identity, "train", "running")
    job.send("more\n")
    until_printed(job, "got more")
    job.close_stdin()

    assert str(job.wait(PATIENCE)) == "exit status 4"
    assert job.stdout.text == "first\ngot more\n"
    assert job.stderr.text == "err\n"


def test_it_is_in_the_table_but_not_of_this_session() -> None:
    """What ends all jobs of a session does not mean an attached one."""
    identity = started()
    job = jobs.attach("train")

    assert (jobs["train"], jobs.last, jobs.attach(identity)) == (job, job, job)
    assert jobs.running == []
    assert time.time() - job.started_at < PATIENCE
    assert job.kill()
    assert str(job.wait(PATIENCE)) == "signal: killed"


def test_signals_and_readiness() -> None:
    """Signals, ``until`` and the process are as if it had been started here."""
    started("trap 'echo term; exit 7' TERM; echo ready; while :; do sleep 0.01; done")
    job = jobs.attach("train")
    assert job.until("ready", timeout=PATIENCE)
    assert job.process.pid == job.pid
    job.terminate()

    assert str(job.wait(PATIENCE)) == "exit status 7"
    until(job, lambda job: job.finished)
    assert job.stdout.text == "ready\nterm\n"


def test_two_sessions_at_a_time() -> None:
    """Both see all that it prints, and either may write."""
    identity = started()
    job = jobs.attach(identity)
    told = session(
        f"job = jobs.attach({identity!r})\n"
        "job.send('there\\n')\n"
        f"job.until('got there', timeout={PATIENCE})\n"
        "print(job.stdout.text)"
    )
    job.send("here\n")
    until_printed(job, "got here")

    assert told == "first\ngot there"
    assert job.stdout.text == "first\ngot there\ngot here\n"


def test_after_its_end_no_agent_is_needed(folder: Path) -> None:
    """What it printed, and how it ended, is read from the disk."""
    identity = started("echo out; echo err >&2; exit 5")
    eventually((state(folder) / identity / "end.json").exists)
    kill_agent(folder)

    (record,) = jobs.detached()
    assert (record.id, record.status, record.state) == (
        identity,
        "exited",
        "exit status 5",
    )
    job = jobs.attach("train")
    assert str(job.wait(PATIENCE)) == "exit status 5"
    assert (job.stdout.text, job.stderr.text) == ("out\n", "err\n")
    assert job.finished
    # Another may have been starting when that one was killed; it leaves if it is idle.
    assert gone_agents(folder / "runtime")
    assert (state(folder) / identity / "seen").exists()


def test_much_that_was_printed_before() -> None:
    """What is shown comes at once, and the rest can be read."""
    script = "head -c 30000000 /dev/zero; echo end; read x"
    started(f"echo begin; {script}")
    until_size(30_000_010)
    job = jobs.attach("train")
    until(job, lambda job: job.stdout.total == 30_000_010)

    assert job.stdout.tail(4) == b"end\n"
    assert job.stdout[:6] == b"begin\n"
    assert job.stdout.bytes.count(b"\0") == 30_000_000


def until_size(size: int) -> None:
    """Wait until the only detached job has printed so much."""
    (record,) = jobs.detached()
    path = Path(record.folder, "out")
    eventually(lambda: path.stat().st_size == size)


def test_which_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """This notebook's come first, and those that run; several are refused."""
    ended = started("echo x", name="train")
    eventually(lambda: jobs.detached()[0].is_over)
    running = started(name="train")
    assert jobs.attach("train").id == running

    monkeypatch.setenv("JPY_SESSION_NAME", "other.ipynb")
    assert jobs.attach("train").id == running
    theirs = started(name="train")
    assert jobs.attach("train").id == theirs
    monkeypatch.setenv("JPY_SESSION_NAME", "third.ipynb")
    with pytest.raises(KeyError, match=f"2 detached jobs are called .*{running}"):
        jobs.attach("train")
    assert jobs.attach(ended).id == ended


def test_none_is_meant() -> None:
    """The error names what there is."""
    with pytest.raises(KeyError, match="no detached job 'train': there are none"):
        jobs.attach("train")
    started(name="train")
    with pytest.raises(KeyError, match="did you mean 'train'"):
        jobs.attach("tran")


def test_once_also_for_a_new_session() -> None:
    """A job of this name and notebook that another session left is not doubled."""
    identity = started()
    with pytest.raises(RuntimeError, match=f"runs detached already, as {identity}"):
        spawn("sleep 1000", name="train", detach=True)
    first = jobs.attach(identity)
    second = spawn("sleep 1000", name="train", detach=True, replace=True)

    assert not lives(first.pid)
    assert second.number == first.number + 1


def test_what_was_started_elsewhere_is_not_started_again() -> None:
    """Its environment is on no record, so ``again`` says so."""
    started("echo done")
    job = jobs.attach("train")
    job.wait(PATIENCE)
    with pytest.raises(RuntimeError, match="environment is not on record"):
        job.again()


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM])
def test_the_agent_dies(folder: Path, sig: signal.Signals) -> None:
    """The job runs on, and is adopted; only its exit status is never learnt."""
    go = folder / "go"
    script = f"echo one; until [ -e {go} ]; do sleep 0.01; done; echo two; exit 3"
    job = spawn(script, shell=True, name="train", detach=True)
    until_printed(job, "one")
    kill_agent(folder, sig)
    link = _local.agent.link  # which starts another one
    eventually(lambda: [link.welcome.number("pid")] == agents(folder / "runtime"))
    assert job.status == "running"
    assert lives(job.pid)
    go.touch()

    with pytest.raises(JobLostError, match="its agent had ended"):
        job.wait(PATIENCE)
    assert job.status == "lost"
    assert job.stdout.text == "one\ntwo\n"
    (record,) = jobs.detached()
    assert (record.status, record.state) == (
        "lost",
        "its agent had ended, so nobody learnt how it did",
    )


def test_the_agent_dies_with_nobody_there(folder: Path) -> None:
    """The next agent adopts what runs on, and signals reach it."""
    identity = started("echo one; sleep 1000 & echo two; wait")
    kill_agent(folder)
    assert [record.status for record in jobs.detached()] == ["running"]
    with pytest.raises(RuntimeError, match=f"already, as {identity}"):
        spawn("sleep 1000", name="train", detach=True)

    job = jobs.attach("train")
    until_printed(job, "two")
    assert job.signal(signal.SIGSTOP) == 2
    until(job, lambda job: job.status == "stopped")
    job.signal(signal.SIGCONT)
    assert job.kill() == 2
    with pytest.raises(JobLostError):
        job.wait(PATIENCE)
    assert job.stdout.text == "one\ntwo\n"


def test_it_ends_while_there_is_no_agent(folder: Path) -> None:
    """Its output is complete, and it is lost, whoever asks first."""
    go = folder / "go"
    started(f"echo one; until [ -e {go} ]; do sleep 0.01; done; echo two")
    kill_agent(folder)
    (record,) = jobs.detached()
    go.touch()
    assert gone(record.pid)

    job = jobs.attach("train")
    with pytest.raises(JobLostError, match="its agent had ended"):
        job.wait(PATIENCE)
    assert job.stdout.text == "one\ntwo\n"


def test_the_agent_is_stopped(folder: Path) -> None:
    """One line says which process it is, at once, and what lets it go on."""
    started()
    (pid,) = agents(folder / "runtime")
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: _local.stopped_agent() == pid)
    try:
        with pytest.raises(ConnectionError, match=rf"\(pid {pid}\) is stopped: kill"):
            jobs.attach("train")
        with pytest.raises(ConnectionError, match="is stopped"):
            spawn("true", detach=True)
        assert [record.status for record in jobs.detached()] == ["running"]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert lives(jobs.attach("train").pid)


def test_the_folder_is_deleted(folder: Path) -> None:
    """The job runs on, and who has it keeps all of it that is still somewhere."""
    job = spawn(TRAIN, shell=True, name="train", detach=True)
    until_printed(job, "first")
    records.remove(str(state(folder) / str(job.id)))

    assert str(job.wait(PATIENCE)) == "exit status 4"
    assert job.stdout.text == "first\n"
    assert jobs.detached() == []


def test_a_fork_of_the_session() -> None:
    """A child can ask what there is, and ends nothing when it ends."""
    job = spawn("sleep 1000", name="train", detach=True)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            found = [record.id for record in jobs.detached()]
            os.write(writer, str(found == [job.id]).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with open(reader) as file:
        assert file.read() == "True"
    assert job.status == "running"
    assert job.kill() == 1
    job.wait(PATIENCE)


def test_ten_start_at_once(folder: Path) -> None:
    """However many sessions need an agent first, there is one, and one job."""
    code = (
        "from ipyproc import spawn\n"
        "try:\n    print(spawn('sleep 1000', name='train', detach=True).id)\n"
        "except RuntimeError: print('refused')"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
        )
        for _ in range(10)
    ]
    told = sorted(process.communicate(timeout=2 * PATIENCE)[0] for process in processes)

    assert told[:9] == ["refused\n"] * 9
    assert [record.id + "\n" for record in jobs.detached()] == told[9:]
    assert len(agents(folder / "runtime")) == 1


def test_an_agent_that_cannot_begin(folder: Path) -> None:
    """The error says why, with the last line of its log."""
    (folder / "runtime" / "agent-1.log").write_text("older\nthe last line\n")
    (folder / "runtime" / "agent-1.socket").mkdir()
    with pytest.raises(ConnectionError, match=r"its log ends with: the last line"):
        spawn("true", detach=True)

    assert jobs.detached() == []


@pytest.mark.slow
def test_it_leaves_when_there_is_nothing_to_keep(folder: Path) -> None:
    """An agent goes some time after the last job, and the next start has another."""
    assert spawn("true", detach=True).wait(PATIENCE).success
    (first,) = agents(folder / "runtime")
    _local.agent.close()

    assert gone_agents(folder / "runtime")
    assert spawn("true", detach=True).wait(PATIENCE).success
    assert agents(folder / "runtime") != [first]


def test_another_machines_record(folder: Path) -> None:
    """In a home that machines share, only the other one can tell what became of it."""
    identity = started()
    path = state(folder) / identity / "job.json"
    path.write_text(path.read_text().replace(records.host(), "elsewhere"))
    (record,) = jobs.detached()

    assert (record.host, record.status) == ("elsewhere", "unknown")
    with pytest.raises(OSError, match="only elsewhere can tell"):
        jobs.attach(identity)
    os.killpg(record.pid, signal.SIGKILL)


def test_a_restart_of_the_machine(folder: Path) -> None:
    """What was running then is lost, whoever has its pid now; output is there."""
    identity = started()
    kill_agent(folder)
    (record,) = jobs.detached()
    os.killpg(record.pid, signal.SIGKILL)
    assert gone(record.pid)
    path = state(folder) / identity / "job.json"
    path.write_text(path.read_text().replace(records.machine(), "before"))

    (record,) = jobs.detached()
    assert (record.status, record.state) == (
        "lost",
        "the machine was started anew since",
    )
    job: Job = jobs.attach("train")
    with pytest.raises(JobLostError, match="started anew"):
        job.wait(PATIENCE)
    assert job.stdout.text == "first\n"


def use_terminal(job: Job) -> None:
    """Change the size of a terminal that is there again, and type to the end."""
    assert job.terminal is not None
    assert (job.terminal.rows, job.terminal.columns) == (30, 100)
    job.resize(20, 50)
    job.send("hi\r")
    until_printed(job, "20 50")
    job.send("x\r")

    assert str(job.wait(PATIENCE)) == "exit status 5"
    until(job, lambda job: job.finished)
    assert job.stdout.text == TYPED


def test_a_terminal() -> None:
    """What it shows, its keys and its size are there again, also after its end."""
    started_in = f"spawn({ASKS!r}, shell=True, name='t', detach=True, pty=(30, 100))"
    session(f"{started_in}.until('30 100', timeout={PATIENCE})")
    job = jobs.attach("t")
    use_terminal(job)

    assert job.stdout.path is not None
    assert Path(job.stdout.path).read_bytes() == TYPED.encode()


def test_a_terminal_ends_with_its_agent(folder: Path) -> None:
    """Nobody else holds it; what it showed is kept."""
    job = spawn("echo shown; sleep 1000", shell=True, detach=True, pty=True)
    until_printed(job, "shown")
    kill_agent(folder)

    with pytest.raises(JobLostError, match="its agent had ended"):
        job.wait(PATIENCE)
    assert gone(job.pid or 0)
    assert job.stdout.text == "shown\r\n"


def test_what_was_printed_before_is_whole(tmp_path: Path) -> None:
    """Read, searched and saved from the beginning on, beyond what is shown of it."""
    identity = started("seq 400000; seq 300000 >&2; echo done; read x")
    job = jobs.attach(identity)
    size = sum(
        len(f"{n}\n") for count in (400_000, 300_000) for n in range(1, count + 1)
    )
    until(job, lambda job: job.total == size + len("done\n"))
    lines = [f"{n}\n".encode() for n in range(1, 400_001)]
    job.save(tmp_path / "train.txt")
    search = job.whole_as_utf8.search(Words("200000"))
    found: list[int] = []
    while search.is_behind(job.total, final=False):
        found += [at for at, _ in search.next(job.total, final=False)]

    chunks = job.read(0, job.total)
    stdout = b"".join(chunk.data for chunk in chunks if chunk.stream == "stdout")
    assert stdout == b"".join(lines) + b"done\n" == job.stdout.bytes
    assert (tmp_path / "train.txt").stat().st_size == job.total
    assert search.texts(found, 100) == ["200000", "200000"]
    job.kill()


def test_times_of_what_was_printed_before() -> None:
    """They are those of the agent, which was there."""
    identity = started("echo first; sleep 1; echo second; read x", printed="second")
    job = jobs.attach(identity)
    until_printed(job, "second")
    first, second = job.stdout.time_at(0), job.stdout.time_at(6)

    assert first is not None
    assert second is not None
    # To a hundredth of a second each.
    assert second - first >= 0.9
    job.kill()
