from __future__ import annotations

import pytest

from ipyproc.jobs import PIPE, spawn, tree
from ipyproc.jobs.sampler import Sampler
from tests.jobs.helpers import PATIENCE, eventually, python, until_printed


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
    """Who lost its parent is the job's child, as long as it can be found."""
    job = spawn(["sh", "-c", "(sleep 1000 & echo ready); sleep 1000"])
    until_printed(job, "ready")

    def has_both() -> bool:
        usage = Sampler(job.pid).usage()
        children = usage.children if usage else ()
        return [child.name for child in children] == ["sleep", "sleep"]

    eventually(has_both)


def test_measured_once_a_second() -> None:
    """Who looks more often gets the last measurement again."""
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
    look = tree.everybody
    monkeypatch.setattr(tree, "everybody", lambda: looks.append(1) or look())
    running = [spawn("sleep 1000") for _ in range(20)]

    pids = [usage.pid for job in running if (usage := job.usage())]

    assert pids == [job.pid for job in running]
    assert len(looks) < 10
