"""The guard around every test: what a test opens or starts must end with it."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

#: Seconds for which something may still be ending after its test.
PATIENCE = 30.0
#: Threads that live as long as there is something to do, and a moment longer.
STANDING = {"ipyproc-views", "ipyproc-actions"}
# How long the jobs' thread may take to end, where a job of a fixture does not need it.
_RETIRING = 0.2


class LeakError(AssertionError):
    """A test left something behind."""


@dataclass(frozen=True)
class Holdings:
    """What this process holds, each thing by an identity that is not used twice."""

    descriptors: frozenset[str]
    children: frozenset[str]
    threads: frozenset[threading.Thread]

    def leaked(self, before: Holdings) -> list[str]:
        """List what is held now and was not *before*, and which descriptors are gone.

        The test did not open a descriptor that is gone, so it closed a stranger's.
        """
        return [
            *(f"descriptor {d}" for d in sorted(self.descriptors - before.descriptors)),
            *(f"closed {d}" for d in sorted(before.descriptors - self.descriptors)),
            *(f"child {c}" for c in sorted(self.children - before.children)),
            *(f"thread {t.name}" for t in self.threads - before.threads),
        ]


def holdings() -> Holdings:
    """List what this process holds now."""
    return Holdings(
        frozenset(_descriptors()),
        frozenset(_children()),
        frozenset(t for t in threading.enumerate() if t.name not in STANDING),
    )


@contextmanager
def no_leaks(patience: float) -> Iterator[None]:
    """Raise LeakError if the block leaves descriptors, children or threads behind."""
    _let_threads_end()
    before = holdings()
    yield
    deadline = time.monotonic() + patience
    while leaked := _leaked(before):
        if time.monotonic() > deadline:
            raise LeakError("; ".join(leaked))
        gc.collect()  # a traceback may hold in a cycle what its frames opened
        time.sleep(0.01)


def _leaked(before: Holdings) -> list[str]:
    _let_threads_end()
    return holdings().leaked(before)


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """Fail a test that leaves descriptors, children or threads behind."""
    with no_leaks(PATIENCE):
        yield
        _forget_failure()


def _forget_failure() -> None:
    """Release the frames of a failed test, and with them what its variables hold.

    pytest keeps the last failure for post-mortem debuggers until the next one.
    """
    for name in ("last_exc", "last_value", "last_traceback"):
        vars(sys).pop(name, None)


def _let_threads_end() -> None:
    """End the jobs' one thread, its descriptors and the guardian, unless a job runs."""
    module = sys.modules.get("ipyproc._jobs.shutdown")
    if module is not None:
        module.shutdown.retire(_RETIRING)


def _descriptors() -> Iterator[str]:
    for number in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the one that listed the folder
            yield f"{number} -> {os.readlink(f'/proc/self/fd/{number}')}"


def _children() -> Iterator[str]:
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
            pids = (task / "children").read_text().split()
            yield from (_describe(pid) for pid in pids)


def _describe(pid: str) -> str:
    """Name a child by pid, start time (a pid may come again) and command."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    command, _, rest = stat.partition("(")[2].rpartition(")")
    return f"{pid} ({command}, started at tick {rest.split()[19]})"
