"""A session that is killed at a random moment around the start of its first jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from tests.sandbox import sandbox

# Starts jobs as fast as it can, the first ones cold, and says when it begins. Sometimes
# the guardian has left before: then the event loop is busy as well.
SESSION = """
import sys, time
from ipyproc import spawn
from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.io.event_loop import event_loop
if sys.argv[1] == "busy":
    spawn("true").wait(20)
    guardian().retire()
    while guardian().ready: time.sleep(0.001)
    event_loop().call_soon(lambda: time.sleep(2))
print("begins", flush=True)
while True:
    spawn(["sleep", "1000"])
"""
#: The longest time from the beginning to the kill, in seconds.
LONGEST = 0.06
# How long what is left may take to end.
PATIENCE = 60.0


def kill_at_random_moments(times: int, folder: Path, chance: Random) -> None:
    """Do it some *times*; StrayError if anything of one of the sessions lives on."""
    for number in range(times):
        with sandbox(folder, PATIENCE) as environment:
            how = "busy" if number % 3 == 0 else "cold"
            session = subprocess.Popen(
                [sys.executable, "-c", SESSION, how],
                stdout=subprocess.PIPE,
                env=environment,
            )
            assert session.stdout
            with session, session.stdout:
                session.stdout.readline()
                time.sleep(chance.uniform(0, LONGEST))
                os.kill(session.pid, signal.SIGKILL)
