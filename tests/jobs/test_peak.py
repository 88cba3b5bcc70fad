from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from ipyproc import PIPE, spawn
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.procinfo import proc, sampling
from ipyproc._jobs.procinfo.course import Course, Sample
from ipyproc._jobs.shutdown import shutdown
from tests.jobs.helpers import PATIENCE, eventually, python, script, until_printed

# A process that holds so many megabytes until its input ends.
HOLD = "import sys; x = bytearray({} << 20); print('ready'); sys.stdin.read()"


def test_peak_without_anybody_looking() -> None:
    """A job is sampled soon after its start, though nobody asks what it uses."""
    job = spawn(python(HOLD.format(50)), stdin=PIPE)
    eventually(lambda: job.peak.memory > 50 << 20)
    job.close_stdin()
    job.wait(PATIENCE)

    assert job.peak.memory > 50 << 20
    assert job.peak.processes == 1
    assert [point.elapsed for point in job.history] == sorted(
        {point.elapsed for point in job.history}
    )
    assert max(point.memory for point in job.history) == job.peak.memory


def test_peak_of_a_tree() -> None:
    """All that a job started counts, also in sessions of its own."""
    code = (
        "import os, sys\n"
        "if not os.fork():\n  os.setsid()\nx = bytearray(50 << 20)\n"
        "print('ready'); sys.stdin.read()"
    )
    job = spawn(python(code), stdin=PIPE)
    eventually(lambda: job.peak.memory > 100 << 20)
    peak = job.peak
    job.close_stdin()
    job.wait(PATIENCE)

    assert peak.processes == 2


@pytest.mark.slow
def test_processor_time_of_children_nobody_waited_for() -> None:
    """The time of a child that is killed with the job counts, as far as it was seen."""
    code = "import os, time\nif not os.fork():\n  while True: pass\ntime.sleep(1000)"
    job = spawn(python(code))
    eventually(lambda: job.peak.cpu_time > 0.3)
    job.kill(tree=True)
    state = job.wait(PATIENCE)

    assert job.peak.cpu_time > 0.3 > state.user_time + state.system_time


def test_a_viewer_adds_to_the_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a measurement of a viewer shows is part of the peak, too."""
    monkeypatch.setattr(sampling.Sampling, "add", lambda *_: None)
    job = spawn(python(HOLD.format(50)), stdin=PIPE)
    until_printed(job, "ready")
    assert job.peak.memory == 0
    usage = job.usage()

    assert usage is not None
    eventually(lambda: job.peak.memory == usage.total_memory)


@pytest.mark.slow
def test_the_figure_of_the_kernel() -> None:
    """The kernel's peak of memory is told where it is the job's, and not ours."""
    # Its process is ours until it executes its program: so that we are large for once.
    printed = script(f"""
from ipyproc import spawn
large = b"x" * (100 << 20)
true, more = spawn("true"), spawn({python("x = b'x' * (300 << 20)")})
assert true.wait({PATIENCE}).sys_usage.maxrss > 100 << 20
print(true.course.max_rss, true.peak.memory < 50 << 20)
assert more.wait({PATIENCE}).sys_usage.maxrss == more.course.max_rss
print(more.course.max_rss > 300 << 20, more.peak.memory >= more.course.max_rss)
""")

    assert printed == "None True\nTrue True\n"


@pytest.mark.slow
def test_a_large_parent() -> None:
    """The figure that we inherited ourselves hides nothing of a job."""
    ours = f"""
from ipyproc import spawn
job = spawn({python("x = bytes(range(256)) * (60 << 12)")})
state = job.wait({PATIENCE})
print(job.course.max_rss == state.sys_usage.maxrss > 60 << 20)
"""
    printed = script(f"""
import subprocess, sys
large = b"x" * (200 << 20)
print(subprocess.run([sys.executable, "-c", {ours!r}], stdout=-1, text=True).stdout)
""")

    assert printed.strip() == "True"


def test_one_look_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round looks at the machine once, however many jobs run."""
    common, due, looks = rounds(monkeypatch)
    courses = [Course() for _ in range(30)]
    for course in courses:
        common.add(course, os.getppid(), time.monotonic() - 1)
    while not all(course.history for course in courses):
        due.pop()()

    assert [len(course.history) for course in courses] == [1] * 30
    assert len(looks) == 1


def test_no_look_for_what_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the machine for a job that ended before its first sample."""
    common, due, looks = rounds(monkeypatch)
    short, long = Course(), Course()
    common.add(short, os.getppid(), time.monotonic() - 1)
    common.add(long, os.getppid(), time.monotonic() + 1000)
    common.remove(short)
    due.pop(0)()

    assert looks == []
    assert len(due) == 1  # the one that still runs is looked at in its turn


def rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[sampling.Sampling, list[Callable[[], None]], list[int]]:
    """Make what samples jobs, the list of what it is to do next, and of its looks."""
    looks: list[int] = []
    look = proc.pids
    monkeypatch.setattr(proc, "pids", lambda: looks.append(1) or look())
    due: list[Callable[[], None]] = []
    loop = SimpleNamespace(
        call_later=lambda _, call: due.append(call) or SimpleNamespace(cancel=int),
        call_soon=due.append,
    )
    return sampling.Sampling(loop), due, looks  # type: ignore[arg-type]


def test_a_round_lets_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round goes on in steps, and the event loop does other things in between."""
    monkeypatch.setattr(sampling, "_SLICE", 0.0)
    turns: list[str] = []
    look = proc.stat

    def stat(pid: int) -> object:
        turns.append("look")
        event_loop().call_soon(lambda: turns.append("other"))
        return look(pid)

    jobs = [spawn("sleep 1000") for _ in range(3)]
    monkeypatch.setattr(proc, "stat", stat)
    eventually(lambda: all(job.history for job in jobs))
    monkeypatch.undo()

    assert "look look" not in " ".join(turns)


def refused(*_: object) -> list[int]:
    """Fail as where no descriptor is free."""
    raise OSError(24, "too many open files")


@pytest.mark.slow
@pytest.mark.parametrize("pids", [refused, list], ids=["no descriptor", "no /proc"])
def test_nothing_to_see(
    pids: Callable[[], list[int]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A job runs on where nobody can be seen; what can be seen later counts."""
    tried: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(proc, "pids", lambda: tried.append(1) or pids())
        job = spawn("cat", stdin=PIPE)
        eventually(lambda: bool(tried))
        assert job.history == ()
    eventually(lambda: job.peak.memory > 0)
    job.close_stdin()

    assert job.wait(PATIENCE).success
    assert len(job.history) >= 2
    assert caplog.records == []


def test_the_thread_may_leave() -> None:
    """Once no job runs, sampling keeps the event loop's thread no longer."""
    job = spawn("cat", stdin=PIPE)
    eventually(lambda: job.peak.memory > 0)
    job.close_stdin()
    job.wait(PATIENCE)

    assert sampling.sampling()._timer is None
    assert shutdown.retire(PATIENCE)


def test_a_forked_child_knows_what_was_seen() -> None:
    """A child that was forked can ask for peak and history, and adds to neither."""
    job = spawn("sleep 1000")
    eventually(lambda: job.peak.memory > 0)
    known = job.peak, job.history
    pid = os.fork()
    if not pid:
        job.usage()
        os._exit(0 if (job.peak, job.history) == known else 1)

    assert os.waitpid(pid, 0)[1] == 0


def pauses(samples: Iterator[Sample]) -> list[float]:
    """Return the pauses of a job of which these samples are seen, each when due."""
    job = sampling._Sampled(pid=1, started=100.0)
    job.plan(100.0)
    found = []
    for seen in samples:
        now = job.due
        job.note(now, seen)
        job.plan(now)
        found.append(job.due - now)
    return found


def test_less_often_while_nothing_changes() -> None:
    """A job that does nothing is looked at less and less often, to a limit."""
    idle = Sample(1000, 1.0, 0.0, 1)

    assert pauses(iter([idle] * 7))[3:] == [20, 20, 20, 20]


@pytest.mark.parametrize(
    "other",
    [Sample(1020, 1.0, 0.0, 1), Sample(1000, 1.0, 1.0, 1), Sample(1000, 1.0, 0.0, 2)],
    ids=["memory", "time", "processes"],
)
def test_as_often_as_before_once_something_changes(other: Sample) -> None:
    """Any change makes the next looks follow each other as before."""
    idle = Sample(1000, 1.0, 0.0, 1)

    assert pauses(iter([idle] * 6 + [other, other]))[-2:] == [5, 10]


def test_all_jobs_meet() -> None:
    """Jobs that were started at different moments are looked at at the same ones."""
    now = time.monotonic()
    dues = set()
    for started in (now, now + 1.3, now + 2.9):
        job = sampling._Sampled(pid=1, started=started)
        for _ in range(3):
            job.plan(max(started, job.due))
        dues.add(job.due % 5)

    assert dues == {0}
