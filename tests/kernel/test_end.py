"""The end of a kernel is the end of its jobs, in every way in which kernels end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.jobs.helpers import START, eventually, lives
from tests.kernel import versions
from tests.kernel.fixtures import Kernel

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernel")]
StartKernel = Callable[..., Kernel]

#: Seconds after which everything is gone, on a busy machine, too.
SECONDS = 20.0
# Jobs that nothing but KILL ends, with children in their sessions and out of them, and
# what a job that has ended left, here and there; one that goes on.
MEMBERS = 5
JOBS = f"""{START}
start("trap '' TERM INT; sleep 1000 & setsid sleep 1000 & echo ready; wait; sleep 1000")
left = start("(setsid sleep 1000 >/dev/null 2>&1 &); sleep 1000 >/dev/null 2>&1 & "
             "echo ready")
left.wait(30)
tick = start("echo ready; while :; do echo tick; sleep 0.05; done",
             name=f"tick-{{os.getpid()}}", detach=True)
eventually(lambda: guardian().ready)
def members():
    return [each.pid for each in psutil.process_iter() if made(each)]
eventually(lambda: len(members()) == {MEMBERS})  # one has no environment as it begins
print(tick.pid, *members())
"""


@pytest.fixture
def detached() -> Iterator[set[int]]:
    """Groups that must outlive kernels; they end with the test."""
    groups: set[int] = set()
    yield groups
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def start_jobs(kernel: Kernel) -> tuple[int, list[int]]:
    """Start the jobs; return the pid of the one that runs on, and those of the rest."""
    reply = kernel.run(JOBS)
    assert reply.error is None, reply.error
    detached, *others = map(int, reply.stdout.split())
    assert len(others) == MEMBERS
    eventually(lambda: len(guardians_of(kernel.pid)) == 1)
    return detached, [*others, *guardians_of(kernel.pid)]


def guardians_of(pid: int) -> list[int]:
    """Find the guardian of a kernel by its program.

    It forks when it starts, and is ready after that; for a moment there are two.
    """
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if str(pid) in words and any(
            word.endswith("guardian.program") for word in words
        ):
            found.append(process.pid)
    return found


def gone(pids: list[int]) -> bool:
    """Whether all end in time."""
    deadline = time.monotonic() + SECONDS
    while left := [pid for pid in pids if lives(pid)]:
        if time.monotonic() > deadline:
            print("left:", left)
            return False
        time.sleep(0.01)
    return True


def grows(log: Path) -> bool:
    """Whether a file becomes longer."""
    size, deadline = log.stat().st_size, time.monotonic() + 20
    while log.stat().st_size == size:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def restart(kernel: Kernel) -> None:
    """Restart it as a front end does."""
    kernel.restart()


def restart_now(kernel: Kernel) -> None:
    """Restart it as a front end does that kills it at once."""
    kernel.restart(now=True)


def kill(kernel: Kernel) -> None:
    """Do what the system does when memory runs out."""
    os.kill(kernel.pid, signal.SIGKILL)


def crash(kernel: Kernel) -> None:
    """Read from an address where nothing is."""
    kernel.start(
        "import ctypes, faulthandler; faulthandler.disable(); ctypes.string_at(0)"
    )


def shut_down(kernel: Kernel) -> None:
    """Shut it down as a front end does."""
    kernel.close()


ENDS = (restart, restart_now, kill, crash, shut_down)


@pytest.mark.parametrize("version", versions.EXTREMES)
def test_jobs_end_with_the_kernel(
    version: str | None, new_kernel: StartKernel, detached: set[int]
) -> None:
    """No job, nothing that one started, and no guardian outlives an end of a kernel."""
    # Detached jobs run on, and so does their output.
    kernel = new_kernel(version)
    home = Path(kernel.run("import os; print(os.environ['HOME'])").stdout.strip())
    kept = home / ".local" / "state" / "ipyproc" / "jobs"
    for end in ENDS:
        if end in (crash, shut_down):
            kernel.restart(now=True)  # the one before has killed it
        lasting, others = start_jobs(kernel)
        detached.add(lasting)
        end(kernel)

        assert gone(others), end.__name__
        assert lives(lasting), end.__name__
        assert all(map(grows, kept.glob("*/out"))), end.__name__
    assert len(list(kept.glob("*/out"))) == len(ENDS)


@pytest.mark.parametrize("version", versions.EXTREMES)
def test_an_interrupt_touches_no_job(
    version: str | None, new_kernel: StartKernel, detached: set[int]
) -> None:
    """The stop button ends what the cell does, and no job, nor the guardian."""
    kernel = new_kernel(version)
    lasting, others = start_jobs(kernel)
    detached.add(lasting)
    execution = kernel.start("print('here', flush=True)\ntick.wait()")
    messages = kernel.messages(execution)
    assert next(messages)["content"]["text"].startswith("here")
    kernel.interrupt()

    assert [m["content"].get("ename") for m in messages][-1] == "KeyboardInterrupt"
    code = "cat = spawn('cat', stdin=b'on'); cat.wait(30); cat.stdout.text"
    assert kernel.run(code).result == "'on'"
    assert all(map(lives, [lasting, *others]))


def with_a_job(new_kernel: StartKernel, detached: set[int]) -> tuple[Kernel, int, int]:
    """Start a kernel; return it, and the pids of a job and of the guardian.

    The job answers SIGINT; if nobody ends it, it ends with the test.
    """
    kernel = new_kernel()
    reply = kernel.run(
        f"{START}\njob = start(\"trap 'echo got it' INT; echo ready; "
        'while :; do sleep 0.05; done")\neventually(lambda: guardian().ready)\n'
        "print(job.pid)"
    )
    assert reply.error is None, reply.error
    pid = int(reply.stdout)
    detached.add(pid)
    eventually(lambda: len(guardians_of(kernel.pid)) == 1)
    (guardian,) = guardians_of(kernel.pid)
    return kernel, pid, guardian


def test_a_guardian_that_was_stopped(
    new_kernel: StartKernel, detached: set[int]
) -> None:
    """What it could not do when the kernel died, it does when it continues."""
    kernel, job, guardian = with_a_job(new_kernel, detached)
    dead = kernel.pid
    os.kill(guardian, signal.SIGSTOP)
    os.kill(dead, signal.SIGKILL)
    assert gone([dead])
    assert lives(job)

    os.kill(guardian, signal.SIGCONT)

    assert gone([job, guardian])


def test_a_guardian_that_is_killed_with_the_kernel(
    new_kernel: StartKernel, detached: set[int]
) -> None:
    """Then nobody is left to end the job."""
    kernel, job, guardian = with_a_job(new_kernel, detached)
    dead = kernel.pid
    os.kill(guardian, signal.SIGSTOP)  # it is to notice nothing in between
    for pid in (dead, guardian):
        os.kill(pid, signal.SIGKILL)

    assert gone([dead, guardian])
    assert lives(job)


def test_a_front_end_that_signals_every_descendant(
    new_kernel: StartKernel, detached: set[int]
) -> None:
    """VS Code interrupts all that the kernel started, and kills it as it closes."""
    kernel, job, guardian = with_a_job(new_kernel, detached)
    descendants = psutil.Process(kernel.pid).children(recursive=True)
    for process in descendants:
        with suppress(psutil.NoSuchProcess):  # the loop's last sleep
            process.send_signal(signal.SIGINT)
    said = "eventually(lambda: 'got it' in job.stdout.lines())\nprint(job.status)"
    assert kernel.run(said).stdout == "running\n"
    assert lives(guardian)

    os.kill(kernel.pid, signal.SIGKILL)

    assert gone([job, guardian])
