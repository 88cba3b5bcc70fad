from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyproc import Job, jobs, spawn
from ipyproc._jobs.output.interleaved import Output
from ipyproc._jobs.output.spill import Archive, Keeping
from tests.jobs.helpers import PATIENCE, until
from tests.jobs.test_interleaved import arrivals

SIZE = 100_000


@pytest.fixture(autouse=True)
def memory_limit(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let three jobs keep what they printed in memory, but not four.

    Jobs of other tests do not count: something may refer to one still, which is then
    the first to be moved, and holds the file open when ours are gone.
    """
    monkeypatch.setattr(jobs, "_keeping", Keeping())
    jobs.memory_limit = SIZE * 3 + SIZE // 2
    return jobs.memory_limit


def printed(number: int) -> bytes:
    """Return what the job of that number prints."""
    return (f"{number}\n" * SIZE).encode()[:SIZE]


def run(number: int) -> Job:
    """Run a job to its end, and until the table knows."""
    job = spawn(["sh", "-c", f"yes {number} | head -c {SIZE}"])
    job.wait(PATIENCE)
    until(job, lambda job: job.finished)
    kept = threading.Event()
    job.when_finished(lambda job: kept.set())
    assert kept.wait(PATIENCE)
    return job


def held() -> int:
    """Say how much the jobs of the table hold in memory."""
    return sum(job.in_memory for job in jobs)


def test_ended_jobs_share_a_limit(memory_limit: int) -> None:
    """However many jobs ended, they hold no more memory than that, and lose nothing."""
    run(0)
    descriptors = len(os.listdir("/proc/self/fd"))
    for number in range(1, 12):
        run(number)
        assert held() <= memory_limit

    assert held() >= memory_limit // 2
    assert [job.stdout.bytes for job in jobs] == [printed(n) for n in range(12)]
    assert [job.in_memory > 1000 for job in jobs][::11] == [False, True]
    assert all(job.stdout.error is None for job in jobs)
    # There is one file for all of them.
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 1


def test_all_can_be_read_as_before() -> None:
    """A job that was moved can be sliced, searched, saved and read in order."""
    jobs.memory_limit = 0
    job = spawn("seq 100000")
    job.wait(PATIENCE)
    until(job, lambda job: job.finished and not job.in_memory > 1000)
    lines = [str(n) for n in range(1, 100_001)]

    assert job.stdout.lines() == lines
    assert job.stdout.tail(7) == b"100000\n"
    assert job.stdout[2:6] == b"2\n3\n"
    assert b"".join(chunk.data for chunk in job.read(0, 10)) == b"1\n2\n3\n4\n5\n"


def test_a_lower_limit_holds_at_once() -> None:
    """A lower limit holds at once, without another job."""
    for number in range(3):
        run(number)
    assert held() >= 3 * SIZE
    jobs.memory_limit = SIZE

    assert held() <= SIZE
    assert [job.stdout.bytes for job in jobs] == [printed(n) for n in range(3)]


def test_jobs_that_were_forgotten_do_not_count() -> None:
    """Clearing the table frees the memory for new jobs."""
    for number in range(10):
        run(number)
        jobs.clear()
    last = run(10)

    assert last.in_memory >= SIZE


def test_no_room_in_the_file() -> None:
    """Where nothing can be written all stays in memory; the next job tries again."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE // 2, limit[1]))
    try:
        for number in range(5):
            run(number)
        assert held() >= 5 * SIZE
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    run(5)

    assert held() <= jobs.memory_limit
    assert [job.stdout.bytes for job in jobs] == [printed(n) for n in range(6)]


@pytest.mark.parametrize(("limit", "error"), [(-1, ValueError), ("1", TypeError)])
def test_bad_limit(limit: object, error: type[Exception]) -> None:
    """What is no number of bytes is refused by name, and changes nothing."""
    before = jobs.memory_limit
    with pytest.raises(error, match=r"^memory_limit: "):
        jobs.memory_limit = limit  # type: ignore[assignment]

    assert jobs.memory_limit == before


def test_a_fork_leaves_the_file_alone() -> None:
    """A forked child reads what its parent moved there, and moves its own elsewhere."""
    code = """
import os, sys, warnings
warnings.simplefilter("ignore")  # of a fork beside threads
from ipyproc import jobs, spawn
def run(text):
    job = spawn(["sh", "-c", f"yes {text} | head -c 100000"])
    job.wait(20)
    while not job.finished or job.in_memory > 50000: pass
    return job
jobs.memory_limit = 0
first = run("parent")
if not (child := os.fork()):
    assert run("child").stdout[:5] == b"child", jobs
    jobs.clear()
    assert first.stdout[:6] == b"parent"
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
assert first.stdout.text.split() == ["parent"] * 14285 + ["paren"]
print("fine")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE
    )

    assert (done.stdout, done.stderr) == ("fine\n", "")


@given(arrivals, st.integers(0, 12), st.integers(0, 12), arrivals)
def test_moved_is_as_it_was(
    arrived: list[tuple[int, bytes]],
    memory: int,
    output: int,
    later: list[tuple[int, bytes]],
) -> None:
    """Whatever its limits, a capture that was moved has all it had, and can grow."""
    archive, here, moved = Archive(), Output(memory, output), Output(memory, output)
    for stream, data in arrived:
        here.append(stream, data)
        moved.append(stream, data)
    for capture in (moved.stdout, moved.stderr):
        capture.move_to(archive)
        assert capture.in_memory == 0
    assert (moved.stdout.bytes, moved.stderr.bytes) == (
        here.stdout.bytes,
        here.stderr.bytes,
    )
    for stream, data in later:
        here.append(stream, data)
        moved.append(stream, data)

    assert moved.stdout.bytes == here.stdout.bytes
    assert moved.stderr.bytes == here.stderr.bytes
    assert moved.stdout.dropped == here.stdout.dropped


def test_order_of_many_arrivals_is_moved_too() -> None:
    """Which stream printed when is known afterwards, and takes no memory."""
    output = Output()
    for number in range(3000):
        output.append(number % 2, b"%d." % number)
    before = output.read(0, 1 << 20)
    output.move_to(Archive())

    assert output.in_memory == 0
    assert output.read(0, 1 << 20) == before
    assert len(before) == 3000


@given(st.lists(st.tuples(st.integers(1, 40), st.booleans(), st.integers(0, 9))))
def test_pieces_of_an_archive(steps: list[tuple[int, bool, int]]) -> None:
    """Pieces stay as they are while others come and go; free space is used again."""
    archive = Archive()
    pieces: list[tuple[int, bytes]] = []
    for number, (size, add, which) in enumerate(steps):
        if add or not pieces:
            data = bytes([number % 256]) * size
            pieces.append((archive.add(memoryview(data)), data))
        else:
            offset, data = pieces.pop(which % len(pieces))
            archive.remove(offset, len(data))
        for offset, data in pieces:
            assert archive.read(offset, len(data)) == data

    ends = [offset + len(data) for offset, data in pieces]
    assert archive.size == max(ends, default=0)
    for offset, data in pieces:
        archive.remove(offset, len(data))
    assert archive.size == 0


def test_a_forgotten_capture_gives_its_room_back() -> None:
    """The file shrinks to what is in use, without a call to close anything."""
    archive, output = Archive(), Output()
    output.append(0, b"x" * 5000)
    output.stdout.move_to(archive)
    assert archive.size == 5000
    del output
    gc.collect()

    assert archive.size == 0


@contextmanager
def in_use(archive: Archive) -> Iterator[None]:
    """Hold the archive's lock, as adding a piece does."""
    with archive._lock:
        yield


def test_garbage_in_the_midst_of_an_addition() -> None:
    """A collection of garbage while a piece is added does not wait for itself."""
    archive, output = Archive(), Output()
    output.append(0, b"x" * 5000)
    output.stdout.move_to(archive)
    with in_use(archive):
        del output
        gc.collect()
    archive.add(memoryview(b"abc"))

    assert archive.size == 3


class Latch:
    """A lock that does something as its owner is about to leave."""

    def __init__(self, last: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._last: Callable[[], None] | None = last

    def acquire(self, blocking: bool) -> bool:
        """Take it, or tell that another has it."""
        return self._lock.acquire(blocking)

    def release(self) -> None:
        """Return it back."""
        last, self._last = self._last, None
        if last:
            last()
        self._lock.release()


def test_two_that_are_removed_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Space freed while another thread frees space is free."""
    archive = Archive()
    first, second = archive.add(memoryview(b"one")), archive.add(memoryview(b"two"))
    latch = Latch(lambda: archive.remove(second, 3))
    monkeypatch.setattr(archive, "_lock", latch)

    archive.remove(first, 3)

    assert archive.size == 0


def test_nothing_takes_no_room() -> None:
    """A piece of no bytes is read and removed in any order, and keeps no file open."""
    archive = Archive()
    some, nothing = archive.add(memoryview(b"some")), archive.add(memoryview(b""))
    archive.remove(some, 4)
    assert archive.read(nothing, 0) == b""
    archive.remove(nothing, 0)
    archive.remove(archive.add(memoryview(b"more")), 4)

    assert archive.size == 0
