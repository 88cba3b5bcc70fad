"""The guard of tests/guard.py finds each kind of leak, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.guard import PATIENCE, LeakError, no_leaks

ROOT = Path(__file__).parent.parent


def test_a_descriptor_left_open_is_a_leak() -> None:
    """A pipe that is left open is a leak, and the message names it."""
    reader = writer = -1

    with pytest.raises(LeakError, match=r"descriptor \d+ -> pipe:"), no_leaks(0):
        reader, writer = os.pipe()

    os.close(reader)
    os.close(writer)


def test_a_descriptor_closed_by_a_stranger_is_a_leak() -> None:
    """Closing what the test did not open is a leak."""
    reader, writer = os.pipe()
    os.close(writer)

    with pytest.raises(LeakError, match=f"closed {reader} -> pipe:"), no_leaks(0):
        os.close(reader)


def test_the_same_number_for_another_file_is_a_leak() -> None:
    """Descriptors are compared by what they are, not by how many there are."""
    reader, writer = os.pipe()
    other, other_writer = os.pipe()

    with pytest.raises(LeakError, match=f"descriptor {reader} -> pipe:"), no_leaks(0):
        os.dup2(other, reader)

    for descriptor in (reader, writer, other, other_writer):
        os.close(descriptor)


def test_a_running_child_is_a_leak() -> None:
    """A child that still runs is a leak."""
    child = None

    with pytest.raises(LeakError, match=r"child \d+ \(sleep,"), no_leaks(0):
        child = subprocess.Popen(["sleep", "60"])

    assert child is not None
    child.kill()
    child.wait()


def test_a_zombie_is_a_leak() -> None:
    """A child that ended and was not waited for is a leak."""
    child = None

    with pytest.raises(LeakError, match=r"child \d+ \(true,"), no_leaks(0):
        child = _ended(["true"])

    assert child is not None
    child.wait()


def test_a_thread_is_a_leak() -> None:
    """A thread that still runs is a leak."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="left-behind")

    with pytest.raises(LeakError, match="thread left-behind"), no_leaks(0):
        thread.start()

    end.set()
    thread.join()


def test_what_is_on_its_way_out_is_no_leak() -> None:
    """The guard waits for a thread that ends a moment after its test."""
    end = threading.Event()

    with no_leaks(PATIENCE):
        threading.Thread(target=end.wait).start()
        threading.Timer(0.05, end.set).start()


def test_garbage_is_no_leak() -> None:
    """The guard collects garbage before it reports an open descriptor."""

    class Holder:
        def __init__(self) -> None:
            self.me = self
            self.reader, self.writer = os.pipe()

        def __del__(self) -> None:
            os.close(self.reader)
            os.close(self.writer)

    with no_leaks(PATIENCE):
        Holder()


@pytest.mark.slow
def test_every_test_is_guarded(tmp_path: Path) -> None:
    """A test that leaks fails, although it does not ask for the guard."""
    output = _run(tmp_path, "import os\n\ndef test_leaks():\n    os.pipe()\n")

    assert "LeakError: descriptor" in output
    assert "1 passed, 1 error" in output


@pytest.mark.slow
def test_a_failure_is_no_leak(tmp_path: Path) -> None:
    """What the variables of a failed test hold is not reported as a leak."""
    output = _run(
        tmp_path, "def test_fails():\n    f = open('/dev/null')\n    assert not f\n"
    )

    assert "1 failed" in output
    assert "error" not in output.splitlines()[-1]


def _run(folder: Path, test: str) -> str:
    """Run *test* with an impatient guard, and return what pytest prints."""
    path = folder / "test_it.py"
    path.write_text(f"import tests.guard\ntests.guard.PATIENCE = 0.1\n{test}")
    plugins = ["-p", "tests.guard", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *plugins, "--rootdir", folder, path]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


def _ended(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a child, see it end and leave it a zombie."""
    child = subprocess.Popen(command)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    return child
