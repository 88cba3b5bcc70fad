"""Signal handlers may call anything while the thread that they interrupt does too."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from itertools import cycle

import pytest

from ipyproc import PIPE, Job, Jobs, jobs, spawn
from tests.jobs.handlers import ENDINGS, end_in, handled, waited
from tests.jobs.helpers import PATIENCE, script, until_printed

pytestmark = pytest.mark.slow

#: How often a handler comes while each call of the main thread is repeated.
TIMES = 150


def calls(job: Job) -> dict[str, Callable[[], object]]:
    """All that a job and the table can be asked, none of which ends the job."""
    return {
        "status": lambda: job.status,
        "repr": lambda: repr((job, jobs, job.stdout)),
        "send": lambda: job.send("x\n"),
        "usage": job.usage,
        "signal": lambda: job.signal(0),
        "tree": lambda: job.signal(0, tree=True),
        "left": lambda: (job.left(), job.daemons()),
        "read": lambda: job.read(0, 1 << 16),
        "tail": lambda: (job.stdout.tail(99), job.stdout.text, job.stdout.dropped),
        "wait": lambda: waited(job),
        "list": lambda: (list(jobs), jobs.running, "cat" in jobs, jobs.get("x")),
        "limit": lambda: setattr(jobs, "memory_limit", 1 << 20),
        "subscribe": lambda: job.subscribe(lambda job: None)(),
        "spawn": start_another,
        "clear": jobs.clear,
        "attributes": lambda: (job.state, job.elapsed, job.total, job.in_memory),
        "facts": lambda: (
            job.host,
            job.dir,
            job.timed_out,
            job.silence,
            job.last_usage(),
            (job.id, job.is_on("x"), job.error, job.ender),
            (job.has_keyboard, job.take_keyboard()),
        ),
        "terminal": lambda: (job.terminal, job.password_prompt, look_at_a_terminal()),
        "save": lambda: (job.save(os.devnull), job.stdout.time_at(0)),
        "plain": lambda: (job.stdout.plain, job.as_utf8.total, job.whole_as_utf8.total),
        "until": lambda: job.until("x", timeout=PATIENCE),
        "ports": lambda: listening(job),
        "names": lambda: (job.label, job.elders, jobs.find_all("cat#*")),
        "again": start_again,
        "used": lambda: (job.peak, job.history, job.course.times),
    }


def listening(job: Job) -> None:
    """Look whether *job* listens: it does not."""
    with pytest.raises(TimeoutError):
        job.until_listening(timeout=0)
    assert not job.ports().own


def look_at_a_terminal() -> None:
    """Start a job with a terminal, ask of that what there is, and end both."""
    job = spawn("cat", name="terminal", pty=True)
    assert job.terminal is not None
    assert not job.terminal.reads_keys
    job.resize(30, 90)
    job.send("typed\r")
    job.close_stdin()
    assert job.wait(PATIENCE).success


def start_again() -> None:
    """Start a job in the place of those of its name, and once more.

    A handler that does the same meanwhile ends them before they have ended.
    """
    job = spawn("true", name="replaced", replace=True)
    ends = {str(job.wait(PATIENCE)), str(job.again(replace=True).wait(PATIENCE))}
    assert ends <= {"exit status 0", "signal: terminated", "signal: killed"}


def start_another() -> None:
    """Start a job, and wait for its end."""
    assert spawn("true", name="other").wait(PATIENCE).success


NAMES = [*calls(Job.__new__(Job))]


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    """Restore the limit of memory that a handler sets."""
    before = jobs.memory_limit
    yield
    jobs.memory_limit = before


@pytest.fixture
def watchdog() -> Iterator[None]:
    """Interrupt the test if it hangs, so that it fails."""
    timer = threading.Timer(2 * PATIENCE, signal.raise_signal, [signal.SIGINT])
    timer.start()
    yield
    timer.cancel()
    timer.join()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("watchdog")
def test_a_handler_calls_anything(name: str, mode: str) -> None:
    """While the main thread calls one thing, a handler calls each of the others."""
    job = spawn("cat", stdin=PIPE)
    job.send("x\n")
    until_printed(job, "x")
    everything = calls(job)
    others = cycle(everything.values())
    with handled(lambda: next(others)()) as count:
        end = time.monotonic() + PATIENCE
        while count[0] < TIMES and time.monotonic() < end:
            everything[name]()

    assert count[0] >= TIMES
    assert job.status == "running"
    job.close_stdin()
    assert job.wait(PATIENCE).success


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.usefixtures("watchdog")
def test_a_handler_ends_what_the_main_thread_ends(name: str, mode: str) -> None:
    """A job is ended once, however its end and a handler's calls fall together."""
    end_in(name, TIMES)


@pytest.mark.usefixtures("watchdog")
def test_a_handler_waits_for_a_job(mode: str) -> None:
    """A handler may wait for the end of a job, whatever it interrupts."""
    noisy = spawn("yes", memory_limit=1 << 16, output_limit=1 << 18)

    def wait_for_one() -> None:
        job = spawn("sh", stdin=PIPE, name="short")
        job.send("exit 3\n")
        assert job.wait(PATIENCE).exit_code == 3
        jobs.clear()

    with handled(wait_for_one) as count:
        while count[0] < TIMES:
            noisy.stdout.tail(1 << 16)
            noisy.read(0, 1 << 16)
            noisy.stdout.lines()
            jobs.memory_limit = 1 << 20

    noisy.kill()
    assert str(noisy.wait(PATIENCE)) == "signal: killed"


@pytest.mark.usefixtures("watchdog")
def test_a_handler_while_jobs_start_and_end(mode: str) -> None:
    """SIGCHLD's handler may ask every job while others start and end."""
    asked: list[object] = []

    def ask(*_: object) -> None:
        for job in jobs:
            asked.append((job.status, job.state, job.pid, job.usage()))

    before = signal.signal(signal.SIGCHLD, ask)
    try:
        for _ in range(100):
            start_another()
            jobs.clear()
    finally:
        signal.signal(signal.SIGCHLD, before)

    assert asked


def test_every_public_call_is_tried() -> None:
    """What is public is in the list above, or is known to be something else."""
    tested = {
        *("status", "send", "usage", "signal", "read", "stdout", "wait", "subscribe"),
        *("state", "elapsed", "total", "in_memory", "stdin_open", "kill", "terminate"),
        *("close_stdin", "stderr", "pid", "process", "ended_at", "finished"),
        *("peak", "history", "course", "left", "daemons"),
        *("as_utf8", "whole_as_utf8"),
        *("label", "elders", "is_named", "refresh"),
        *("ports", "until", "until_listening"),
        *("host", "dir", "timed_out", "last_usage", "silence"),
        *("terminal", "password_prompt", "resize", "save", "id", "is_on", "error"),
        *("ender", "has_keyboard", "take_keyboard"),
    }
    # They end the job, or belong to the session.
    others = {
        "archive",
        "drop_view",
        "forget",
        "let_go",
        "when_finished",
        "widget",
        "again",
    }
    others |= {"until_async", "until_listening_async"}
    public = {name for name in dir(Job) if not name.startswith("_")}

    assert public == tested | others
    table = {name for name in vars(Jobs) if not name.startswith("_")}
    assert table == {
        *("add", "clear", "discard", "find", "get", "items", "keys", "last"),
        *("attach", "detached"),
        *("find_all", "of_name"),
        *("memory_limit", "running", "values"),
    }


def test_the_first_job_in_a_handler() -> None:
    """A handler starts jobs while the main thread is starting the very first one."""
    code = """
import signal
from ipyproc import jobs, spawn
count = [0]
def handle(*_):
    count[0] += 1
    if count[0] < 20:
        assert spawn("true").wait(20).success
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for _ in range(20):
    assert spawn("true").wait(20).success
signal.setitimer(signal.ITIMER_REAL, 0)
print(len(jobs) >= 20, {str(job.wait(20)) for job in jobs})
"""
    assert script(code) == "True {'exit status 0'}\n"


def test_a_handler_forks() -> None:
    """A child that a handler forked, in the middle of a start, can start jobs too."""
    code = """
import os, signal, warnings
warnings.simplefilter("ignore")  # of a fork beside threads, and of what it drops
from ipyproc import spawn
children = []
def handle(*_):
    if len(children) < 30:
        child = os.fork()
        if not child:
            signal.setitimer(signal.ITIMER_REAL, 0)
            os._exit(0 if spawn("true").wait(20).success else 1)
        children.append(child)
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.003, 0.003)
while len(children) < 30:
    assert spawn("true").wait(20).success
signal.setitimer(signal.ITIMER_REAL, 0)
print({os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children})
"""
    assert script(code) == "{0}\n"
