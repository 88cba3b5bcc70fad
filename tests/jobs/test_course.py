from __future__ import annotations

from itertools import pairwise

import pytest

from ipyproc import Peak, UsagePoint
from ipyproc._jobs.procinfo.course import MOST_POINTS, Course, Sample, memory_mark
from ipyproc.state import Rusage


def test_the_most_of_each() -> None:
    """The peak is the most of each figure, from whatever moment that is."""
    course = Course()
    course.add(0, Sample(100, 1.0, 0.5, 3))
    course.add(5, Sample(700, 2.0, 0.5, 1))
    course.add(10, Sample(50, 2.5, 1.5, 2))

    assert course.peak == Peak(memory=700, cpu_time=4.0, processes=3)
    assert course.times == (2.5, 1.5)
    assert [point.memory for point in course.history] == [100, 700, 50]


def test_processor_time_never_falls() -> None:
    """The time of a process that is gone, and that nobody waited for, is kept."""
    course = Course()
    course.add(0, Sample(100, 9.0, 1.0, 2))
    course.add(5, Sample(100, 1.0, 1.0, 1))

    assert [point.cpu_time for point in course.history] == [10, 10]
    assert course.times == (9, 1)


def test_nothing_seen_yet() -> None:
    """Before the first sample there is a peak of nothing, and no history."""
    assert Course().peak == Peak(memory=0, cpu_time=0.0, processes=0)
    assert Course().history == ()


def test_samples_in_the_same_second() -> None:
    """Samples that come faster than points are merged: none of a peak is lost."""
    course = Course()
    for tenth in range(25):
        course.add(tenth / 10, Sample(900 if tenth == 7 else 10, tenth, 0.0, 1))

    assert course.history == (
        UsagePoint(0.9, 900, 9, 1),
        UsagePoint(1.9, 10, 19, 1),
        UsagePoint(2.4, 10, 24, 1),
    )


@pytest.mark.parametrize("count", [1, 599, 600, 601, 1200, 1201, 5000])
def test_history_is_thinned(count: int) -> None:
    """However long a job runs, its history covers all of it, with every peak."""
    course = Course()
    for number in range(count):
        memory = 10_000 if number == count // 3 else number % 7
        course.add(5.0 * number, Sample(memory, number, 0.0, 1))
    course.end(5.0 * count, Rusage(utime=count), memory_mark())
    points = course.history

    assert len(points) <= MOST_POINTS
    assert len(points) >= min(count, MOST_POINTS // 4)
    assert points[0].elapsed <= 5.0 * count / 30
    assert points[-1].elapsed == 5.0 * count
    assert max(point.memory for point in points) == course.peak.memory == 10_000
    gaps = [b.elapsed - a.elapsed for a, b in pairwise(points)]
    assert all(gap > 0 for gap in gaps)
    assert max(gaps, default=0) <= 4 * min(gaps[:-2], default=9)


def test_the_end_of_a_job_that_was_never_seen() -> None:
    """Of a job that was too quick there is what the kernel tells at its end."""
    course = Course()
    course.end(0.25, Rusage(utime=0.1, stime=0.05, maxrss=300), own=200)

    assert course.peak == Peak(300, pytest.approx(0.15), 1)
    assert course.history == (UsagePoint(0.25, 300, pytest.approx(0.15), 1),)


def test_nothing_after_the_end() -> None:
    """A sample that was taken before the end and comes after it changes nothing."""
    course = Course()
    course.end(1.0, Rusage(), own=0)
    course.add(0.9, Sample(100, 1.0, 0.5, 3))

    assert len(course.history) == 1
    assert course.peak.memory == 0


def test_the_processes_of_its_own_are_part_of_the_end() -> None:
    """The times of the end are those of the tree, if that had more than its leader."""
    course = Course()
    course.add(5, Sample(100, 9.0, 1.0, 4))
    course.end(6, Rusage(utime=2.0, stime=0.5), own=0)

    assert course.times == (9, 1)
    assert course.peak.cpu_time == 10


@pytest.mark.parametrize(("maxrss", "shown"), [(199, None), (200, None), (201, 201)])
def test_whose_the_figure_of_the_kernel_is(maxrss: int, shown: int | None) -> None:
    """The kernel's figure is the job's only if it is more than ours could have been."""
    course = Course()
    course.end(1.0, Rusage(maxrss=maxrss), own=200)

    assert course.max_rss == shown
    assert course.peak.memory == (shown or 0)
