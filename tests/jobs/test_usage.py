from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import psutil
import pytest

from ipyproc import PIPE, Usage, spawn
from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.survey import Survey
from ipyproc._jobs.procinfo.usage import Sampler
from tests.jobs.helpers import PATIENCE, eventually, python, until, until_printed
from tests.process.tools import wait_until_ended


def test_usage_of_a_process() -> None:
    """A running job says what it uses."""
    code = "import sys; x = bytearray(50_000_000); print('ready'); sys.stdin.read()"
    job = spawn(python(code), stdin=PIPE)
    until_printed(job, "ready")
    usage = job.usage()

    assert usage is not None
    assert usage.pid == job.pid
    assert "python" in usage.name
    assert usage.memory > 50_000_000
    assert usage.cpu_percent >= 0
    assert (usage.threads, usage.descriptors, usage.children) == (1, 3, ())


def test_usage_of_a_tree() -> None:
    """What a job started is below it, and counts in its totals."""
    job = spawn(["sh", "-c", "sh -c 'sleep 1000 & echo ready; wait'; true"])
    until_printed(job, "ready")
    names = ["sh", "sh", "sleep"]
    # The last one is on its way, and a shell until it becomes sleep.
    eventually(lambda: [each.name for each in Sampler(job.pid).usage() or ()] == names)
    usage = Sampler(job.pid).usage()

    assert usage is not None
    (shell,) = usage.children
    (sleep,) = shell.children
    assert [usage.name, shell.name, sleep.name] == names
    assert usage.total_memory == usage.memory + shell.memory + sleep.memory
    assert usage.total_cpu_percent == sum(each.cpu_percent for each in usage)


def test_busy_process() -> None:
    """A process that computes shows the share of a processor that it had."""
    job = spawn(python("print('ready')\nwhile True: pass"))
    until_printed(job, "ready")

    def is_busy() -> bool:
        usage = Sampler(job.pid).usage()
        return usage is not None and usage.cpu_percent >= 10

    eventually(is_busy)


def test_heirs_without_a_parent_belong_to_the_job() -> None:
    """A process that lost its parent is the job's child, as long as it is found."""
    job = spawn(["sh", "-c", "(sleep 1000 & echo ready); sleep 1000"])
    until_printed(job, "ready")

    def has_both() -> bool:
        usage = Sampler(job.pid).usage()
        children = usage.children if usage else ()
        return [child.name for child in children] == ["sleep", "sleep"]

    eventually(has_both)


def test_measured_once_a_second() -> None:
    """A second call within a second returns the last measurement."""
    job = spawn("sleep 1000")

    assert job.usage() is job.usage()


def test_no_usage_after_the_end() -> None:
    """A job that ended uses nothing any more."""
    job = spawn("true")
    job.wait(PATIENCE)

    assert job.usage() is None


def test_many_are_found_in_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """To measure many jobs does not take a look at the whole machine for each."""
    looks = []
    look = proc.pids
    monkeypatch.setattr(proc, "pids", lambda: looks.append(1) or look())
    running = [spawn("sleep 1000") for _ in range(20)]

    pids = [usage.pid for job in running if (usage := job.usage())]

    assert pids == [job.pid for job in running]
    assert len(looks) < 10


def test_the_same_as_psutil(tmp_path: Path) -> None:
    """What we read of a process ourselves is what psutil reads."""
    code = (
        "import os, threading, time\n"
        "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n"
        "fd = os.open('data', os.O_CREAT | os.O_WRONLY)\n"
        "os.write(fd, bytes(1 << 20)); os.fsync(fd)\n"
        "print('ready'); time.sleep(1000)"
    )
    job = spawn(python(code), dir=tmp_path)
    until_printed(job, "ready")
    usage, other = Sampler(job.pid).usage(), psutil.Process(job.pid)

    assert usage is not None
    assert (usage.name, usage.threads) == (other.name(), other.num_threads())
    assert usage.descriptors == other.num_fds()
    storage = other.io_counters()
    assert usage.read_bytes == storage.read_bytes
    assert usage.write_bytes == storage.write_bytes
    assert abs(usage.memory - other.memory_info().rss) < 1 << 20


def test_names_that_look_like_something_else(tmp_path: Path) -> None:
    """The name of a program may be anything, and is told as it is."""
    program = tmp_path / "1) S (2\n"
    program.symlink_to("/bin/sleep")
    job = spawn([str(program), "1000"])
    usage = job.usage()

    assert usage is not None
    assert (usage.name, usage.threads, usage.children) == ("1) S (2\n", 1, ())


def test_what_we_may_not_know() -> None:
    """Of a process that is gone, nothing is told, and nothing is raised."""
    job = spawn("true")
    job.wait(PATIENCE)

    assert proc.stat(job.pid) is None
    assert proc.descriptors(job.pid) is None
    assert proc.transferred(job.pid) == (None, None)
    assert Sampler(job.pid).usage() is None


def test_a_very_deep_tree() -> None:
    """However deep a tree of processes is, it is measured."""
    depth = 30
    code = f"import os, time\nfor _ in range({depth}):\n  if os.fork(): break\n"
    job = spawn(python(code + "print('ready', flush=True); time.sleep(1000)"))
    until(job, lambda job: job.stdout.text.count("ready") == depth + 1)
    # What has just been forked is seen by the next look.
    eventually(lambda: len(list(Sampler(job.pid).usage() or ())) == depth + 1)
    usage = Sampler(job.pid).usage()

    assert usage is not None
    top = usage
    for _ in range(5000):
        top = Usage(1, "top", 1.0, 1, 1, 1, children=(top,))
    assert top.total_memory == 5000 + usage.total_memory


def test_strangers_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second look reads only what is new, however many processes there are."""
    survey, job = Survey(), spawn("sleep 1000")
    assert survey.family(job.pid) == {job.pid}
    read: list[int] = []
    look = proc.stat
    us = threading.get_ident()  # jobs are sampled in another thread

    def stat(pid: int) -> object:
        if threading.get_ident() == us:
            read.append(pid)
        return look(pid)

    monkeypatch.setattr(proc, "stat", stat)
    other = spawn("sleep 1000")

    assert survey.family(other.pid) == {other.pid}
    assert other.pid in read
    assert not {job.pid, os.getpid(), 1} & set(read)


@pytest.mark.slow
def test_who_leaves_the_session_is_found_by_its_parent() -> None:
    """A process that moves to a session of its own is seen there, and its children."""
    code = """
import os, sys, time
if pid := os.fork():
    os.write(1, b"%d\\n" % pid)
    os.wait()
sys.stdin.readline()
os.setsid()
os.write(1, b"%d\\n" % os.fork())
time.sleep(1000)
"""
    job = spawn(python(code), stdin=PIPE)
    until(job, lambda job: job.stdout.text.count("\n") == 1)
    survey, child = Survey(), int(job.stdout.text)
    assert survey.family(job.pid) == {job.pid, child}
    job.send("\n")
    until(job, lambda job: job.stdout.text.count("\n") == 3)
    family = {job.pid, *map(int, job.stdout.lines())} - {0}

    assert len(family) == 3
    eventually(lambda: survey.family(job.pid) == family)
    assert survey.family(child) == family - {job.pid}


def test_a_process_is_dying_as_long_as_a_thread_of_it_lives() -> None:
    """It is while its main thread has ended; not before, nor once all have ended."""
    code = (
        "import ctypes, sys, threading; print('ready'); sys.stdin.readline();"
        "threading.Thread(target=sys.stdin.readline).start();"
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    process = subprocess.Popen(
        python(code), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    with process, process.stdout, process.stdin as stdin:
        process.stdout.readline()
        seen = proc.stat(process.pid)
        assert seen is not None
        assert not seen.is_dying

        def main_thread_ended() -> bool:
            seen = proc.stat(process.pid)
            return seen is not None and seen.ended and seen.is_dying

        stdin.write(b"\n")
        stdin.flush()
        eventually(main_thread_ended)
        stdin.close()
        wait_until_ended(process.pid)
        seen = proc.stat(process.pid)
        assert seen is not None
        assert not seen.is_dying
