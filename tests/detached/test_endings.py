"""What ends around a detached job: room on the disk, and the time of day."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ipyproc import PIPE, JobLostError, jobs, spawn
from ipyproc._agent import records
from tests.alone import state
from tests.hosts.helpers import agents
from tests.jobs.helpers import PATIENCE, eventually, gone, until_printed

DAY = 86_400.0


@pytest.fixture(autouse=True)
def folder(alone: Path) -> Path:
    """Keep all of it in a folder of the test's own."""
    return alone


@pytest.fixture
def small_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep the folders of the jobs on a disk of one megabyte."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no mount: {done.stderr}")
    monkeypatch.setenv("XDG_STATE_HOME", str(disk))
    yield disk
    # What still writes there keeps it as long as it needs it.
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk: Path) -> Path:
    """Write a file until there is no room left; return it."""
    path = disk / "rest"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return path


def test_the_end_of_a_job_on_a_full_disk(small_disk: Path) -> None:
    """Who waits learns it at once; it is written down when there is room again."""
    script = "echo one; read x; exit 3"
    job = spawn(script, shell=True, name="train", stdin=PIPE, detach=True)
    until_printed(job, "one")
    rest = fill(small_disk)
    job.send("go\n")

    assert str(job.wait(PATIENCE)) == "exit status 3"
    kept = Path(records.root(), str(job.id))
    assert {path.name for path in kept.iterdir()} <= {"job.json", "out", "err", "seen"}
    rest.unlink()
    eventually((kept / "end.json").exists)
    (record,) = jobs.detached()
    assert (record.status, record.state) == ("exited", "exit status 3")
    assert (kept / "out").read_text() == "one\n"


def test_a_start_on_a_full_disk(small_disk: Path) -> None:
    """It is refused, with the reason, and nothing runs or is left of it."""
    spawn("true", detach=True, name="first").wait(PATIENCE)
    fill(small_disk)
    before = os.listdir(records.root())
    with pytest.raises(OSError, match="space left on device"):
        spawn("sleep 1000", detach=True, name="second")

    assert os.listdir(records.root()) == before


def kill_agent(folder: Path) -> None:
    """Kill the only agent, and wait until it is gone."""
    (pid,) = agents(folder / "runtime")
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)


def change(path: Path, **values: object) -> None:
    """Change what is on record, as if it had been written at another time of day."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize("by", [2 * DAY, -2 * DAY])
def test_the_clock_is_set_while_a_job_runs(folder: Path, by: float) -> None:
    """Its time-out counts the time for which it runs, in the next agent, too."""
    job = spawn("sleep 1000", name="t", detach=True, timeout=DAY)
    # As if the clock had been set by so much since.
    change(state(folder) / str(job.id) / "job.json", started_at=job.started_at - by)
    kill_agent(folder)
    fresh = subprocess.run(
        [*ASK, str(job.id)], capture_output=True, text=True, timeout=PATIENCE
    )

    assert fresh.stdout == "running 1 False\n", fresh.stderr
    job.kill()
    with pytest.raises(JobLostError):
        job.wait(PATIENCE)
    (record,) = jobs.detached()
    assert record.end
    assert not record.end["timed_out"]
    assert 0 <= record.end["elapsed"] < PATIENCE


ASK = [
    sys.executable,
    "-c",
    "import sys\nfrom ipyproc import jobs\njob = jobs.attach(sys.argv[1])\n"
    "print(job.status.value, job.left(), job.elapsed < 0)",
]


def test_the_clock_is_set_back_after_the_end(folder: Path) -> None:
    """An end that lies in the future is kept as long as one that is seen today."""
    job = spawn("echo out", shell=True, detach=True)
    job.wait(PATIENCE)
    kept = state(folder) / str(job.id)
    eventually((kept / "end.json").exists)
    change(kept / "end.json", ended_at=time.time() + 400 * DAY)
    records.note_seen(str(kept))
    os.utime(kept / "seen", (time.time() + 400 * DAY,) * 2)
    records.sweep(records.root())

    (record,) = jobs.detached()
    assert record.since <= time.time()
    assert (kept / "seen").stat().st_mtime <= time.time()
    change(kept / "end.json", ended_at=time.time() - 2 * DAY)
    os.utime(kept / "seen", (time.time() - 2 * DAY,) * 2)
    records.sweep(records.root())
    assert jobs.detached() == []
