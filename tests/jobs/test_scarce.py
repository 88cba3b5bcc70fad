"""Jobs where the system has no more to give: descriptors, threads, disk."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ipyproc import PIPE, jobs, spawn
from ipyproc._jobs.output.storage import Memory
from ipyproc._sys import pidfd
from ipyproc.errors import SyscallError
from tests.jobs.helpers import (
    PATIENCE,
    both_modes,
    held,
    script,
    until,
    until_printed,
)

# Starts jobs while there is room for 0, 1, 2, ... descriptors, beside one that runs.
FEW_DESCRIPTORS = """
import errno, logging, os, resource
from ipyproc import PIPE, jobs, spawn
from ipyproc._jobs.shutdown import shutdown
RUNS = {runs}
logging.disable()  # the guardian, which has no descriptors either, says so

def opened():
    return sorted(os.listdir("/proc/self/fd"))

if RUNS:
    cat = spawn("cat", stdin=PIPE, memory_limit=0)
else:
    spawn("true").wait(20)
    while not shutdown.retire(20): pass
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
before, outcomes = opened(), []
for room in range(16):
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + room, hard))
    try:
        job = spawn("echo hello", stdin=PIPE)
    except OSError as error:
        outcome = errno.errorcode[error.errno]
    else:
        outcome = f"{{job.wait(20)}}, {{job.stdout.text}}"
        while not job.finished: pass
    if RUNS:
        cat.send(f"{{room}} ")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    outcomes.append(outcome)
    jobs.clear()
    while not RUNS and not shutdown.retire(20): pass
    assert RUNS or opened() == before, (room, before, opened())
# A look at what the jobs use has a file open for a moment: so these may alternate.
assert set(outcomes) == {{"EMFILE", "exit status 0, hello\\n"}}, outcomes
assert outcomes[0] == "EMFILE" != outcomes[-1], outcomes
if RUNS:
    cat.close_stdin()
    print(cat.wait(20), cat.stdout.text)
"""


@pytest.mark.slow
@both_modes
@pytest.mark.parametrize("runs", [True, False])
def test_no_descriptors(runs: bool, pidfd: bool) -> None:
    """Without free descriptors a start fails whole, and running jobs continue."""
    printed = script(FEW_DESCRIPTORS.format(runs=runs), pidfd)

    numbers = " ".join(map(str, range(16)))
    assert printed == (f"exit status 0 {numbers} \n" if runs else "")


def no_room(number: int) -> Callable[..., object]:
    """Return a system call that fails with an errno."""

    def fail(*_: object, **__: object) -> object:
        raise OSError(number, os.strerror(number))

    return fail


# Nobody but root can bring a whole system to its ENFILE, and then for everybody: so
# here, and here only, the call itself is made to fail.
@pytest.mark.parametrize("number", [errno.ENFILE, errno.EMFILE])
def test_no_pipe(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that gets no pipe is one clear error; nothing is started or open."""
    cat = spawn("cat", stdin=PIPE)
    before = held().descriptors
    with monkeypatch.context() as patch:
        patch.setattr(os, "pipe", no_room(number))
        with pytest.raises(SyscallError, match="too many open files") as raised:
            spawn("true")

    assert (raised.value.syscall, raised.value.errno) == ("pipe2", number)
    assert held().descriptors <= before  # earlier jobs may close theirs
    assert jobs.last is cat
    cat.send("on")
    until_printed(cat, "on")


@pytest.mark.parametrize("number", [errno.ENFILE, errno.EMFILE])
def test_no_pidfd(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job for which there is no pidfd is kept by its pid."""
    monkeypatch.setattr(pidfd, "works", lambda: True)
    monkeypatch.setattr(os, "pidfd_open", no_room(number))
    job = spawn(["sh", "-c", "echo hello; exit 3"])

    assert str(job.wait(PATIENCE)) == "exit status 3"
    assert job.stdout.text == "hello\n"


@pytest.mark.parametrize("number", [errno.ENFILE, errno.EMFILE, errno.ENOSPC])
def test_no_file(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job whose output gets no file continues; the capture says what it dropped."""
    monkeypatch.setattr(tempfile, "TemporaryFile", no_room(number))
    job = spawn("seq 1000000", memory_limit=100_000)
    whole = "".join(f"{n}\n" for n in range(1, 1_000_001)).encode()

    assert job.wait(PATIENCE).success
    out = job.stdout
    assert out.error is not None
    assert (out.error.errno, out.total) == (number, len(whole))
    assert out.dropped == len(whole) - len(out.bytes) > 1_000_000
    head = len(out.bytes) - (1 << 20)
    assert out.bytes == whole[:head] + whole[-1 << 20 :]
    assert os.strerror(number) in repr(out)


def test_no_threads(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In pid mode a job that gets no thread to wait for it ends all the same."""
    monkeypatch.setattr(pidfd, "works", lambda: False)
    start = threading.Thread.start

    def fail(thread: threading.Thread) -> None:
        if thread.name.startswith("ipyproc-waiter"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", fail)
    job = spawn(["sh", "-c", "read line; echo $line; exit 5"], stdin=PIPE)
    job.send("hello\n")

    assert str(job.wait(PATIENCE)) == "exit status 5"
    assert job.stdout.text == "hello\n"
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


# A disk of 2 MiB, and jobs that print 5: one alone, then many ended ones together.
FULL_DISK = """
import os, tempfile
from ipyproc import jobs, spawn
spawn("mount -t tmpfs -o size=2m none .").wait(20)
os.chdir(os.getcwd())
tempfile.tempdir = os.getcwd()
whole = "".join(f"{n}\\n" for n in range(1, 750_001)).encode()
job = spawn("seq 750000", memory_limit=500_000)
assert job.wait(20).success
out = job.stdout
assert out.total == len(whole)
assert out.dropped == out.total - len(out.bytes) > 1 << 20, out
head = len(out.bytes) - (1 << 20)
assert out.bytes == whole[:head] + whole[-1 << 20:]
assert head > 1 << 20
print(out.error)
del job, out
jobs.clear()
jobs.memory_limit = 0
for _ in range(5):
    assert spawn("seq 100000").wait(20).success
while not all(job.finished for job in jobs): pass
small = "".join(f"{n}\\n" for n in range(1, 100_001))
assert all(job.stdout.text == small for job in jobs)
print([job.stdout.error for job in jobs])
"""


@pytest.mark.slow
def test_full_disk(tmp_path: Path) -> None:
    """On a full disk jobs continue, and keep as much as fits."""
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no namespaces for users here")
    done = subprocess.run(
        [*alone, sys.executable, "-X", "dev", "-c", FULL_DISK],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=PATIENCE,
    )

    assert not done.stderr
    assert done.stdout.splitlines() == [
        "[Errno 28] No space left on device",
        str([None] * 5),
    ]


NO_MEMORY = """
import resource
from ipyproc import spawn
spawn("true").wait(20)
limit = 256 << 20
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (24 << 20), -1))
job = spawn("head -c 120000000 /dev/zero", memory_limit=limit, output_limit=LIMIT)
state = job.wait(20)
while not job.finished: pass
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
out = job.stdout
print(state, out.total, job.total, out.total - len(out.bytes) == out.dropped)
print(out.error, sum(len(c.data) for c in job.read(0, 1 << 30)) == len(out.bytes))
"""


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1 << 30, 30 << 20, 1 << 20])
def test_no_memory(limit: int) -> None:
    """Where memory runs out no byte is lost silently: it is in the file, or counted."""
    code = NO_MEMORY.replace("LIMIT)", f"{limit})")
    first, second = script(code).splitlines()

    assert first == "exit status 0 120000000 120000000 True"
    assert second in (
        f"{OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))} True",
        "None True",
    )
    assert limit < 1 << 30 or second.startswith("[Errno 12]")


def test_no_memory_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither memory nor a file takes anything, what was there stays."""
    job = spawn("sh", stdin=PIPE, memory_limit=1 << 20)
    job.send("echo first\n")
    until_printed(job, "first")

    def refuse(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Memory, "write", refuse)
        patch.setattr(tempfile, "TemporaryFile", no_room(errno.ENOSPC))
        job.send("echo second; exit 4\n")
        assert job.wait(PATIENCE).exit_code == 4

    out = job.stdout
    assert out.bytes == b"first\n"
    assert (out.total, out.dropped) == (13, 7)
    assert out.error is not None
    assert [chunk.data for chunk in job.read(0, 99)] == [b"first\n"]


def test_no_file_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that refuses memfd_create does not keep a long script from its shell."""
    monkeypatch.setattr(os, "memfd_create", no_room(errno.EPERM))
    job = spawn(f"printf hello # {'x' * 200_000}", shell=True)

    assert job.wait(PATIENCE).success
    assert job.stdout.text == "hello"


def test_a_flood_into_a_full_loop(caplog: pytest.LogCaptureFixture) -> None:
    """A subscriber that raises at every piece of a flood loses no byte of it."""
    job = spawn("sh", stdin=PIPE)
    calls: list[int] = []

    def fail(job: object) -> None:
        calls.append(1)
        raise MemoryError("not mine either")

    job.subscribe(fail)
    job.send("seq 300000; exit 4\n")

    assert str(job.wait(PATIENCE)) == "exit status 4"
    until(job, lambda job: job.finished)
    assert job.stdout.text.split() == [str(n) for n in range(1, 300_001)]
    assert calls
    assert "not mine either" in caplog.text
