"""The jobs layer needs the standard library only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ipyproc
from tests.jobs.helpers import PATIENCE, gone

pytestmark = pytest.mark.slow

ROOT = Path(ipyproc.__file__).parent.parent

# All that jobs can do, and all that serves them, in a Python without site-packages.
EVERYTHING = """
import os, signal, sys, time
sys.path.insert(0, ROOT)
from ipyproc import PIPE, jobs, spawn
from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.procinfo.lifecycle import Phase, observer
from ipyproc._jobs.procinfo.tree import refusal, tree_of

def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)

upper = spawn("tr a-z A-Z", stdin=PIPE)
upper.send("hello")
upper.close_stdin()
print(upper.wait(20), upper.stdout.text)

family = spawn(["sh", "-c", "setsid sleep 1000 & echo ready; wait"])
until(lambda: family.stdout.total)
until(lambda: len(tree_of({family.pid}).find()) == 2)
family.signal(signal.SIGSTOP, tree=True)
until(lambda: observer(family).look().phase is Phase.STOPPED)
family.signal(signal.SIGUSR2, tree=True)
usage = family.usage()
print(usage.pid == family.pid, usage.total_memory > 0)
family.kill(tree=True)
print(family.wait(20), observer(family.process).look().phase)

late = spawn("sleep 1000", timeout=0.1, grace=0.1)
print(late.wait(20), late.timed_out)
log = spawn("echo kept", detach=True, name="log", dir=os.getcwd())
print(log.wait(20), open(log.stdout.path).read().strip(), jobs.detached()[0].name)
print(refusal(os.getppid()) is not None)
until(lambda: guardian().ready)

known = {*sys.stdlib_module_names, "ipyproc", "__main__"}
print(sorted({name.partition(".")[0] for name in sys.modules} - known))
jobs.clear()
print(spawn(["sh", "-c", "setsid sleep 1000 & echo ready; wait"]).pid, flush=True)
"""


@pytest.mark.usefixtures("alone")
def test_jobs_without_site_packages(tmp_path: Path) -> None:
    """All that jobs do works in an isolated Python that has no other packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"ROOT = {str(ROOT)!r}\n{EVERYTHING}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=tmp_path,
    )

    assert done.stderr == ""
    *lines, last = done.stdout.splitlines()
    assert lines == [
        "exit status 0 HELLO",
        "True True",
        "signal: killed gone",
        "signal: terminated True",
        "exit status 0 kept log",
        "True",
        "[]",
    ]
    assert gone(int(last))
