"""How many system calls starting takes: ``python -m tests.benchmarks calls``.

Counted by strace(1), if it is installed: those of all our threads, without the child's.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.measuring import ROOT
from tests.benchmarks.table import Row

TIMES = 40
#: What is counted, how it is made ready, its peer, and how many calls it may make.
COUNTED = {
    "start_process(...).wait()": (
        "from ipyproc import start_process",
        'start_process("/bin/true", ["true"]).wait()',
        'subprocess.Popen("/bin/true").wait()',
        12,
    ),
    "run() of /bin/true": (
        "from ipyproc import command",
        'command("/bin/true").run()',
        'subprocess.run("/bin/true")',
        18,
    ),
    "output() of /bin/echo": (
        "from ipyproc import command",
        'command("/bin/echo").output()',
        'subprocess.run("/bin/echo", capture_output=True)',
        30,
    ),
}
#: A call that nothing else makes, before and after what is counted.
_MARK = "sched_getparam("
_CODE = """
import os, subprocess
{ready}
def once():
    {what}
once(), once()
os.sched_getparam(0)
for _ in range({times}):
    once()
os.sched_getparam(0)
"""
_CLONE = re.compile(r"(\d+) +(?:clone3?|<\.\.\. clone3? resumed>).* = (\d+)$")


def rows() -> Iterator[Row]:
    """Count all of it."""
    if shutil.which("strace") is None:
        print("system calls: left out, no strace", file=sys.stderr)
        return
    for what, (ready, ours, peer, most) in COUNTED.items():
        yield Row(f"system calls: {what}", _counted(ready, ours), "", at_most=most)
        yield Row(f"system calls: {peer}", _counted("", peer), "")


def _counted(ready: str, what: str) -> float:
    """Return the system calls of one time."""
    code = _CODE.format(ready=ready, what=what, times=TIMES)
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace")
        strace = ["strace", "-f", "-qq", "-o", str(trace)]
        subprocess.run([*strace, sys.executable, "-c", code], cwd=ROOT, check=True)
        return _calls(trace.read_text(errors="replace").splitlines()) / TIMES


def _calls(lines: list[str]) -> int:
    first, last = (at for at, line in enumerate(lines) if _MARK in line)
    ours = _threads(lines, lines[first].split()[0])
    made = [line.split(None, 1) for line in lines[first + 1 : last]]
    begun = [call for thread, call in made if thread in ours]
    return sum(call[0].isalpha() for call in begun)  # no end of a call, no signal


def _threads(lines: list[str], main: str) -> set[str]:
    """Return our threads, which is what shares our descriptors."""
    ours, asked = {main}, {}
    for line in lines:
        thread = line.split(None, 1)[0]
        if "flags=" in line:
            asked[thread] = "CLONE_THREAD" in line
        if (made := _CLONE.match(line)) and thread in ours and asked.get(thread):
            ours.add(made[2])
    return ours
