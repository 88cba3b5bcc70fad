"""What a terminal shows while one waits there: the output as it comes, or a line."""

from __future__ import annotations

import codecs
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import IO, Final, Protocol

from ipyproc._jobs.job import Job
from ipyproc._jobs.output.interleaved import Chunk
from ipyproc.views.render import format
from ipyproc.views.terminal.line import width
from ipyproc.views.transport.output_feed import recent

# How much is written between two looks at the clock, and at Ctrl-C.
_SIZE = 1 << 16
_EVERY = 0.5


class Onlooker(Protocol):
    """Shows what happens to jobs while somebody waits for them."""

    def look(self) -> float | None:
        """Show what is new; say in how many seconds to look again, unless told."""

    def end(self) -> None:
        """Show what was new at the end."""

    def leave(self) -> None:
        """Leave the terminal as it was found; called last, whatever happened."""


class _Nobody:
    """Shows nothing."""

    def look(self) -> float | None:
        """Look never again."""
        return None

    def end(self) -> None:
        """Do nothing."""

    def leave(self) -> None:
        """Do nothing."""


NOBODY: Final = _Nobody()


class Output(_Nobody):
    """Writes a job's output to ours as it comes, byte for byte, colours and all.

    Standard output goes to ``sys.stdout``, standard error to ``sys.stderr``, in the
    order in which it arrived.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._offset = 0
        self._writers: dict[str, Callable[[bytes], None]] = {}
        self._unfinished: set[str] = set()

    def look(self) -> float | None:
        """Write some of what is new; at once again, if there is more."""
        for chunk in self._job.read(self._offset, _SIZE):
            self._write(chunk)
        return 0.0 if self._offset < self._job.total else None

    def end(self) -> None:
        """Write what there is; what the job's heirs print later is not awaited."""
        total = self._job.total
        while self._offset < total:
            self.look()

    def leave(self) -> None:
        """End the last lines, for what comes next shall begin on one of its own."""
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
        ended = chunk.data.endswith(b"\n")
        (self._unfinished.discard if ended else self._unfinished.add)(chunk.stream)


class Status(_Nobody):
    """One line that says what the jobs do, rewritten in place; only on a terminal."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._written = 0

    def look(self) -> float | None:
        """Write the line as it is now; from time to time again."""
        columns = shutil.get_terminal_size().columns - 1
        self._rewrite(cut(line(self._jobs), columns))
        return _EVERY

    def leave(self) -> None:
        """Take the line away."""
        self._rewrite("")
        self._rewrite("")

    def _rewrite(self, text: str) -> None:
        columns, before = sum(map(width, text)), self._written
        # Noted first, for an interrupt may come as soon as it is written.
        self._written = max(columns, before)
        # Blanks over what was longer: not every terminal can erase.
        sys.stdout.write("\r" + text + " " * (before - columns))
        sys.stdout.flush()
        self._written = columns


def status(jobs: Sequence[Job]) -> Onlooker:
    """Show the state of *jobs* in a line, if there is a terminal to show it on."""
    return Status(jobs) if sys.stdout.isatty() else NOBODY


def line(jobs: Sequence[Job]) -> str:
    """Say in a line what *jobs* do: one in detail, of several those that still run."""
    if len(jobs) == 1:
        return _one(jobs[0])
    running = [job for job in jobs if job.ended_at is None]
    names = (f"{format.name(job)} {format.elapsed(job)}" for job in running)
    return f"{len(running)} of {len(jobs)} run: {', '.join(names)}"


def cut(text: str, columns: int) -> str:
    """Cut *text* so that it takes no more than so many *columns*.

    >>> cut("a long line", 8), cut("世界", 3), cut("fits", 4)
    ('a long …', '世…', 'fits')
    """
    taken = 0
    for number, char in enumerate(text):
        taken += width(char)
        if taken > columns or (taken == columns and text[number + 1 :]):
            return text[:number] + "…" * (columns > 0)
    return text


def _one(job: Job) -> str:
    parts = [f"{format.name(job)} (pid {job.pid}): {format.status(job)}"]
    parts.append(format.elapsed(job))
    if usage := job.usage():
        parts.append(f"CPU {usage.total_cpu_percent:.0f} %")
        parts.append(format.size(usage.total_memory))
    text = ", ".join(parts)
    last = recent(job, 1).lines
    return f"{text} | {''.join(run for run, _ in last[-1])}" if last else text


def _writer(stream: IO[str]) -> Callable[[bytes], None]:
    """Give what writes bytes to *stream*, as they are if it can take them."""
    # While a cell captures its output there are no bytes below.
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
