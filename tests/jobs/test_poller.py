from __future__ import annotations

import gc
import os
import tempfile
import threading
from collections.abc import Iterator
from selectors import EVENT_READ, EVENT_WRITE

import pytest

from ipyproc._jobs.io.poller import Poller
from tests.jobs.helpers import PATIENCE


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Make a pipe: the end to read from, and the other."""
    ends = os.pipe()
    yield ends
    for fd in ends:
        os.close(fd)


def nothing() -> None:
    """Do nothing, when something is ready."""


def test_what_is_ready(pipe: tuple[int, int]) -> None:
    """The callback of what is ready is returned, and of nothing else."""
    poller, (read, write) = Poller(), pipe
    got: list[str] = []
    poller.watch(read, EVENT_READ, lambda: got.append("read"))
    assert poller.wait(0) == []

    poller.watch(write, EVENT_WRITE, lambda: got.append("write"))
    for callback in poller.wait(None):
        callback()
    os.write(write, b"x")
    poller.unwatch(write)
    for callback in poller.wait(None):
        callback()

    assert got == ["write", "read"]


def test_watched_once(pipe: tuple[int, int]) -> None:
    """What is watched cannot be watched again until nobody watches it any more."""
    poller, (_, write) = Poller(), pipe
    poller.watch(write, EVENT_WRITE, nothing)
    with pytest.raises(KeyError):
        poller.watch(write, EVENT_READ, print)

    assert poller.wait(None) == [nothing]
    poller.unwatch(write)
    poller.unwatch(write)
    assert poller.is_idle
    poller.watch(write, EVENT_WRITE, nothing)
    assert not poller.is_idle


def test_what_cannot_be_watched() -> None:
    """A file that is always ready is refused, and not watched then."""
    poller = Poller()
    with tempfile.TemporaryFile() as file, pytest.raises(PermissionError):
        poller.watch(file.fileno(), EVENT_READ, nothing)

    assert poller.is_idle


def test_closed_before_it_was_unwatched() -> None:
    """A descriptor that somebody closed is unwatched without an error."""
    poller, (read, write) = Poller(), os.pipe()
    poller.watch(read, EVENT_READ, nothing)
    os.close(read)
    os.close(write)
    poller.unwatch(read)

    assert poller.is_idle


def test_woken() -> None:
    """Another thread ends a wait, also before it has begun."""
    poller = Poller()
    threading.Thread(target=poller.wake).start()
    (drain,) = poller.wait(PATIENCE)
    drain()

    assert poller.wait(0) == []


def test_closed_when_nobody_refers_to_it() -> None:
    """Its descriptors are closed at once when it is dropped, without the collector."""
    gc.disable()
    try:
        before = os.listdir("/proc/self/fd")
        poller = Poller()
        assert len(os.listdir("/proc/self/fd")) == len(before) + 3
        del poller
        assert os.listdir("/proc/self/fd") == before
    finally:
        gc.enable()
