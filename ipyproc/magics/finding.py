"""What ``%procfind`` shows of a process that is no job of ours."""

from __future__ import annotations

import html
import re
import shlex
import time
from collections.abc import Sequence

import psutil
from IPython.core.error import UsageError

from ipyproc.process import Process, find_process

_FACTS = ["cmdline", "name", "status", "ppid", "username", "create_time"]


def find(words: Sequence[str]) -> Process:
    """Find the process whose pid is the one word; ``UsageError`` if there is none."""
    if len(words) != 1:
        raise UsageError("write one pid: %procfind PID")
    (word,) = words
    if not re.fullmatch(r"-?\d+", word):
        raise UsageError(f"expected a pid, not {word!r}")
    pid = int(word)
    if pid < 1 or not psutil.pid_exists(pid):
        raise UsageError(f"no process has the pid {pid}")
    return find_process(pid)


def picture(pid: int) -> dict[str, str]:
    """Draw what there is to say about a process, as text and as HTML."""
    facts = _facts(pid)
    lines = (f"{label:<8} {value}" for label, value in facts)
    rows = (
        f"<tr><th>{label}</th><td>{html.escape(value)}</td></tr>"
        for label, value in facts
    )
    table = f'<table class="ipyproc-process"><tbody>{"".join(rows)}</tbody></table>'
    return {"text/plain": "\n".join(lines), "text/html": table}


def _facts(pid: int) -> list[tuple[str, str]]:
    try:
        known = psutil.Process(pid).as_dict(_FACTS, ad_value=None)
    except psutil.NoSuchProcess:
        return [("PID", str(pid)), ("Status", "ended")]
    started = time.strftime("%F %T", time.localtime(known["create_time"]))
    # A process of the kernel has no words, but a name.
    words = known["cmdline"] or [f"[{known['name']}]"]
    return [
        ("PID", str(pid)),
        ("Command", shlex.join(words)),
        ("Status", str(known["status"])),
        ("Parent", str(known["ppid"])),
        ("User", str(known["username"])),
        ("Started", started),
    ]
