from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest

from ipyproc.errors import ProcessDoneError
from ipyproc.views.process import GONE, ForeignProcess
from tests.jobs.helpers import eventually


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is no job; it ends with the test."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def test_what_is_seen(other: subprocess.Popen[bytes]) -> None:
    """A process says what it is, and what it uses."""
    found = ForeignProcess(other.pid)

    eventually(lambda: found.poll().argv == ("sleep", "1000"))
    seen = found.poll()
    assert (seen.name, seen.threads) == ("sleep", 1)
    assert seen.parent[0] > 1
    assert (found.refusal, found.gone_at) == (None, None)
    usage = found.usage()
    assert usage is not None
    assert (usage.pid, usage.name) == (other.pid, "sleep")


def test_a_stop_a_zombie_and_the_end(other: subprocess.Popen[bytes]) -> None:
    """Its state is the kernel's word, until it is gone; what it was stays known."""
    found = ForeignProcess(other.pid)
    found.signal(signal.SIGSTOP)
    eventually(lambda: found.poll().status == "stopped")

    found.signal(signal.SIGKILL)
    eventually(lambda: found.poll().status == "zombie")
    assert found.usage() is None
    other.wait()

    assert found.poll().status == GONE
    assert found.poll().name == "sleep"
    assert found.gone_at is not None
    with pytest.raises(ProcessDoneError):
        found.signal(signal.SIGTERM)


def test_nobody_has_the_pid(other: subprocess.Popen[bytes]) -> None:
    """A process that has ended is not found."""
    other.kill()
    other.wait()

    with pytest.raises(ProcessDoneError):
        ForeignProcess(other.pid)


def test_another_process_with_the_pid_is_not_signalled(
    other: subprocess.Popen[bytes],
) -> None:
    """What is known is the process, not its number."""
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        found = ForeignProcess(other.pid)
        other.kill()
        other.wait()
        # As if the number had come again: what it names now is somebody else.
        found.pid = stranger.pid

        with pytest.raises(ProcessDoneError):
            found.signal(signal.SIGKILL)
        assert found.poll().status == GONE
        assert stranger.poll() is None
        stranger.kill()


def test_the_kernel_and_its_parents_are_refused() -> None:
    """Whoever asks, and whatever the signal."""
    with pytest.raises(PermissionError, match="pid 1 is refused: it is the parent"):
        ForeignProcess(1).signal(0)
