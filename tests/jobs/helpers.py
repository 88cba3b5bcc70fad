"""What the tests of jobs start, and how they wait for it."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from inspect import getsource
from pathlib import Path

import pytest

from ipyproc import Job
from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.io.event_loop import event_loop
from tests.guard import Holdings, holdings

PATIENCE = 60.0
#: For what is tested in a fresh interpreter: with pidfds, and as where there are none.
both_modes = pytest.mark.parametrize("pidfd", [True, False], ids=["pidfd", "pid"])
#: What a program with handlers runs before it says that it is ready, and then for ever.
#: ``signal.pause`` would sleep over a signal that comes just before it.
HEAR = """
ear, mouth = os.pipe()
os.set_blocking(mouth, False)
signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
"""
LISTEN = """
while True:
    os.read(ear, 1)
"""


def python(code: str, *args: str) -> list[str]:
    """Return the words that run *code* in a Python that starts fast."""
    return [sys.executable, "-I", "-S", "-u", "-c", code, *args]


def until(job: Job, condition: Callable[[Job], bool]) -> None:
    """Wait until a condition on *job* holds, looking whenever something happened."""
    happened = threading.Event()

    def look(job: Job) -> None:
        if condition(job):
            happened.set()

    unsubscribe = job.subscribe(look)
    try:
        look(job)
        assert happened.wait(PATIENCE), f"{job} never came so far"
    finally:
        unsubscribe()


def ended(job: Job) -> Job:
    """Wait until all of a job is over."""
    job.wait(PATIENCE)
    until(job, lambda job: job.finished)
    return job


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds of which no event tells us."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came so far"
        time.sleep(0.01)


def at_rest() -> Holdings:
    """List what we hold while a job runs, once its start is over."""
    eventually(lambda: guardian().ready)
    return held()


def held() -> Holdings:
    """List what we hold once the event loop has done what it was asked for.

    On its own thread: elsewhere it might be looking at processes, with a file open.
    """
    found: list[Holdings] = []
    event_loop().run(lambda: found.append(holdings()))
    return found[0]


def until_as(before: Holdings) -> None:
    """Wait until we hold what we held *before*; a traceback may hold it in a cycle."""
    deadline = time.monotonic() + PATIENCE
    while leaked := holdings().leaked(before):
        assert time.monotonic() < deadline, leaked
        gc.collect(0)
        time.sleep(0.01)


#: A script that starts what tells when it is there, and knows what was started by it.
START = f"""
import os, signal, sys, threading, time
from collections.abc import Callable
import psutil
from ipyproc import Job, jobs, spawn
from ipyproc._jobs.guardian.client import guardian
PATIENCE = {PATIENCE}
{getsource(until)}
{getsource(eventually)}
def start(shell, **options):
    job = spawn(["sh", "-c", shell], **options)
    until(job, lambda job: "ready" in job.stdout.text)
    return job
def made(process):
    try:
        return process.environ().get("IPYPROC_SESSION", "").startswith(guardian().mark)
    except psutil.Error:
        return False
"""


def until_printed(job: Job, text: str) -> None:
    """Wait until *text* is in what *job* printed."""
    until(job, lambda job: text in job.stdout.text)


def script(code: str, pidfd: bool = True, cwd: Path | None = None) -> str:
    """Run *code* in a fresh, strict interpreter; give what it and its heirs print.

    Fails if it does, or if it complains.
    """
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=cwd,
        env={**os.environ, "IPYPROC_PIDFD": "1" if pidfd else "0"},
    )
    assert not done.stderr, done.stderr
    assert done.returncode == 0, done.stdout
    return done.stdout


def in_session(session: int) -> set[int]:
    """Return the pids of a session, without its zombies."""
    return {pid for pid in _pids() if _stat(pid)[3:4] == [str(session)] and lives(pid)}


def gone(*sessions: int) -> bool:
    """Whether nothing is left of some sessions; who was killed may take a while.

    What is left after that is killed, so that a test that fails leaves nothing.
    """
    deadline = time.monotonic() + PATIENCE / 3
    while left := {pid for session in sessions for pid in in_session(session)}:
        if time.monotonic() > deadline:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            return False
        time.sleep(0.01)
    return True


def lives(pid: int) -> bool:
    """Whether there is a process *pid* that is no zombie."""
    return _stat(pid)[:1] not in ([], ["Z"])


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _stat(pid: int) -> list[str]:
    """Return what proc(5) lists after the name: state, parent, group, session, ..."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
