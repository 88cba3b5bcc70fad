from __future__ import annotations

import atexit
import os
import select
import subprocess
import sys
from pathlib import Path
from types import FrameType

import pytest

from ipyproc._jobs.shutdown import Shutdown
from tests.jobs.helpers import PATIENCE, both_modes, gone, in_session, script

pytestmark = pytest.mark.slow

# Starts a job that prints when it is ready, and prints its pid; then the script ends.
START = """
import sys, threading
from ipyproc import jobs, spawn
def start(*argv, **options):
    job = spawn(list(argv), **options)
    ready = threading.Event()
    look = lambda job: "ready" in job.stdout.text and ready.set()
    job.subscribe(look)
    look(job)
    assert ready.wait(20)
    print(job.pid, flush=True)
    return job
"""


@both_modes
def test_jobs_end_with_the_interpreter(pidfd: bool) -> None:
    """When a script ends its jobs do, with what they started."""
    code = 'start("sh", "-c", "sleep 1000 & sleep 1000 & echo ready; wait")'

    assert gone(int(script(START + code, pidfd)))


@both_modes
def test_jobs_that_do_not_listen(pidfd: bool) -> None:
    """A job that ignores TERM is killed."""
    stubborn = "trap '' TERM; sleep 1000 & echo ready; wait; sleep 1000"
    code = f'start("sh", "-c", "{stubborn}")'

    assert gone(int(script(START + code, pidfd)))


def test_jobs_may_clean_up(tmp_path: Path) -> None:
    """TERM comes first, and there is time to do what it asks for."""
    code = (
        'start("sh", "-c", "trap \'echo clean > note; exit\' TERM; echo ready; '
        'while :; do sleep 0.01; done")'
    )
    script(START + code, cwd=tmp_path)

    assert (tmp_path / "note").read_text() == "clean\n"


def test_stopped_jobs_end() -> None:
    """A stopped job ends like any other."""
    code = 'start("sh", "-c", "echo ready; sleep 1000").signal(19)'

    assert gone(int(script(START + code)))


def test_heirs_of_ended_jobs_end() -> None:
    """What a job left behind ends, too, also if the job was forgotten."""
    code = """
job = start("sh", "-c", "sleep 1000 >/dev/null & echo ready; sleep 1000 2>&1 &")
job.wait(20)
jobs.clear()
"""
    assert gone(int(script(START + code)))


def test_heirs_in_sessions_of_their_own_end() -> None:
    """A process that left the session is found by its parent."""
    code = """
job = start("sh", "-c", "setsid sh -c 'echo $$; echo ready; sleep 1000'; sleep 1000")
print(job.stdout.lines()[0])
"""
    pid, other = script(START + code).split()

    assert gone(int(pid))
    assert gone(int(other))


@pytest.mark.usefixtures("alone")
def test_a_detached_job_lives_on(tmp_path: Path) -> None:
    """A detached job continues, and so does its output to its file."""
    go = tmp_path / "go"
    os.mkfifo(go)
    code = """
job = spawn(["sh", "-c", "read line < go; echo $line"], stdout="out", detach=True)
print(job.pid)
"""
    pid = int(script(START + code, cwd=tmp_path))

    assert in_session(pid) == {pid}
    go.write_text("on\n")  # it had not opened this before
    until_gone(pid)
    assert (tmp_path / "out").read_text() == "on\n"


def until_gone(pid: int) -> None:
    """Wait for the end of a process that is no child of ours."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([fd], [], [], PATIENCE)[0]
    finally:
        os.close(fd)


def test_many_jobs_end_together() -> None:
    """However many stubborn jobs there are, all of them end."""
    code = """
stubborn = "trap '' TERM; sleep 1000 & echo ready; wait; sleep 1000"
for _ in range(20):
    start("sh", "-c", stubborn)
"""
    assert gone(*map(int, script(START + code).split()))


def test_ctrl_c_at_the_end() -> None:
    """An interrupt at the end, while stubborn jobs are waited for, leaves none."""
    stubborn = "trap 'kill -INT $PPID' TERM; echo ready; while :; do sleep 1; done"
    code = f'start("sh", "-c", "{stubborn}")'

    assert gone(int(script(START + code)))


def test_a_script_that_fails() -> None:
    """A script that ends by an exception ends its jobs all the same."""
    code = START + 'start("sh", "-c", "echo ready; sleep 1000"); raise SystemExit(3)'
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=PATIENCE
    )

    assert (done.returncode, done.stderr) == (3, b"")
    assert gone(int(done.stdout))


def test_jobs_of_a_forked_child_are_its_own() -> None:
    """A fork ends what it started itself, and nothing of its parent's."""
    code = START + (
        """
import os, warnings
warnings.simplefilter("ignore")  # of a fork beside threads, and of what it drops
job = start("sh", "-c", "echo ready; sleep 1000")
if not (child := os.fork()):
    start("sh", "-c", "echo ready; sleep 1000")
    sys.exit()
os.waitpid(child, 0)
print(job.status, flush=True)
job.kill()
"""
    )
    first, second, status = script(code).split()

    assert status == "running"
    assert gone(int(first))
    assert gone(int(second))


def test_imports() -> None:
    """Jobs import no notebook, no widgets and no psutil."""
    code = """
import sys
from ipyproc import spawn
spawn("true").wait()
heavy = {"IPython", "ipywidgets", "anywidget", "traitlets", "psutil", "asyncio"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""
    assert script(code) == "[]\n"


def test_no_jobs_after_the_end() -> None:
    """Starting a job while the interpreter ends raises, and starts no process."""
    code = """
import atexit
from ipyproc import spawn
def late():
    try:
        spawn("sleep 1000")
    except RuntimeError as error:
        print(error)
atexit.register(late)
spawn("true").wait()
"""
    assert "interpreter is ending" in script(code)


class Ended:
    """A job that has ended."""

    ended_at = 1.0


def test_no_code_runs_when_a_job_goes() -> None:
    """An interrupt in a callback would be lost: what goes is only noted."""
    shutdown, job = Shutdown(), Ended()
    shutdown.register(job, detached=False)  # type: ignore[arg-type]
    seen: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            seen.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        del job
    finally:
        sys.setprofile(None)
    assert seen == []

    for _ in range(100):
        shutdown.register(Ended(), detached=False)  # type: ignore[arg-type]
    assert len(shutdown._jobs) == 1
    atexit.unregister(shutdown.run)
