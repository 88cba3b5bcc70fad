"""Jobs that fork as fast as they can while they are killed."""

from __future__ import annotations

from ipyproc import jobs, spawn
from ipyproc._jobs.procinfo.tree import tree_of
from tests.jobs.helpers import PATIENCE, gone, python, until, until_printed
from tests.jobs.test_tree import HOP
from tests.trials import TRIALS

STORM = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
end = time.monotonic() + 60
for number in range(12):
    if not os.fork():
        if number % 3 == 0:
            os.setsid()
        print("ready")
        while time.monotonic() < end:
            if not os.fork():
                time.sleep(0.01)
                os._exit(0)
            time.sleep(0.005)
        os._exit(0)
time.sleep(1000)
"""


def test_kill_in_a_storm_of_forks() -> None:
    """However many fork at once, some in sessions of their own, none is left."""
    for _ in range(TRIALS // 10):
        end_storm()


def test_kill_what_forks_and_ends_all_the_time() -> None:
    """Whatever it does when the stop comes, it is killed, and none stays stopped."""
    for _ in range(TRIALS):
        job = spawn(python(HOP))
        until_printed(job, "ready")
        job.wait(PATIENCE)
        job.kill(tree=True)
        until(job, lambda job: job.finished)
        assert gone(job.pid)
        jobs.clear()


def end_storm() -> None:
    """Start a storm and end it."""
    job = spawn(python(STORM))
    until(job, lambda job: job.stdout.text.count("ready") == 12)
    # Those that lead sessions of their own.
    all_of_them = tree_of({job.pid}).find()
    heirs = [m.pid for m in all_of_them if m.session == m.pid != job.pid]
    assert len(heirs) == 4
    job.kill(tree=True)

    assert str(job.wait(PATIENCE)) == "signal: killed"
    until(job, lambda job: job.finished)  # so no process holds the pipes
    assert gone(job.pid, *heirs)
    jobs.clear()
