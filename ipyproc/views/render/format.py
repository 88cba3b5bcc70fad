"""What there is to say about a job, in words: the same for page, HTML and text."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ipyproc._jobs.job import Job
from ipyproc._text import quote, signal_text
from ipyproc.state import ProcessState, WaitStatus

_COMMAND = 2000
_NAME = 200


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to know about how a process ended; a *detail* is shown on request."""

    label: str
    value: str
    detail: bool = False


def plain(text: str) -> str:
    r"""Return *text* if it is one line of printable characters, else quoted.

    >>> plain("a b"), plain("a\nb")
    ('a b', '"a\\nb"')
    """
    return text if text.isprintable() else quote(text)


def name(job: Job) -> str:
    """Return the name of a job, cut where it is very long."""
    return plain(job.name)[:_NAME]


def command(job: Job) -> str:
    """Return the command line as one would type it, cut where it is very long."""
    return line(job.argv)


def line(argv: Iterable[str]) -> str:
    """Return words as one would type them, cut where there is very much of them."""
    words = (shlex.quote(w) if w.isprintable() else quote(w) for w in argv)
    line = " ".join(words)
    return line if len(line) <= _COMMAND else line[: _COMMAND - 1] + "…"


def status(job: Job) -> str:
    """Return the text of the badge: ``running``, ``exit status 0``, ..."""
    return str(job.state) if job.state is not None else str(job.status)


def elapsed(job: Job) -> str:
    """Return how long the job has been running, or ran."""
    return seconds((job.ended_at or time.time()) - job.started_at)


def seconds(number: float) -> str:
    """Say how long something took.

    >>> [seconds(n) for n in (0.0042, 1.25, 61, 3723, 90061)]
    ['0.004 s', '1.25 s', '1:01', '1:02:03', '1 d 1:01:01']
    """
    if number < 60:
        return f"{number:.3f} s" if number < 1 else f"{number:.2f} s"
    minutes, second = divmod(int(number), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if not hours:
        return f"{minute}:{second:02}"
    return f"{days} d " * bool(days) + f"{hour}:{minute:02}:{second:02}"


def size(count: float) -> str:
    """Say how many bytes something has.

    >>> [size(n) for n in (0, 999, 1000, 12_345_678)]
    ['0 B', '999 B', '1.0 kB', '12.3 MB']
    """
    if count < 1000:
        return f"{count:.0f} B"
    unit = "kB"
    for larger in ("MB", "GB"):
        if count < 999_950:
            break
        count, unit = count / 1000, larger
    return f"{count / 1000:.1f} {unit}"


def signal_name(number: int) -> str:
    """Return a signal's name and number: ``SIGKILL (9)``."""
    try:
        return f"{signal.Signals(number).name} ({number})"
    except ValueError:
        return f"signal {number}"


def facts(state: ProcessState, real: float | None = None) -> list[Fact]:
    """Return what ``wait`` learnt; *real* is how long the process ran, if known."""
    usage = state.sys_usage
    found = [Fact("State", str(state)), *_ending(state.sys)]
    if real is not None:
        found.append(Fact("Real time", seconds(real)))
    found += [
        Fact("User time", seconds(usage.utime)),
        Fact("System time", seconds(usage.stime)),
        Fact("Max RSS", size(usage.maxrss)),
        Fact("Wait status", f"{int(state.sys):#06x}", detail=True),
    ]
    found += (Fact(label, value, detail=True) for label, value in _bits(state.sys))
    found += (
        Fact(label, f"{getattr(usage, name):,}", detail=True)
        for name, label in _COUNTS.items()
        if name in _ALWAYS or getattr(usage, name)
    )
    return found


# What Linux leaves at 0 is shown only if it is not.
_COUNTS = {
    "minflt": "Page faults without I/O",
    "majflt": "Page faults with I/O",
    "inblock": "Blocks read",
    "oublock": "Blocks written",
    "nvcsw": "Switches, voluntary",
    "nivcsw": "Switches, forced",
    "ixrss": "Shared memory",
    "idrss": "Data",
    "isrss": "Stack",
    "nswap": "Swaps",
    "msgsnd": "Messages sent",
    "msgrcv": "Messages received",
    "nsignals": "Signals",
}
_ALWAYS = ("minflt", "majflt", "inblock", "oublock", "nvcsw", "nivcsw")


def _ending(status: WaitStatus) -> list[Fact]:
    if status.signaled:
        core = "yes" if status.core_dump else "no"
        return [Fact("Signal", signal_name(status.signal)), Fact("Core dump", core)]
    if status.stopped:
        return [Fact("Stop signal", signal_name(status.stop_signal))]
    return [Fact("Exit code", str(status.exit_status))] if status.exited else []


def _bits(status: WaitStatus) -> list[tuple[str, str]]:
    """Take the status word apart, wait(2)'s macros in plain sight."""
    high, low = (status >> 8) & 0xFF, status & 0x7F
    if status.stopped:
        return [
            ("Bits 15-8", f"{high:08b} stopped by {signal_text(high)}"),
            ("Bits 7-0", f"{status & 0xFF:08b} stopped"),
        ]
    code = f"exit code {high}" if status.exited else "no exit code"
    ended = f"ended by {signal_text(low)}" if status.signaled else "no signal"
    core = "core dump" if status.core_dump else "no core dump"
    return [
        ("Bits 15-8", f"{high:08b} {code}"),
        ("Bit 7", f"{(status >> 7) & 1} {core}"),
        ("Bits 6-0", f"{low:07b} {ended}"),
    ]


def success(job: Job) -> bool | None:
    """Whether the job exited with code 0; None if that is not known, or not yet."""
    return None if job.state is None else job.state.success


def snapshot(job: Job) -> dict[str, Any]:
    """Return what a pane shows besides output, as JSON: never the environment."""
    ended = job.ended_at
    real = None if ended is None else ended - job.started_at
    return {
        "name": name(job),
        "command": command(job),
        "dir": plain(str(job.dir)) if job.dir else "",
        "pid": job.pid,
        "status": str(job.status),
        "text": status(job),
        "success": success(job),
        "timed_out": job.timed_out,
        "started": job.started_at,
        "ran": None if real is None else seconds(real),
        "stdin": job.stdin_open,
        "total": job.total if job.finished else None,
        "facts": _as_json(facts(job.state, real)) if job.state is not None else None,
    }


def _as_json(found: list[Fact]) -> list[tuple[str, str, bool]]:
    return [(fact.label, fact.value, fact.detail) for fact in found]
