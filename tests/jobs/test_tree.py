from __future__ import annotations

import os
import signal
from itertools import count
from typing import Any

import pytest

from ipyproc import PIPE, Job, spawn
from ipyproc._jobs.procinfo.proc import Stat
from ipyproc._jobs.procinfo.tree import Tree, tree_of
from ipyproc.attr import SysProcAttr
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

# Each prints its pid: a child, one with a child of its own, one in its own session.
FAMILY = (
    "sleep 1000 & echo $!; (sleep 1000 & echo $!; wait) & echo $!; "
    "setsid sleep 1000 & echo $!; wait"
)


def family(job: Job) -> set[int]:
    """Return the pids of a running job and of what it started."""
    return {member.pid for member in tree_of({job.pid}).find()}


def big_family() -> tuple[Job, set[int]]:
    """Start a job with descendants, one of them in another session."""
    job = spawn(["sh", "-c", FAMILY])
    until(job, lambda job: job.stdout.text.count("\n") == 4)
    pids = {job.pid, *map(int, job.stdout.lines())}
    assert family(job) == pids
    return job, pids


def test_kill_tree() -> None:
    """kill(tree=True) leaves no descendant."""
    job, pids = big_family()
    job.kill(tree=True)

    assert str(job.wait(PATIENCE)) == "signal: killed"
    until(job, lambda job: job.finished)
    # A killed process closes its pipes a moment before it is a zombie.
    eventually(lambda: not any(map(lives, pids)))


def test_kill_leaves_the_others() -> None:
    """Without tree only the process itself ends; the others can still be found."""
    job = spawn(["sh", "-c", "sleep 1000 & echo ready; wait"])
    until_printed(job, "ready")
    job.kill(tree=False)
    job.wait(PATIENCE)

    assert len(in_session(job.pid)) == 1
    job.kill(tree=True)
    eventually(lambda: not in_session(job.pid))


def test_signal_tree() -> None:
    """A signal to the tree reaches all, and what was stopped for it continues."""
    code = "import signal, os, sys; signal.signal(10, lambda *_: print('got it'));"
    job = spawn(python(f"{code} os.fork()\n{HEAR}\nprint('ready')\n{LISTEN}"))
    until(job, lambda job: job.stdout.text.count("ready") == 2)
    job.signal(signal.SIGUSR1, tree=True)
    until(job, lambda job: job.stdout.text.count("got it") == 2)

    assert job.status == "running"


def test_signal_tree_leaves_stopped_what_was() -> None:
    """A descendant that was stopped before is stopped afterwards."""
    job = spawn(["sh", "-c", "trap '' USR1; sleep 1000 & echo $!; wait; wait"])
    until_printed(job, "\n")
    child = int(job.stdout.text)
    os.kill(child, signal.SIGSTOP)
    alone = tree_of({child})
    eventually(lambda: alone.find().pop().stopped)
    job.signal(signal.SIGUSR1, tree=True)

    assert alone.find().pop().stopped
    assert job.status == "running"


def test_stop_and_continue_the_tree() -> None:
    """All of a tree stop, and all continue."""
    job, pids = big_family()
    tree = tree_of({job.pid})
    job.signal(signal.SIGSTOP, tree=True)
    eventually(lambda: all(member.stopped for member in tree.find()))
    assert family(job) == pids
    job.signal(signal.SIGCONT, tree=True)
    eventually(lambda: not any(member.stopped for member in tree.find()))


# Both go on for longer than a test waits: who escapes is found.
HOP = """
import os, time
print("ready")
end = time.monotonic() + 60
while time.monotonic() < end:
    if os.fork():
        os._exit(0)
"""


def test_nobody_escapes_by_forking() -> None:
    """A process that forks and ends, all the time, is caught in the end."""
    job = spawn(python(HOP))
    until_printed(job, "ready")
    job.wait(PATIENCE)
    job.kill(tree=True)

    until(job, lambda job: job.finished)  # so no process holds the pipes
    # A killed process closes its pipes a moment before it is a zombie.
    assert gone(job.pid)


# So many mappings are copied for some milliseconds.
SLOW_FORK = """
import mmap, os
maps = [mmap.mmap(-1, 4096) for _ in range(40000)]
print("ready")
os.write(1, b"parent " if os.fork() else b"child ")
"""


@pytest.mark.slow
def test_a_fork_that_was_under_way_is_not_left_stopped() -> None:
    """A child that appears when its parent was sent the stop already goes on, too."""
    job = spawn(python(SLOW_FORK))
    until_printed(job, "ready")
    job.signal(signal.SIGWINCH, tree=True)

    until(job, lambda job: {"parent", "child"} <= {*job.stdout.text.split()})


# Starts a process in a session of its own for each line that it reads.
FORKER = """
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.write(1, b"ready\\n")
for line in sys.stdin:
    if not os.fork():
        os.setsid()
        os.write(1, b"forked\\n")
        signal.pause()
"""


def test_kill_tree_that_forks_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process starts after it was found, and before it is killed, is killed."""
    job = spawn(python(FORKER), stdin=PIPE)
    until_printed(job, "ready")
    find, looks = Tree.find, count()

    def find_and_fork(*arguments: Any) -> set[Stat]:
        found = find(*arguments)
        if next(looks) == 0:
            job.send("fork\n")
            until_printed(job, "forked")
        return found

    monkeypatch.setattr(Tree, "find", find_and_fork)
    job.kill()

    assert str(job.wait(PATIENCE)) == "signal: killed"
    until(job, lambda job: job.finished)  # so no process holds the pipes
    assert next(looks) > 2


def test_a_job_in_our_session_does_not_take_us_along() -> None:
    """A job without a session of its own has its children and no other processes."""
    job = spawn(["sh", "-c", "sleep 1000 & echo ready; wait"], sys=SysProcAttr())
    other = spawn("cat", stdin=PIPE, sys=SysProcAttr())
    until_printed(job, "ready")
    pids = family(job)
    assert os.getpid() not in pids
    assert other.pid not in pids
    job.kill(tree=True)

    assert str(job.wait(PATIENCE)) == "signal: killed"
    until(job, lambda job: job.finished)
    assert other.status == "running"


def test_strangers_with_an_old_pid() -> None:
    """If the pid of an ended job is in use again, its new owner is left alone."""
    job = spawn("sleep 1000")

    assert tree_of((), ended={job.pid}).find() == set()


def test_terminate_a_job_in_our_group() -> None:
    """Where a job leads no group, TERM goes to it alone, and not to us."""
    job = spawn("sleep 1000", sys=SysProcAttr())
    job.terminate()

    assert str(job.wait(PATIENCE)) == "signal: terminated"


@pytest.mark.parametrize("sig", [0, signal.SIGCONT])
def test_signals_that_need_no_stop(sig: int) -> None:
    """Signal 0 only asks, and CONT only continues."""
    job = spawn("sleep 1000")
    job.signal(sig, tree=True)

    assert job.status == "running"
