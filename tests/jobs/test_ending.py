"""What a signal reaches, and how a job ends: the process and all that it started."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ipyproc import PIPE, Job, ProcessDoneError, spawn
from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.procinfo import proc, sending, tree
from ipyproc._jobs.shutdown import shutdown
from tests.jobs.helpers import (
    HEAR,
    LISTEN,
    PATIENCE,
    eventually,
    gone,
    in_session,
    lives,
    python,
    until,
    until_printed,
)

pytestmark = pytest.mark.usefixtures("mode")

# A process and its child, which say what signals they get, and who they are.
LISTENERS = """
import os, signal, sys
who, other = "leader", {own_session}
def say(sig, frame):
    os.write(1, f"{{who}} {{signal.Signals(sig).name}}\\n".encode())
for sig in (1, 2, 10, 12, 15):
    signal.signal(sig, say)
if not os.fork():
    who = "child"
    if other:
        os.setsid()
{HEAR}
os.write(1, b"ready\\n")
{LISTEN}
"""


def listeners(own_session: bool = False) -> Job:
    """Start a process and its child that tell of signals."""
    job = spawn(
        python(LISTENERS.format(own_session=own_session, HEAR=HEAR, LISTEN=LISTEN))
    )
    until(job, lambda job: job.stdout.text.count("ready") == 2)
    return job


def assert_heard(job: Job, expected: set[str]) -> None:
    """Wait until all that is *expected* was heard; nothing else was."""

    def heard() -> set[str]:
        return set(job.stdout.lines()) - {"ready", "leader SIGUSR2", "child SIGUSR2"}

    # Of two signals that wait, a process gets that with the lower number first.
    until(job, lambda _: heard() >= expected)
    job.signal(signal.SIGUSR2, tree=True)
    until(job, lambda job: job.stdout.text.count("SIGUSR2") == 2)
    assert heard() == expected


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_what_only_the_program_understands(sig: signal.Signals) -> None:
    """A signal that means what the program makes of it goes to the process alone."""
    job = listeners()

    assert job.signal(sig) == 1
    assert_heard(job, {f"leader {sig.name}"})


def test_an_interrupt_goes_to_the_group() -> None:
    """INT reaches what Ctrl-C in a terminal would reach."""
    job = listeners()

    assert job.signal(signal.SIGINT) == 2
    assert_heard(job, {"leader SIGINT", "child SIGINT"})


def test_an_interrupt_leaves_other_sessions() -> None:
    """INT does not reach who left the group."""
    job = listeners(own_session=True)

    assert job.signal(signal.SIGINT) == 1
    assert_heard(job, {"leader SIGINT"})


@pytest.mark.parametrize(
    ("tree", "who"), [(False, {"leader"}), (True, {"leader", "child"})]
)
@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_tree_says_otherwise(sig: signal.Signals, tree: bool, who: set[str]) -> None:
    """With *tree*, a signal goes to all or to the process alone, whatever it is."""
    job = listeners(own_session=True)

    assert job.signal(sig, tree=tree) == len(who)
    assert_heard(job, {f"{each} {sig.name}" for each in who})


def test_stop_and_continue() -> None:
    """STOP and CONT go to all that a job started."""
    job = listeners(own_session=True)
    members = tree.tree_of({job.pid})

    assert job.signal(signal.SIGSTOP) == 2
    eventually(lambda: all(member.stopped for member in members.find()))
    assert job.signal(signal.SIGCONT) == 2
    eventually(lambda: not any(member.stopped for member in members.find()))


def test_kill() -> None:
    """kill() ends a process and all that it started, and says how many those are."""
    job = listeners(own_session=True)
    members = tree.tree_of({job.pid}).find()

    assert job.kill() == 2
    assert str(job.wait(PATIENCE)) == "signal: killed"
    eventually(lambda: not any(lives(member.pid) for member in members))
    assert job.left() == 0


def test_kill_the_process_alone() -> None:
    """kill(tree=False) leaves what it started, which can be killed afterwards."""
    job = listeners()

    assert job.kill(tree=False) == 1
    job.wait(PATIENCE)
    assert job.left() == 1
    assert job.kill() == 1
    eventually(lambda: job.left() == 0)
    assert gone(job.pid)


# On TERM the leader lets its worker finish, and writes down what came of that.
TRAINING = f"""
import os, signal, sys
ours, theirs = os.pipe()
asked, ask = os.pipe()
worker = os.fork()
if not worker:
    os.write(1, b"ready\\n")
    os.read(asked, 1)
    os.write(theirs, b"weights")
    os._exit(0)
os.close(theirs)
def save(*_):
    os.write(ask, b"!")
    with open("checkpoint", "wb") as file:
        file.write(os.read(ours, 100) + b" saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
{HEAR}
os.write(1, b"ready\\n")
{LISTEN}
"""


def test_a_training_writes_its_checkpoint(tmp_path: Path) -> None:
    """TERM goes to the process first, which needs its workers to end well."""
    job = spawn(python(TRAINING), dir=tmp_path)
    until(job, lambda job: job.stdout.text.count("ready") == 2)

    assert job.terminate(grace=1000) == 2
    assert job.wait(PATIENCE).success
    assert (tmp_path / "checkpoint").read_bytes() == b"weights saved"


# On HUP the leader lets its worker answer what it has begun, as gunicorn does.
SERVER = f"""
import os, signal
asked, ask = os.pipe()
if not os.fork():
    os.write(1, b"ready\\n")
    os.read(asked, 1)
    os.write(1, b"served\\n")
    os._exit(0)
signal.signal(signal.SIGHUP, lambda *_: os.write(ask, b"!"))
{HEAR}
os.write(1, b"ready\\n")
{LISTEN}
"""


def test_a_server_loads_itself_again() -> None:
    """HUP goes to the process alone: its workers would die of it."""
    job = spawn(python(SERVER))
    until(job, lambda job: job.stdout.text.count("ready") == 2)
    job.signal(signal.SIGHUP)
    until_printed(job, "served")

    assert job.status == "running"


def test_a_loop_with_a_trap() -> None:
    """A shell script with a trap ends as it wants to, and so does what it waits for."""
    loop = "trap 'echo saved; exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    job = spawn(loop, shell=True)
    until_printed(job, "ready")
    job.terminate(grace=1000)

    assert job.wait(PATIENCE).exit_code == 3
    assert job.stdout.lines() == ["ready", "saved"]


# Tells of TERM, and whether its parent was there still; then it goes on or ends.
CHILD = """
import os, signal, sys
parent = os.getpid()
if not os.fork():
    if {own_session}:
        os.setsid()
    def say(*_):
        gone = os.getppid() != parent
        os.write(1, b"child: TERM, alone\\n" if gone else b"child: TERM\\n")
        if {obeys}:
            os._exit(0)
    signal.signal(signal.SIGTERM, say)
elif {deaf}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
{HEAR}
os.write(1, b"ready %d\\n" % os.getpid())
{LISTEN}
"""


def family(
    *, deaf: bool = False, obeys: bool = True, own_session: bool = False
) -> tuple[Job, set[int]]:
    """Start a job with a child, and return the pids of both."""
    code = CHILD.format(
        deaf=deaf, obeys=obeys, own_session=own_session, HEAR=HEAR, LISTEN=LISTEN
    )
    job = spawn(python(code))
    until(job, lambda job: job.stdout.text.count("ready") == 2)
    return job, {int(line.split()[1]) for line in job.stdout.lines()}


@pytest.mark.parametrize("own_session", [False, True])
def test_the_others_are_asked_once_the_process_has_ended(own_session: bool) -> None:
    """TERM goes to what a job started as soon as the process itself has ended."""
    job, pids = family(own_session=own_session)

    assert job.terminate(grace=1000) == 2
    assert str(job.wait(PATIENCE)) == "signal: terminated"
    until_printed(job, "child: TERM, alone")
    until(job, lambda job: job.finished)
    eventually(lambda: not any(map(lives, pids)))


def test_the_others_are_asked_after_half_of_the_grace() -> None:
    """If the process does not end, what it started is asked before all are killed."""
    job, pids = family(deaf=True)
    job.terminate(grace=1)

    assert str(job.wait(PATIENCE)) == "signal: killed"
    assert "child: TERM\n" in job.stdout.text
    eventually(lambda: not any(map(lives, pids)))


@pytest.mark.parametrize("own_session", [False, True])
def test_who_is_left_is_killed(own_session: bool) -> None:
    """At the end of the grace all are killed, though the process ended long ago."""
    job, pids = family(obeys=False, own_session=own_session)
    job.terminate(grace=0.5)

    assert str(job.wait(PATIENCE)) == "signal: terminated"
    until_printed(job, "child: TERM, alone")
    eventually(lambda: not any(map(lives, pids)))


def test_terminate_what_is_stopped() -> None:
    """What is stopped is continued, so that it can end in its own way."""
    job, pids = family()
    job.signal(signal.SIGSTOP)
    until(job, lambda job: job.status == "stopped")
    job.terminate(grace=1000)
    job.wait(PATIENCE)
    until_printed(job, "child: TERM, alone")

    eventually(lambda: not any(map(lives, pids)))


def test_the_end_keeps_no_thread() -> None:
    """Once nothing is left, a long grace keeps the event loop's thread no longer."""
    job, _ = family()
    job.terminate(grace=1e6)
    job.wait(PATIENCE)
    until(job, lambda job: job.finished)

    assert shutdown.retire(PATIENCE)


def orphaned(shell: str) -> Job:
    """Start a job whose process ends at once and leaves others, which are ready."""
    job = spawn(["sh", "-c", shell])
    until_printed(job, "ready")
    job.wait(PATIENCE)
    return job


@pytest.mark.parametrize(
    "end",
    [Job.kill, Job.terminate, lambda job: job.signal(signal.SIGKILL)],
    ids=["kill", "terminate", "signal"],
)
def test_what_an_ended_job_left(end: object) -> None:
    """What is left of an ended job is ended like a job; then there is nothing."""
    job = orphaned("(sleep 1000 & sleep 1000 & echo ready; wait) &")
    eventually(lambda: job.left() == 3)

    assert end(job) == 3  # type: ignore[operator]
    eventually(lambda: job.left() == 0)
    with pytest.raises(ProcessDoneError):
        end(job)  # type: ignore[operator]


def test_signals_to_what_an_ended_job_left() -> None:
    """Of an ended job, an interrupt reaches the group; TERM had only the process."""
    code = "import os, signal\nif not os.fork(): print('ready'); signal.pause()"
    job = spawn(python(code))
    until_printed(job, "ready")
    job.wait(PATIENCE)
    with pytest.raises(ProcessDoneError):
        job.signal(signal.SIGTERM)
    assert job.signal(signal.SIGINT) == 1

    eventually(lambda: job.left() == 0)
    with pytest.raises(ProcessDoneError):
        job.signal(signal.SIGINT)


# It reloads by starting itself again, and its first process ends.
RELOADER = """
import os, socket
server = socket.create_server(("127.0.0.1", 0))
if not os.fork():
    print(server.getsockname()[1])
    server.accept()
"""


def test_a_server_whose_first_process_has_ended() -> None:
    """A server behind a reloader that has ended keeps no port after a kill."""
    job = spawn(python(RELOADER))
    job.wait(PATIENCE)
    until_printed(job, "\n")
    port = int(job.stdout.text)

    assert job.kill() == 1
    eventually(lambda: job.left() == 0)
    socket.create_server(("127.0.0.1", port), reuse_port=False).close()


def test_heirs_in_a_session_that_a_child_leads() -> None:
    """Who lost its parent in the session of a child belongs to the job like that."""
    inner = "(sleep 1000 & echo ready); exec sleep 1000"
    job = spawn(["sh", "-c", f"setsid sh -c '{inner}' & wait"])
    until_printed(job, "ready")
    eventually(lambda: job.left() == 3)
    members = tree.tree_of({job.pid}).find()

    assert job.kill() == 3
    eventually(lambda: not any(lives(member.pid) for member in members))


@pytest.fixture
def daemon() -> Iterator[list[int]]:
    """Kill the daemons whose pids a test notes."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(map(lives, pids)))


DAEMON = "(setsid sh -c 'sleep 1000 & echo $! $$; wait' &) ; exec sleep 1000"


def test_daemons_are_counted(daemon: list[int]) -> None:
    """What left session and parent is counted, with what it started, as one."""
    job = spawn(["sh", "-c", DAEMON], stdin=PIPE)
    until_printed(job, "\n")
    daemon += map(int, job.stdout.text.split())
    eventually(lambda: job.daemons() == 1)
    other = spawn("sleep 1000")

    assert job.kill() == 1
    assert other.daemons() == 0
    job.wait(PATIENCE)
    assert job.left() == 0
    assert job.daemons() == 1
    assert all(map(lives, daemon))


def test_each_job_has_its_mark() -> None:
    """Marks begin with that of the session, and no two jobs have the same."""
    marks = []
    for clear in (False, False, True):
        job = spawn(["sh", "-c", "echo $IPYPROC_SESSION"], clear_env=clear)
        job.wait(PATIENCE)
        marks.append(job.stdout.text.strip())

    assert marks[0] != marks[1]
    assert all(mark.startswith(guardian().mark + ".") for mark in marks[:2])
    assert marks[2] == ""


def test_a_kill_whatever_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is raised on the way, the process and its group are killed."""
    job = listeners()

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(tree.Tree, "find", fail)
    with pytest.raises(MemoryError):
        job.kill()
    monkeypatch.undo()

    assert str(job.wait(PATIENCE)) == "signal: killed"
    assert gone(job.pid)


def test_killing_many_reads_strangers_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """To kill many jobs does not read the whole machine for each."""
    running = [spawn("sleep 1000") for _ in range(20)]
    reads: list[int] = []
    look = proc.stat
    monkeypatch.setattr(proc, "stat", lambda pid: reads.append(pid) or look(pid))

    for job in running:
        assert job.kill() == 1
    monkeypatch.undo()

    assert reads.count(1) <= 3
    assert not any(in_session(job.pid) for job in running if job.wait(PATIENCE))


def test_what_was_killed_counts_until_it_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A kill is about all that it reached, also those who lost their parent by it."""
    job = listeners(own_session=True)
    (child,) = {member.pid for member in tree.tree_of({job.pid}).find()} - {job.pid}
    send = sending.send

    def spare(seen: proc.Stat, sig: int) -> bool:
        return (seen.pid == child and sig == signal.SIGKILL) or send(seen, sig)

    with monkeypatch.context() as patch:  # as if its end took a while
        patch.setattr(sending, "send", spare)
        assert job.kill() == 2
        job.wait(PATIENCE)
        assert job.left() == 1

    assert job.kill() == 1
    eventually(lambda: job.left() == 0)


def test_a_job_whose_state_was_taken_is_gone() -> None:
    """The pid of a process that other code waited for may be a stranger's by now."""
    job = spawn("cat", stdin=PIPE)
    busy, free = threading.Event(), threading.Event()

    def keep_busy() -> None:
        busy.set()
        free.wait(PATIENCE)

    event_loop().call_soon(keep_busy)
    assert busy.wait(PATIENCE)
    job.process.kill()
    os.waitpid(job.pid, 0)
    free.set()
    with pytest.raises(ChildProcessError):
        job.wait(PATIENCE)

    with pytest.raises(ProcessDoneError):
        job.kill()
    stranger = proc.stat(os.getpid())
    assert stranger is not None
    assert not job._runner._ending._tree()._leaders({job.pid: stranger})  # type: ignore[attr-defined]
