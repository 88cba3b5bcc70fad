"""What the table of jobs says about each, as facts for the page, HTML and text."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

from ipyproc._jobs.job import Job
from ipyproc.views.render import format
from ipyproc.views.terminal.screen import Screen
from ipyproc.views.transport.row_changes import Fields

# The last line is looked for in so many bytes, and shown up to so many characters.
_LOOK_BACK = 1024
_LAST_LINE = 200
_COMMAND = 300
# The lines that a progress bar may go up.
_LINES = 12
_LINE_START = re.compile(rb"[\r\n](?!$)")
_ESCAPE = re.compile(rb"(?=\x1b)")


def shown(jobs: Iterable[Job], most: int | None) -> tuple[list[Job], int]:
    """Choose all jobs that run and the last of those that ended, *most* in all.

    In the order in which they were started; the number is that of the others.
    """
    every = list(jobs)
    if most is None or len(every) <= most:
        return every, 0
    ended = [job for job in every if job.ended_at is not None]
    hidden = set(ended[: len(every) - most])
    return [job for job in every if job not in hidden], len(hidden)


def row(job: Job) -> Fields:
    """Return what is known of a job without measuring anything; no last line yet."""
    ended = job.ended_at
    return {
        "name": format.name(job),
        "command": format.command(job)[:_COMMAND],
        "pid": job.pid,
        "status": str(job.status),
        "text": format.status(job),
        "success": format.success(job),
        "started": job.started_at,
        "ended": ended,
        "ran": None if ended is None else format.seconds(ended - job.started_at),
        "cpu": None,
        "memory": None,
        "last": "",
    }


def usage(job: Job) -> Fields:
    """Measure what a job and all that it started use, as far as a reader cares."""
    found = job.usage()
    if found is None:
        return {"cpu": None, "memory": None}
    return {
        "cpu": round(found.total_cpu_percent, 1),
        "memory": round(found.total_memory, -5),
    }


def last_line(job: Job) -> str:
    """Return the last line of the output, as a terminal would show it, without looks.

    Of a very long one, the end of it.
    """
    start = max(0, job.total - _LOOK_BACK)
    screen = Screen(_LINES)
    begun = start == 0
    for chunk in job.read(start, _LOOK_BACK):
        data = chunk.data
        if not begun:
            # What is before may be the rest of an escape sequence.
            half = data[: _LOOK_BACK // 2]
            line = _LINE_START.search(data) or _ESCAPE.search(half)
            begun, data = True, data[line.end() if line else 0 :]
        screen.feed(chunk.stream, data)
    screen.finish()
    lines = ("".join(text for text, _ in line).strip() for line in screen.runs())
    return next((line for line in reversed(list(lines)) if line), "")[-_LAST_LINE:]


def elapsed(row: Fields) -> str:
    """Return how long a job has been running, or ran."""
    return str(row["ran"] or format.seconds(time.time() - row["started"]))
