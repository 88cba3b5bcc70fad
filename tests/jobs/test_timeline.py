"""When what a stream printed arrived."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipyproc import Capture, spawn
from ipyproc._jobs.output.interleaved import Output
from ipyproc._jobs.output.spill import Archive
from ipyproc._jobs.output.timeline import Timeline
from tests.jobs.helpers import PATIENCE, until, until_printed


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def noted(*points: tuple[float, int], most: int = 100) -> Timeline:
    """Make a timeline with pieces that arrived at these seconds, at these offsets."""
    clock = Clock()
    timeline = Timeline(most, clock)
    timeline.begin()
    for elapsed, offset in points:
        clock.now = 1000.0 + elapsed
        timeline.note(offset)
    return timeline


def test_points() -> None:
    """Each byte has the time of its piece, and what comes soon after is as old."""
    timeline = noted((0.5, 0), (0.505, 10), (0.52, 20), (7.25, 30))

    assert timeline.find(0) == (0.5, 20)
    assert timeline.find(19) == (0.5, 20)
    assert timeline.find(20) == (0.52, 30)
    assert timeline.find(10**12) == (7.25, None)
    assert noted().find(0) is None


def test_not_yet_begun() -> None:
    """Before a start nothing has a time."""
    timeline = Timeline(clock=Clock())
    timeline.note(0)

    assert timeline.find(0) is None
    assert timeline.in_memory == 0


def test_too_many_points() -> None:
    """However many points there were, the newest are kept, and memory is limited."""
    timeline = noted(*((n / 10, n) for n in range(10_000)), most=64)

    assert timeline.in_memory <= 16 * 64
    for offset in range(9_980, 10_000):
        assert timeline.find(offset) is not None
        assert timeline.find(offset)[0] == offset / 10  # type: ignore[index]
    times = [found[0] for n in range(10_000) if (found := timeline.find(n))]
    assert times == sorted(times)
    assert all(time <= n / 10 for n, time in enumerate(times))
    assert times[0] == 0


def test_an_archive(tmp_path: Path) -> None:
    """What was moved to an archive is as before, and takes no memory."""
    timeline, archive = noted((0.5, 0), (7.25, 30)), Archive()
    timeline.move_to(archive)

    assert timeline.in_memory == 0
    assert [timeline.find(offset) for offset in (0, 30)] == [(0.5, 30), (7.25, None)]


def test_a_capture() -> None:
    """A byte that was not printed has no time, and one before the first is wrong."""
    output = Output()
    output.begin()
    output.append(0, b"one")
    capture = output.stdout

    assert capture.time_at(2) == capture.time_at(0) is not None
    assert capture.time_at(3) is None
    assert output.stderr.time_at(0) is None
    assert Capture().time_at(0) is None
    with pytest.raises(ValueError, match="offset: expected 0 or more, got -1"):
        capture.time_at(-1)


def test_a_job(tmp_path: Path) -> None:
    """The times are seconds since the start, in order, and none is after the end."""
    os.mkfifo(tmp_path / "gate")
    job = spawn("echo 1; read go <gate; echo 2 >&2", shell=True, dir=tmp_path)
    until_printed(job, "1")
    first = job.elapsed
    (tmp_path / "gate").write_text("go\n")
    job.wait(PATIENCE)
    until(job, lambda job: job.finished)
    one, two = job.stdout.time_at(1), job.stderr.time_at(0)

    assert one is not None
    assert two is not None
    # The clocks of the job and of its output begin a moment apart.
    assert 0 <= one <= first + 0.1
    assert first <= two + 0.1
    assert two <= job.elapsed + 0.1


def test_what_is_moved_without_a_look(tmp_path: Path) -> None:
    """What goes from a pipe to the file without being read has times, too."""
    job = spawn("head -c 3000000 /dev/zero", memory_limit=0)
    job.wait(PATIENCE)
    times = [job.stdout.time_at(offset) for offset in (0, 1_500_000, 2_999_999)]

    assert None not in times
    assert times == sorted(times)  # type: ignore[type-var]
