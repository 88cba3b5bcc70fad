from __future__ import annotations

import json
import resource
from typing import Any

import pytest

from ipyproc import Peak, UsagePoint
from ipyproc.state import ProcessState, Rusage, WaitStatus
from ipyproc.views.render import format
from ipyproc.views.render.format import Fact
from tests.views.fakes import FakeJob


def found(status: int, **usage: Any) -> dict[str, str]:
    """Return the facts of a state by their labels."""
    state = ProcessState(pid=1, sys=WaitStatus(status), sys_usage=Rusage(**usage))
    return {fact.label: fact.value for fact in format.facts(state)}


def test_an_exit() -> None:
    """An exit shows its code, and the status word bit by bit."""
    got = found(0x0300, utime=1.5, stime=0.25, maxrss=12_345_678_000, minflt=1234)

    assert got == {
        "State": "exit status 3",
        "Exit code": "3",
        "User time": "1.50 s",
        "System time": "0.250 s",
        "Max RSS": "12.3 GB",
        "Wait status": "0x0300",
        "Bits 15-8": "00000011 exit code 3",
        "Bit 7": "0 no core dump",
        "Bits 6-0": "0000000 no signal",
        "Page faults without I/O": "1,234",
        "Page faults with I/O": "0",
        "Blocks read": "0",
        "Blocks written": "0",
        "Switches, voluntary": "0",
        "Switches, forced": "0",
    }


def test_a_signal() -> None:
    """A signal is named and numbered, and a core dump is said."""
    got = found(0x8B, nsignals=2)

    assert got["State"] == "signal: segmentation fault (core dumped)"
    assert got["Signal"] == "SIGSEGV (11)"
    assert got["Core dump"] == "yes"
    assert got["Bits 15-8"] == "00000000 no exit code"
    assert got["Bit 7"] == "1 core dump"
    assert got["Bits 6-0"] == "0001011 ended by segmentation fault"
    assert got["Signals"] == "2"
    assert "Exit code" not in got


def test_a_stop_and_a_signal_without_a_name() -> None:
    """What is rare is shown, too."""
    assert found(0x137F)["Stop signal"] == "SIGSTOP (19)"
    assert found(0x137F)["Bits 7-0"] == "01111111 stopped"
    assert found(33)["Signal"] == "signal 33"


def test_memory_that_may_be_ours() -> None:
    """A figure of the kernel that is not above our own says nothing of a child."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    assert "Max RSS" not in found(0, maxrss=own)
    assert "Max RSS" in found(0, maxrss=2 * own)


def outcome(job: FakeJob) -> dict[str, str]:
    """Return the facts of an ended job by their labels."""
    return {fact.label: fact.value for fact in format.outcome(job)}


def test_what_is_detail() -> None:
    """The main facts are few; the others come on request."""
    job = FakeJob()
    job.ends(after=2)

    facts = format.outcome(job)

    main = [fact.label for fact in facts if not fact.detail]
    assert main == ["State", "Exit code", "Real time", "User time", "System time"]
    assert Fact("Real time", "2.00 s") in facts


def test_a_job_that_runs_has_no_outcome() -> None:
    """Before its end there is nothing to tell."""
    assert format.outcome(FakeJob()) == []


@pytest.mark.parametrize(
    ("max_rss", "peak", "shown"),
    [
        (None, Peak(0, 0.0, 1), {}),
        (None, Peak(5000, 0.0, 1), {"Peak memory": "5.0 kB"}),
        (7000, Peak(7000, 0.0, 1), {"Max RSS": "7.0 kB"}),
        (
            7000,
            Peak(9000, 0.0, 3),
            {"Max RSS": "7.0 kB", "Peak memory": "9.0 kB", "Most processes": "3"},
        ),
    ],
)
def test_memory_of_a_job(
    max_rss: int | None, peak: Peak, shown: dict[str, str]
) -> None:
    """The kernel's figure is shown where it is the job's, else what was seen."""
    job = FakeJob()
    job.peak, job.course.max_rss = peak, max_rss
    job.ends()

    labels = "Max RSS", "Peak memory", "Most processes"
    assert {k: v for k, v in outcome(job).items() if k in labels} == shown


def test_the_course_of_a_job() -> None:
    """What a job used over time is drawn, if it ran for long enough."""
    job = FakeJob()
    points = (
        UsagePoint(1, 0, 0.0, 1),
        UsagePoint(11, 8_000_000, 10.0, 1),
        UsagePoint(21, 4_000_000, 10.0, 1),
        UsagePoint(31, 4_000_000, 15.0, 1),
    )
    job.history = points
    job.ends()
    got = outcome(job)

    assert got["CPU over time"] == (
        "███████████▁▁▁▁▁▁▁▁▁▁▅▅▅▅▅▅▅▅▅ 31.00 s, up to 100 %"
    )
    assert got["Memory over time"].endswith(" 31.00 s, up to 8.0 MB")
    job.history = points[:3]
    assert "CPU over time" not in outcome(job)


def test_times_of_a_tree() -> None:
    """Where other processes of a job took more time, all of it is shown."""
    job = FakeJob()
    job.course.times = 90.0, 1.5
    job.ends()
    got = outcome(job)

    assert (got["User time"], got["System time"]) == ("1:30", "1.50 s")
    assert got["User time of pid 4242"] == got["System time of pid 4242"] == "0.000 s"


@pytest.mark.parametrize(
    ("argv", "want"),
    [
        (("ls", "-l"), "ls -l"),
        (("echo", "a b", "it's", ""), """echo 'a b' 'it'"'"'s' ''"""),
        (("sh", "-c", "a\nb\x1b[31m"), r'sh -c "a\nb\x1b[31m"'),
        (("x", "\u202e", "\udcff"), r'x "\u202e" "\xff"'),
        (("x", "y" * 5000), "x " + "y" * 1997 + "…"),
    ],
)
def test_the_command(argv: tuple[str, ...], want: str) -> None:
    """The command is one line of bounded length that cannot pretend to be another."""
    assert format.command(FakeJob(*argv)) == want


def test_the_snapshot_is_small_plain_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page is told is JSON, a few hundred bytes, and no environment."""
    monkeypatch.setenv("SECRET", "hunter2")
    job = FakeJob(name="a\nb\udcff")
    running = format.snapshot(job)
    job.ends(9)

    ended = format.snapshot(job)

    text = json.dumps([running, ended])
    assert text.encode("ascii")
    assert len(text) < 3000
    assert "hunter2" not in text
    assert (running["text"], running["ran"], running["total"]) == (
        "running",
        None,
        None,
    )
    assert running["name"] == r'"a\nb\xff"'
    assert (ended["text"], ended["ran"], ended["total"]) == (
        "signal: killed",
        "1.25 s",
        0,
    )
    assert ["Signal", "SIGKILL (9)", False] in map(list, ended["facts"])
