"""Facts about jobs and states in words: the same for page, HTML and text."""

from __future__ import annotations

import json
import shlex
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ipyproc._jobs.job import Job
from ipyproc._jobs.output.plain import Plain
from ipyproc._jobs.procinfo.course import Peak, memory_mark
from ipyproc._jobs.request import HERE
from ipyproc._jobs.shutdown import shutdown
from ipyproc._text import quote
from ipyproc.state import ProcessState, WaitStatus
from ipyproc.views.render import bits
from ipyproc.views.render.bars import bars
from ipyproc.views.render.bits import signal_name
from ipyproc.views.transport.protocol import Fact as JsonFact
from ipyproc.views.transport.protocol import JobFields, JobState

_COMMAND = 2000
_NAME = 200
# More than so many older jobs of one name are not shown with the newest.
_ELDERS = 5
_NOTHING: Final = Peak(0, 0.0, 0)
# A course has at least so many points.
_FEW: Final = 4
# A reason is looked for in so many bytes at the end of the output.
_LAST: Final = 8 * 1024
_REASON: Final = 300
# Signals by which a job is ended from outside.
_SENT: Final = {signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM}
_TRACEBACK: Final = b"Traceback (most recent call last)"


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact about how a process ended; a *detail* is shown on request."""

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


def label(job: Job) -> str:
    """Return the label of a job, with its name cut where that is very long."""
    return name(job) + job.label.removeprefix(job.name)


def command(job: Job) -> str:
    """Return the command as it was typed, cut where it is very long.

    Of a command with several lines it is the first.
    """
    if not job.shown:
        return line(job.argv)
    first, *others = job.shown.strip().splitlines() or [""]
    return _cut(plain(first.expandtabs(1)) + " …" * bool(others))


def line(argv: Iterable[str]) -> str:
    """Return words as one would type them, cut where they are very long."""
    words = (shlex.quote(w) if w.isprintable() else quote(w) for w in argv)
    return _cut(" ".join(words))


def ends(text: str, most: int) -> str:
    """Return both ends of *text*, of *most* characters together.

    >>> ends("abcdefgh", 4)
    'ab … gh'
    """
    return f"{text[: most // 2]} … {text[-most // 2 :]}"


def _cut(line: str) -> str:
    return line if len(line) <= _COMMAND else line[: _COMMAND - 1] + "…"


def status(job: Job) -> str:
    """Return the text of the badge: ``running``, ``exit status 0``, ..."""
    if job.state is not None:
        return str(job.state)
    if job.ended_at is not None and job.error is not None:
        what = job.status if job.pid is not None else "not started"
        why = getattr(job.error, "reason", job.error)
        return f"{what}: {_cut(plain(str(why)))}"
    silence = job.silence
    contact = f", no contact for {silence:.0f} s" if silence else ""
    return f"{job.status}{contact}"


def saved_size(text: str) -> int:
    """Return how many bytes *text* takes in a saved notebook."""
    return len(json.dumps(text, ensure_ascii=False).encode())


def still_open(job: Job) -> str:
    """Return a note on who can still print for a job whose process ended."""
    try:
        count = job.left() + job.daemons()
    except OSError:
        count = 0
    who = f"{count:,} process{'es hold' if count > 1 else ' holds'} it"
    return f", output still open ({who})" if count else ", output still open"


def as_of(moment: float) -> str:
    """Return a note on the time at which something was so."""
    return time.strftime("as of %F %T", time.localtime(moment))


def elapsed(job: Job) -> str:
    """Return how long the job has been running, or ran."""
    return seconds((job.ended_at or time.time()) - job.started_at)


def seconds(number: float) -> str:
    """Return a duration as text.

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
    """Return a number of bytes as text.

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


def facts(state: ProcessState) -> list[Fact]:
    """Return the facts of a state, of which nobody knows how it came about."""
    usage = state.sys_usage
    rss = usage.maxrss if usage.maxrss > memory_mark() else None
    return _facts(state, [*_times(usage.utime, usage.stime), *_memory(rss)])


def outcome(job: Job) -> list[Fact]:
    """Return the facts of how a job ended, and of what it used; none before."""
    state, ended_at = job.state, job.ended_at
    if state is None or ended_at is None:
        return []
    real = Fact("Real time", seconds(ended_at - job.started_at))
    used = [*_times(*job.course.times), *_memory(job.course.max_rss, job.peak)]
    used += course(job)
    return [*_facts(state, [real, *used]), *_of_the_first(state, job.course.times)]


def _facts(state: ProcessState, used: list[Fact]) -> list[Fact]:
    found = [Fact("State", str(state)), *_ending(state.sys), *used]
    found.append(Fact("Wait status", f"{int(state.sys):#06x}", detail=True))
    found += (Fact(label, value, detail=True) for label, value in bits.facts(state.sys))
    found += (
        Fact(label, f"{getattr(state.sys_usage, name):,}", detail=True)
        for name, label in _COUNTS.items()
        if name in _ALWAYS or getattr(state.sys_usage, name)
    )
    return found


def _times(user: float, system: float) -> list[Fact]:
    return [Fact("User time", seconds(user)), Fact("System time", seconds(system))]


def _memory(max_rss: int | None, peak: Peak = _NOTHING) -> list[Fact]:
    """Return what is known of the memory: the kernel's figure, or what was seen.

    What was seen of several processes together can be more than the kernel's figure,
    which is of one.
    """
    found = [] if max_rss is None else [Fact("Max RSS", size(max_rss))]
    if peak.memory > (max_rss or 0):
        found.append(Fact("Peak memory", size(peak.memory)))
    if peak.processes > 1:
        found.append(Fact("Most processes", f"{peak.processes:,}"))
    return found


def course(job: Job) -> list[Fact]:
    """Draw what a job used since its start, with the axes; a short one has no course.

    They begin at 0, and reach to the time and the figure that stand behind.
    """
    points = job.history
    if len(points) < _FEW:
        return []
    memory = [(point.elapsed, float(point.memory)) for point in points]
    share = [
        (b.elapsed, 100 * (b.cpu_time - a.cpu_time) / max(b.elapsed - a.elapsed, 0.01))
        for a, b in pairwise(points)
    ]
    end = seconds(points[-1].elapsed)
    cpu, top = (max(value for _, value in course) for course in (share, memory))
    return [
        Fact("CPU over time", f"{bars(share)} {end}, up to {cpu:.0f} %"),
        Fact("Memory over time", f"{bars(memory)} {end}, up to {size(top)}"),
    ]


def _of_the_first(state: ProcessState, times: tuple[float, float]) -> list[Fact]:
    """Return the times of a job's own process, where they are not all of them."""
    own = state.user_time, state.system_time
    if own == times:
        return []
    return [
        Fact(f"{fact.label} of pid {state.pid}", fact.value, detail=True)
        for fact in _times(*own)
    ]


# Those that Linux leaves at 0 are shown only if they are not 0.
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
        return [
            Fact("Signal", signal_name(status.signal)),
            Fact("Core dump", core),
        ]
    if status.stopped:
        return [Fact("Stop signal", signal_name(status.stop_signal))]
    return [Fact("Exit code", str(status.exit_status))] if status.exited else []


#: What the table of jobs says where there are none.
NO_JOBS: Final = "no jobs"
#: The columns of the table of jobs that text and HTML share.
COLUMNS: Final = ("Name", "PID", "Status", "Time", "Command")


def row_time(row: JobFields) -> str:
    """Return how long the job of a row has been running, or ran."""
    return row["ran"] or seconds(time.time() - row["started"])


def more_jobs(count: int) -> str:
    """Return a note on the jobs that a table leaves out; empty if it has all.

    >>> more_jobs(1), more_jobs(0)
    ('1 more job that ended: %procs --all', '')
    """
    jobs = "job" if count == 1 else "jobs"
    return f"{count:,} more {jobs} that ended: %procs --all" if count else ""


def host(job: Job) -> str:
    """Return the name of the host that the job runs on."""
    return plain(job.host.name)


def place(pid: int | None, host: str) -> str:
    """Return a pid, and on which host if that is not this machine.

    >>> place(12, "localhost"), place(12, "c1"), place(None, "cluster")
    ('12', 'c1:12', 'cluster')
    """
    if host == HERE.name:
        return str(pid or "")
    return host if pid is None else f"{host}:{pid}"


def process(job: Job) -> str:
    """Return what a text calls the process of a job: its pid, or where it waits."""
    there = place(job.pid, host(job))
    if job.pid is not None:
        return f"pid {there}"
    return f"on {there}" if there else "no process"


def detached(job: Job) -> bool:
    """Whether the job does not end with the kernel."""
    return shutdown.is_detached(job)


def success(job: Job) -> bool | None:
    """Whether the job exited with code 0; None if that is not known, or not yet."""
    return None if job.state is None else job.state.success


def reason(job: Job) -> str:
    """Return why a job failed, as far as its output says so, in one line.

    That is the last line of ``stderr``; where both streams are one, of a traceback.
    What somebody ended has no such reason: servers write there what goes well, too.
    """
    if job.state is None or job.state.success or job.state.sys.signal in _SENT:
        return ""
    total = job.as_utf8.total
    chunks = job.as_utf8.read(max(0, total - _LAST), _LAST)
    errors = b"".join(chunk.data for chunk in chunks if chunk.stream == "stderr")
    if not errors:
        errors = b"".join(chunk.data for chunk in chunks)
        errors = errors[errors.rfind(_TRACEBACK) :] if _TRACEBACK in errors else b""
    shown = Plain()
    shown.feed(errors, final=True)
    lines = (shown.take() + shown.rest()).splitlines()
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return plain(last.expandtabs(1))[:_REASON]


def snapshot(job: Job) -> JobState:
    """Return all that a pane shows but output, as JSON: never the environment."""
    ended = job.ended_at
    real = None if ended is None else ended - job.started_at
    return {
        "name": name(job),
        "number": job.number,
        "label": label(job),
        "host": host(job),
        "elders": [(e.number, label(e), e.pid) for e in job.elders[-_ELDERS:]],
        "command": command(job),
        "dir": plain(str(job.dir)) if job.dir else "",
        "pid": job.pid,
        "status": str(job.status),
        "text": status(job),
        "success": success(job),
        "reason": reason(job),
        "timed_out": job.timed_out,
        "started": job.started_at,
        "ran": None if real is None else seconds(real),
        "stdin": job.stdin_open,
        "total": job.as_utf8.total if job.finished else None,
        "facts": _as_json(outcome(job)) if job.state is not None else None,
        "terminal": None,  # as the pane decides
        "masked": False,
        "elsewhere": job.stdin_open and not job.has_keyboard,
    }


def _as_json(found: list[Fact]) -> list[JsonFact]:
    return [(fact.label, fact.value, fact.detail) for fact in found]
