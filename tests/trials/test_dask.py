"""Many jobs of a Dask cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.hosts.helpers import agents, gone_agents
from tests.readme import ROOT
from tests.trials import TRIALS

# What each job of a client may take of its memory, in MiB: its output, and itself.
_MOST = 0.5


def test_each_of_many_jobs_runs_once(tmp_path: Path) -> None:
    """As many jobs as there are trials are queued at once, and none runs twice."""
    folder = tmp_path / "agent"
    folder.mkdir(mode=0o700)
    env = {**os.environ, "IPYPROC_RUNTIME_DIR": str(folder)}
    words = [sys.executable, "-m", "tests.trials.dask_jobs", str(TRIALS)]
    seen = json.loads(subprocess.check_output(words, cwd=ROOT, env=env))
    print(seen)
    for pid in agents(folder):
        os.kill(pid, signal.SIGTERM)

    assert (seen["ended"], seen["started"]) == (TRIALS, TRIALS)
    assert seen["most starts of one"] == 1
    assert seen["MiB more in the client"] < 50 + _MOST * TRIALS
    assert gone_agents(folder)
