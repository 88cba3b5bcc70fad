"""Whatever fails at the end of a job: it is killed, and nothing stays stopped."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from ipyproc import Job, spawn
from ipyproc._jobs.procinfo import proc, sending, tree
from tests.jobs.helpers import (
    PATIENCE,
    at_rest,
    eventually,
    gone,
    held,
    in_session,
    until_printed,
)
from tests.process.interrupts import files_below, interrupt_at, interrupted_after

STUBBORN = "trap '' TERM; sleep 1000 & echo ready; wait; sleep 1000"


def stubborn() -> Job:
    """Start a job with a child, which ignores TERM."""
    job = spawn(["sh", "-c", STUBBORN])
    until_printed(job, "ready")
    eventually(lambda: len(in_session(job.pid)) == 2)
    return job


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Take all descriptors that are free."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped."""
    seen = proc.stat(pid)
    return seen is not None and seen.stopped


def test_kill_without_descriptors() -> None:
    """Without a free descriptor the process and its group are killed; it raises."""
    job = stubborn()
    with no_descriptors(), pytest.raises(OSError, match="too many open files"):
        job.kill(tree=True)

    assert str(job.wait(PATIENCE)) == "signal: killed"
    assert gone(job.pid)


def test_terminate_without_descriptors() -> None:
    """A grace that ends when no descriptor is free ends the job all the same."""
    job = stubborn()
    with no_descriptors():
        job.terminate(0.05)
        assert str(job.wait(PATIENCE)) == "signal: killed"

    assert gone(job.pid)


def test_what_failed_is_done_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a first attempt did not reach is killed by a later one."""
    job = spawn(["sh", "-c", "trap '' TERM; setsid sleep 1000 & echo $!; wait; wait"])
    until_printed(job, "\n")
    other = int(job.stdout.text)
    eventually(lambda: in_session(other) == {other})
    before, failures = tree.Tree.signal, []

    def fail_twice(self: tree.Tree, sig: int, known: tuple[()] = ()) -> int:
        if len(failures) < 2:
            failures.append(sig)
            raise OSError(24, "no descriptors")
        return before(self, sig, {child for child in [proc.stat(other)] if child})

    monkeypatch.setattr(tree.Tree, "signal", fail_twice)
    job.terminate(0)

    assert str(job.wait(PATIENCE)) == "signal: killed"
    assert gone(other)
    assert failures == [signal.SIGKILL] * 2


def find_fails(number: int, patch: pytest.MonkeyPatch) -> None:
    """Fail at one of the looks around."""
    whole, left = tree.Tree.find, [number]

    def fail(*arguments: object) -> object:
        left[0] -= 1
        if left[0] == -1:
            raise OSError(24, "no descriptors")
        return whole(*arguments)  # type: ignore[arg-type]

    patch.setattr(tree.Tree, "find", fail)


def send_fails(number: int, patch: pytest.MonkeyPatch) -> None:
    """Fail at sending one of the signals, not one that continues."""
    whole, left = sending.send, [number]

    def fail(seen: proc.Stat, sig: int) -> bool:
        left[0] -= sig != signal.SIGCONT
        if left[0] == -1 and sig != signal.SIGCONT:
            raise OSError(24, "no descriptors")
        return whole(seen, sig)

    patch.setattr(sending, "send", fail)


@pytest.mark.parametrize("fails", [find_fails, send_fails])
def test_nothing_stays_stopped(
    fails: Callable[[int, pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a signal to a tree fails, what was stopped for it goes on."""
    job = spawn(["sh", "-c", "trap '' USR1; sleep 1000 & echo ready; wait; wait"])
    until_printed(job, "ready")
    eventually(lambda: len(in_session(job.pid)) == 2)
    members = in_session(job.pid)

    for number in range(4):
        with monkeypatch.context() as patch:
            fails(number, patch)
            with suppress(OSError):
                job.signal(signal.SIGURG, tree=True)
        eventually(lambda: not any(map(is_stopped, members)))

    assert in_session(job.pid) == members


def test_what_the_user_stopped_stays_so_when_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If a signal to a tree fails, what was stopped before is stopped after it."""
    job = spawn(["sh", "-c", "trap '' USR1; sleep 1000 & echo $!; wait; wait"])
    until_printed(job, "\n")
    child = int(job.stdout.text)
    os.kill(child, signal.SIGSTOP)
    eventually(lambda: is_stopped(child))
    whole, calls = tree.Tree.find, []

    def fail(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise OSError(24, "no descriptors")
        return whole(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(tree.Tree, "find", fail)
        with pytest.raises(OSError, match="too many open files"):
            job.signal(signal.SIGUSR1, tree=True)

    eventually(lambda: not is_stopped(job.pid))
    eventually(lambda: is_stopped(child))


@pytest.mark.slow
def test_an_interrupt_stops_nothing() -> None:
    """Ctrl-C at any moment of a signal to a tree leaves nothing stopped."""
    job = spawn(["sh", "-c", "trap '' USR1; sleep 1000 & echo ready; wait; wait"])
    until_printed(job, "ready")
    eventually(lambda: len(in_session(job.pid)) == 2)
    members = in_session(job.pid)
    interrupts = 0
    for number in range(60):
        try:
            with interrupted_after(number * 0.0002):
                job.signal(signal.SIGUSR1, tree=True)
        except KeyboardInterrupt:
            interrupts += 1

    assert interrupts
    job.signal(0, tree=True)  # after all of them
    eventually(lambda: not any(map(is_stopped, members)))
    assert job.status == "running"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may unmount")
def test_kill_without_proc() -> None:
    """Where /proc is empty, the process and its group are killed."""
    code = """
import os, signal
from ipyproc import spawn
job = spawn(["sh", "-c", "trap '' TERM; sleep 1000 & echo ready; wait; sleep 1000"])
while not job.stdout.total: pass
job.kill(tree=True)
print(job.wait(20))
job = spawn(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"])
while not job.stdout.total: pass
job.signal(signal.SIGUSR2, tree=True)
print(job.wait(20))
job = spawn(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"])
while not job.stdout.total: pass
job.terminate(0.1)
print(job.wait(20))
"""
    hide = 'mount -t tmpfs none /proc && exec "$0" -c "$1"'
    words = ["unshare", "--mount", "sh", "-c", hide, sys.executable, code]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE)

    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "signal: killed",
        "signal: user defined signal 2",
        "signal: killed",
    ]


def test_a_handle_that_may_not_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a pidfd may be opened and not signalled through, the pid is used."""
    import _signal  # type: ignore[import-not-found]

    job = stubborn()

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(_signal, "pidfd_send_signal", refuse)
    job.kill(tree=True)

    assert str(job.wait(PATIENCE)) == "signal: killed"
    assert gone(job.pid)


@pytest.mark.slow
def test_a_guardian_whose_handles_may_not_be_used() -> None:
    """A guardian that may not signal through pidfds ends the jobs by their pids."""
    code = """
import os, signal
from ipyproc._jobs.guardian import connection, program
from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.procinfo import proc, sending, tree
from ipyproc._sys.helper_code import HelperCode
class Refused(HelperCode):
    def words(self, fd, *arguments):
        *before, program, name, charge, mark, linger = super().words(fd, *arguments)
        refuse = (
            "def refuse(*_): raise PermissionError(1, 'refused')\\n"
            "import _signal; _signal.pidfd_send_signal = refuse\\n"
        )
        return [*before, refuse + program, name, charge, mark, linger]
names = [module.__name__ for module in (proc, sending, tree, program)]
connection._CODE = Refused(*names)
from ipyproc import spawn
job = spawn(["sh", "-c", "trap '' TERM; sleep 1000 & echo ready; wait; sleep 1000"])
while not job.stdout.total: pass
print(job.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=PATIENCE
    )

    assert gone(int(done.stdout))


def test_descriptors_at_any_interrupt() -> None:
    """Wherever a look at a process is interrupted, no descriptor stays open."""
    job = spawn("sleep 1000")
    seen = proc.stat(job.pid)
    assert seen is not None
    watched = files_below("_jobs/procinfo")
    before = at_rest().descriptors
    looks: list[Callable[[], object]] = [
        lambda: proc.stat(job.pid),
        lambda: proc.environment(job.pid),
        lambda: proc.transferred(job.pid),
        lambda: sending.send(seen, 0),
    ]
    for look in looks:
        instants = 0
        while True:
            instants += 1
            with (
                suppress(KeyboardInterrupt),
                interrupt_at(instants, watched=watched) as interrupts,
            ):
                look()
            assert held().descriptors == before
            if interrupts.left > 0:
                break
        assert instants > 5
