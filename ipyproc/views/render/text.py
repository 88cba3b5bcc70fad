"""States and jobs as plain text, for terminals and wherever nothing else is shown."""

from __future__ import annotations

from typing import Final

from ipyproc._jobs.job import Job
from ipyproc.state import ProcessState
from ipyproc.views.render import format
from ipyproc.views.transport.output_feed import recent

#: So many bytes of a saved notebook may a job's text take.
LARGEST: Final = 9_000
_LINES = 20
# Of the last line so many characters are shown in any case.
_CUT = 400


def state(state: ProcessState) -> str:
    """Return Go's text: ``exit status 0``."""
    return str(state)


def spawned(job: Job) -> str:
    """Return the line that says that a job was started."""
    return f"spawned {format.name(job)} (pid {job.pid}): {format.command(job)}"


def job(job: Job) -> str:
    """Return the command, the last lines of the output, and the state of a job.

    At most `LARGEST` bytes, or 2 kB more than a very long command.
    """
    head = f"{format.name(job)} (pid {job.pid}): {format.command(job)}"
    foot = f"{format.status(job)} after {format.elapsed(job)}"
    last = recent(job, _LINES)
    lines = ["".join(text for text, _ in line) for line in last.lines]
    shown = _fitting(lines, LARGEST - len(head.encode()))
    if missing := last.missing(len(lines) - len(shown)):
        shown = [f"[{missing}]", *shown]
    return "\n".join([head, *shown, foot if job.ended_at else format.status(job)])


def _fitting(lines: list[str], room: int) -> list[str]:
    """Return the last lines for which there is room; the last one may be cut."""
    shown: list[str] = []
    for line in reversed(lines):
        short = line if shown or len(line) <= _CUT else f"{line[:_CUT]} …"
        room -= len(short.encode()) + 2
        if room < 0 and shown:
            break
        shown.insert(0, short)
    return shown
