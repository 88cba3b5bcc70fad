"""What ``%procs`` and ``%procfind`` show."""

from __future__ import annotations

import re
from collections.abc import Sequence

import psutil
from IPython.core.error import UsageError

from ipyproc.errors import ProcessDoneError
from ipyproc.views.process import Found


def find(words: Sequence[str]) -> Found:
    """Find the process whose pid is the one word; ``UsageError`` if there is none."""
    if len(words) != 1:
        raise UsageError("write one pid: %procfind PID")
    (word,) = words
    if not re.fullmatch(r"-?\d+", word):
        raise UsageError(f"expected a pid, not {word!r}")
    pid = int(word)
    if pid >= 1 and psutil.pid_exists(pid):
        try:
            return Found(pid)
        except ProcessDoneError:
            pass
    raise UsageError(f"no process has the pid {pid}")
