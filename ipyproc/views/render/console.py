"""Jobs as plain text, and what a terminal shows while a cell waits for them."""

from __future__ import annotations

import codecs
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import IO, Final, Protocol

from ipyproc._jobs.job import Job
from ipyproc._jobs.output.interleaved import Chunk
from ipyproc._jobs.output.line import width
from ipyproc.views.render import format
from ipyproc.views.render.fit import fitted
from ipyproc.views.render.recent import Recent, recent
from ipyproc.views.transport.output_feed import TAIL
from ipyproc.views.transport.protocol import JobFields

#: The most bytes of a saved notebook that a job's text takes.
LARGEST: Final = 9_000
#: The most bytes that a table of 200 jobs takes.
LARGEST_TABLE: Final = 23_000
_LINES = 20
# The characters of the last line that are shown in any case.
_CUT = 400

# The bytes that are written before the time and Ctrl-C are checked again.
_SIZE = 1 << 16
_EVERY = 0.5


def spawned(job: Job) -> str:
    """Return the line that says that a job was started."""
    return f"spawned {_called(job)}: {format.command(job)}"


def job(
    job: Job,
    last: Recent | None = None,
    *,
    taken: float | None = None,
    note: str = "",
) -> str:
    """Return the command, the last lines of the output, and the state of a job.

    *last* are these lines, if they are known. What may still change has the time at
    which it was *taken*; *note* follows the status. At most `LARGEST` bytes, or 2 kB
    more than a very long command.
    """
    head = f"{_called(job)}: {format.command(job)}"
    foot = f"{format.status(job)}{note}"
    if job.ended_at:
        foot += f" after {format.elapsed(job)}"
    if taken is not None:
        foot += f" ({format.as_of(taken)})"
    last = last or recent(job, _LINES)
    lines = ["".join(text for text, _ in line) for line in last.lines[-_LINES:]]
    shown = _fitting(lines, LARGEST - len(head.encode()))
    if missing := last.missing(len(last.lines) - len(shown)):
        shown = [f"[{missing}]", *shown]
    return "\n".join([head, *shown, foot])


def jobs(rows: Iterable[JobFields], more: int = 0, taken: float | None = None) -> str:
    """Return the table of jobs, aligned, as it was when it was *taken*.

    *more* of them are only counted. Of 200 jobs it is at most `LARGEST_TABLE`.
    """
    return fitted(rows, partial(_jobs, more=more, taken=taken), LARGEST_TABLE)


def _jobs(rows: Iterable[JobFields], more: int, taken: float | None) -> str:
    cells = [_cells(row) for row in rows]
    if not cells:
        return format.NO_JOBS
    lines = [[name.upper() for name in format.COLUMNS], *cells]
    notes = [format.more_jobs(more)]
    notes += [format.as_of(taken)] if taken is not None else []
    return "\n".join([*aligned(lines), *filter(None, notes)])


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines whose columns are aligned.

    >>> aligned([["a", "b"], ["long", "c"]])
    ['a     b', 'long  c']
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]


class Monitor(Protocol):
    """Shows what happens to jobs while a cell waits for them."""

    def poll(self) -> float | None:
        """Show what is new; return the seconds to the next poll, None: when told."""

    def finish(self) -> None:
        """Show the rest, once the wait is over."""

    def close(self) -> None:
        """Restore the terminal; called last, whatever happened."""


class _Silent:
    """Shows nothing."""

    def poll(self) -> float | None:
        """Ask for no further poll."""
        return None

    def finish(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


SILENT: Final = _Silent()


class Output(_Silent):
    """Writes a job's output to ours as it comes, byte for byte, colours and all.

    Standard output goes to ``sys.stdout``, standard error to ``sys.stderr``, in the
    order in which it arrived.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._offset = 0
        self._writers: dict[str, Callable[[bytes], None]] = {}
        # On a terminal both streams move one cursor.
        self._shared = sys.stdout.isatty() and sys.stderr.isatty()
        self._unfinished: set[str] = set()

    def poll(self) -> float | None:
        """Write a part of what is new; poll again at once if there is more."""
        for chunk in self._job.as_utf8.read(self._offset, _SIZE):
            self._write(chunk)
        return 0.0 if self._offset < self._job.as_utf8.total else None

    def finish(self) -> None:
        """Write the rest; output that descendants print later is not awaited."""
        total = self._job.as_utf8.total
        while self._offset < total:
            self.poll()

    def close(self) -> None:
        """End unfinished lines, so that what follows starts on a new one."""
        for stream in self._unfinished:
            self._writers[stream](b"\n")

    def _write(self, chunk: Chunk) -> None:
        if chunk.stream not in self._writers:
            self._writers[chunk.stream] = _writer(getattr(sys, chunk.stream))
        write = self._writers[chunk.stream]
        if chunk.offset > self._offset:
            lost = format.size(chunk.offset - self._offset)
            write(f"\n[{lost} of output not shown]\n".encode())
        write(chunk.data)
        self._offset = chunk.offset + len(chunk.data)
        if self._shared:
            self._unfinished.clear()
        ended = chunk.data.endswith(b"\n")
        (self._unfinished.discard if ended else self._unfinished.add)(chunk.stream)


class Status(_Silent):
    """One line that says what the jobs do, rewritten in place; only on a terminal."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._written = 0

    def poll(self) -> float | None:
        """Write the line as it is now; poll again from time to time."""
        columns = shutil.get_terminal_size().columns - 1
        self._rewrite(cut(line(self._jobs), columns))
        return _EVERY

    def close(self) -> None:
        """Remove the line."""
        self._rewrite("")
        self._rewrite("")

    def _rewrite(self, text: str) -> None:
        columns, before = sum(map(width, text)), self._written
        # Set first: an interrupt may come as soon as the line is written.
        self._written = max(columns, before)
        # Blanks over a longer line: not every terminal can erase.
        sys.stdout.write("\r" + text + " " * (before - columns))
        sys.stdout.flush()
        self._written = columns


def status(jobs: Sequence[Job]) -> Monitor:
    """Return what shows the state of *jobs* in a line, if stdout is a terminal."""
    return Status(jobs) if sys.stdout.isatty() else SILENT


def line(jobs: Sequence[Job]) -> str:
    """Return the state of *jobs* in a line: one in detail, of several the running."""
    if len(jobs) == 1:
        return _one(jobs[0])
    running = [job for job in jobs if job.ended_at is None]
    names = (f"{format.label(job)} {format.elapsed(job)}" for job in running)
    return f"{len(running)} of {len(jobs)} run: {', '.join(names)}"


def cut(text: str, columns: int) -> str:
    """Cut *text* so that it takes at most so many *columns*.

    >>> cut("a long line", 8), cut("世界", 3), cut("fits", 4)
    ('a long …', '世…', 'fits')
    """
    taken = 0
    for number, char in enumerate(text):
        taken += width(char)
        if taken > columns or (taken == columns and text[number + 1 :]):
            return text[:number] + "…" * (columns > 0)
    return text


def _called(job: Job) -> str:
    return f"{format.label(job)} ({format.process(job)})"


def _cells(row: JobFields) -> list[str]:
    pid, time = format.place(row["pid"], row["host"]), format.row_time(row)
    return [row["label"], pid, row["text"], time, row["command"]]


def _fitting(lines: list[str], room: int) -> list[str]:
    """Return the last lines that fit into *room* bytes; the last one may be cut."""
    shown: list[str] = []
    for line in reversed(lines):
        short = line if shown or len(line) <= _CUT else format.ends(line, _CUT)
        room -= len(short.encode()) + 2
        if room < 0 and shown:
            break
        shown.insert(0, short)
    return shown


def _one(job: Job) -> str:
    parts = [f"{_called(job)}: {format.status(job)}"]
    parts.append(format.elapsed(job))
    if usage := job.last_usage():
        parts.append(f"CPU {usage.total_cpu_percent:.0f} %")
        parts.append(format.size(usage.total_memory))
    text = ", ".join(parts)
    last = recent(job, 1, TAIL).lines
    return f"{text} | {''.join(run for run, _ in last[-1])}" if last else text


def _writer(stream: IO[str]) -> Callable[[bytes], None]:
    """Return a function that writes bytes to *stream*, unchanged if it takes bytes."""
    # A stream that captures the output of a cell has no buffer of bytes.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    below = getattr(stream, "buffer", None)

    def write(data: bytes) -> None:
        if below is None:
            stream.write(decoder.decode(data))
        else:
            stream.flush()
            below.write(data)
        stream.flush()

    return write
