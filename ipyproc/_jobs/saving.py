"""What a job printed, in a file: as it is, as a picture, or as a recording."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from ipyproc import _jobs
from ipyproc._jobs.checks import USUAL_SIZE
from ipyproc._jobs.output.asciicast import Event, lines
from ipyproc._jobs.output.interleaved import Interleaved
from ipyproc._jobs.runner import Terminal
from ipyproc.state import ProcessState

_PIECE: Final = 1 << 20
# What a shell makes of the number of a signal that ended a program.
_SIGNALED: Final = 128


class Saved(Protocol):
    """As much of a job as a file tells of it."""

    name: str
    argv: tuple[str, ...]
    shown: str
    started_at: float

    @property
    def elapsed(self) -> float: ...

    @property
    def state(self) -> ProcessState | None: ...

    @property
    def terminal(self) -> Terminal | None: ...


def save(job: Saved, output: Interleaved, path: str | os.PathLike[str]) -> None:
    """Write the *output* of *job* so far to *path*, whose ending says as what."""
    match Path(os.fsdecode(path)).suffix:
        case ".cast":
            with open(path, "w", encoding="utf-8", newline="") as recording:
                recording.writelines(_recording(job, output))
        case ".html":
            page = _jobs.make_page(job)
            Path(os.fsdecode(path)).write_text(page, encoding="utf-8")
        case _:
            with open(path, "wb") as file:
                file.writelines(_bytes(output))


def _bytes(output: Interleaved) -> Iterator[bytes]:
    at, total = 0, output.total
    while at < total:
        chunks = output.read(at, min(_PIECE, total - at))
        if not chunks:
            return
        for chunk in chunks:
            yield chunk.data
        at = chunks[-1].offset + len(chunks[-1].data)


def _recording(job: Saved, output: Interleaved) -> Iterator[str]:
    terminal = job.terminal
    sizes = [(0.0, 0, *USUAL_SIZE)] if terminal is None else terminal.sizes
    header = {
        "timestamp": int(job.started_at),
        "command": job.shown or shlex.join(job.argv),
        "title": job.name,
    }
    is_terminal = terminal is not None
    return lines(header, output, sizes, _end(job), is_terminal=is_terminal)


def _end(job: Saved) -> Event | None:
    if job.state is None:
        return None
    status = job.state.sys
    code = status.exit_status if status.exited else _SIGNALED + (status.signal or 0)
    return job.elapsed, "x", str(code)
