"""Jobs that print as fast as they can: how often they are read, and what that moves."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from ipyproc import Job, spawn
from ipyproc._jobs.io import flood
from ipyproc._jobs.io.endpoints import PIECE, OutputPipe
from ipyproc._jobs.io.event_loop import EventLoop
from ipyproc._jobs.io.flood import PAUSE, Pace, PipeSpace
from tests.jobs.helpers import PATIENCE, until

MIB = 1 << 20
LARGE_READ = 1 << 18


class Clock:
    """A clock that stands still, but for what sleeps by it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.pauses.append(seconds)
        self.now += seconds


def read(pace: Pace, clock: Clock, sizes: list[int], seconds: float = 0.0) -> int:
    """Read pieces of these sizes, so many seconds apart; count the pauses."""
    before = len(clock.pauses)
    for size in sizes:
        clock.now += seconds
        pace.note(size)
        pace.keep()
    return len(clock.pauses) - before


def paced() -> tuple[Pace, Clock]:
    """Return a pace, and the clock that it lives by."""
    clock = Clock()
    return Pace(lambda: clock.now, clock.sleep), clock


def test_a_flood_of_small_pieces_is_left_to_pile_up() -> None:
    """Who prints little at a time, on and on, is read once in a pause."""
    pace, clock = paced()

    assert read(pace, clock, [4096] * 1000) >= 980
    assert set(clock.pauses) == {PAUSE}


def test_a_few_pieces_are_read_at_once() -> None:
    """What a short program prints in some pieces waits for nothing."""
    pace, clock = paced()

    for _ in range(100):
        assert read(pace, clock, [100] * 15) == 0
        clock.now += 0.01


def test_pieces_with_time_between_them_are_read_at_once() -> None:
    """Who prints a line every two milliseconds is never kept waiting."""
    pace, clock = paced()

    assert read(pace, clock, [100] * 1000, seconds=0.002) == 0


def test_large_pieces_are_read_at_once() -> None:
    """Where the reader is the slower one there is nothing to wait for."""
    pace, clock = paced()
    read(pace, clock, [4096] * 100)

    assert read(pace, clock, [LARGE_READ] * 100) == 0


def test_other_events_after_a_flood_are_served_at_once() -> None:
    """A flood that has stopped delays nothing that comes later."""
    pace, clock = paced()
    read(pace, clock, [4096] * 100)
    clock.now += 0.01
    before = len(clock.pauses)
    pace.keep()

    assert len(clock.pauses) == before


def test_a_full_share_is_worth_its_read() -> None:
    """Where many flood at once, none of them is waited for."""
    pace, clock = paced()
    pace.begin(ready=20)

    assert pace.share < LARGE_READ
    assert read(pace, clock, [pace.share] * 100) == 0


@pytest.mark.parametrize("count", [2, 10])
def test_pipes_that_are_ready_share_a_pass(count: int) -> None:
    """However many flood, a pass over them takes little more than one of one."""
    loop, taken = EventLoop(), list[list[int]]()
    ends = [os.pipe() for _ in range(count)]
    all_taken = threading.Event()

    def take(number: int, data: memoryview) -> None:
        taken[number].append(len(data))
        if sum(map(sum, taken)) == count * MIB:
            all_taken.set()

    def begin() -> None:
        for number, (reader, _) in enumerate(ends):
            taken.append([])
            pipe = OutputPipe(loop, reader, partial(take, number), lambda: None)
            pipe.attach()

    for _, writer in ends:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, MIB)
        os.write(writer, bytes(MIB))
    loop.call_soon(begin)
    assert all_taken.wait(PATIENCE)
    loop.stop(PATIENCE)
    for _, writer in ends:
        os.close(writer)

    # The loop was woken for the first pass, too, and that has its share.
    assert max(map(max, taken)) <= max(MIB // count, 1 << 17)
    assert [sum(sizes) for sizes in taken] == [MIB] * count


@pytest.fixture
def pipes() -> Iterator[list[int]]:
    """Return the reading ends of ten pipes."""
    ends = [os.pipe() for _ in range(10)]
    yield [read for read, _ in ends]
    for pair in ends:
        for end in pair:
            os.close(end)


def size_of(pipe: int) -> int:
    """Return how much a pipe holds."""
    return fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)


def test_pipes_share_the_space(pipes: list[int]) -> None:
    """All that are enlarged take no more than their share, which comes back."""
    space = PipeSpace(limit=3 * MIB + MIB // 2)
    for pipe in pipes:
        space.enlarge(pipe)
    assert [size_of(pipe) for pipe in pipes] == [MIB] * 3 + [MIB // 2] + [1 << 16] * 6

    space.free(pipes[0])
    space.free(pipes[0])
    space.free(pipes[5])
    for pipe in pipes[8:]:
        space.enlarge(pipe)
    assert [size_of(pipe) for pipe in pipes[8:]] == [MIB, 1 << 16]


def test_a_smaller_pipe_than_wanted(
    pipes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system refuses the size, half of it is asked for, and so on."""
    # The kernel has no memory in one piece for what it must know of such a pipe.
    monkeypatch.setattr(flood, "LARGE_PIPE", 1 << 31)
    PipeSpace(limit=1 << 40).enlarge(pipes[0])

    assert 1 << 16 < size_of(pipes[0]) < 1 << 31


def flooding(size: int, **options: int) -> Job:
    """Run a job that prints so many bytes, to its end."""
    job = spawn(["head", "-c", str(size), "/dev/zero"], **options)
    assert job.wait(PATIENCE).success
    until(job, lambda job: job.finished)
    return job


def test_a_flood_that_goes_to_the_file_is_all_there() -> None:
    """Beyond the memory limit output goes to the file, through one small buffer."""
    job = flooding(64 * MIB, memory_limit=MIB)

    assert (job.stdout.total, job.stdout.dropped) == (64 * MIB, 0)
    assert job.stdout.bytes == bytes(64 * MIB)


@pytest.mark.parametrize("share", [PIECE // 2, 2 * PIECE])
def test_a_pass_reads_its_share_in_pieces(share: int) -> None:
    """None is larger than what stays in the cache, and others have their turn then."""
    loop, taken, ended = EventLoop(), list[int](), threading.Event()
    loop.pace.begin = lambda ready: setattr(loop.pace, "share", share)  # type: ignore[method-assign]
    reader, writer = os.pipe()
    size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4 * PIECE)
    os.write(writer, bytes(size))
    passes: list[int] = []

    def take(data: memoryview) -> None:
        taken.append(len(data))

    pipe = OutputPipe(loop, reader, take, ended.set)
    loop.pace.note = passes.append  # type: ignore[method-assign]
    os.close(writer)
    loop.call_soon(pipe.attach)
    assert ended.wait(PATIENCE)
    loop.stop(PATIENCE)

    assert taken == [min(share, PIECE)] * (size // min(share, PIECE))
    assert passes == [*[share] * (size // share), 0]


def test_the_loop_keeps_the_pace() -> None:
    """A pipe that has one byte, again and again, is left alone between two reads."""
    loop, pauses, ended = EventLoop(), list[float](), threading.Event()
    loop.pace = Pace(lambda: 100.0, pauses.append)
    reader, writer = os.pipe()
    left = iter(range(99))

    def take(data: memoryview) -> None:
        if next(left, None) is None:
            os.close(writer)
        else:
            os.write(writer, b"-")

    pipe = OutputPipe(loop, reader, take, ended.set)
    os.write(writer, b"-")
    loop.call_soon(pipe.attach)
    assert ended.wait(PATIENCE)
    loop.stop(PATIENCE)

    assert 70 < len(pauses) < 100
    assert set(pauses) == {PAUSE}
