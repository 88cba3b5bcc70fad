"""The narrow seam between a job and what runs its process."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from ipyproc._jobs.output.interleaved import Output
from ipyproc._jobs.procinfo.course import Course
from ipyproc._jobs.procinfo.ports import Ports
from ipyproc._jobs.procinfo.usage import Usage
from ipyproc._jobs.request import Request
from ipyproc.process import Process
from ipyproc.state import ProcessState


class JobStatus(StrEnum):
    """What a job does, or how it ended.

    ``running`` or ``stopped``; then ``exited`` by itself, or ``signaled``: ended by a
    signal. ``released`` and ``lost``: somebody released ``Job.process`` or waited for
    it, and the job does not learn how it ended.

    >>> from ipyproc import spawn
    >>> job = spawn(["sleep", "60"])
    >>> print(job.status)
    running
    >>> job.kill()
    1
    >>> print(job.wait(), job.status)
    signal: killed signaled
    """

    RUNNING = "running"
    STOPPED = "stopped"
    EXITED = "exited"
    SIGNALED = "signaled"
    #: ``job.process`` was released, and nobody learns how the process ends.
    RELEASED = "released"
    #: Somebody else waited for the process and took its state away.
    LOST = "lost"


class Runner(Protocol):
    """What runs one process, here or elsewhere: all that a ``Job`` knows of it.

    Methods may be called from any thread.
    """

    #: The directory it starts in, if one was asked for.
    dir: str | None
    #: What it printed; it grows until ``finished``.
    output: Output
    #: What it and all that it started used so far.
    course: Course
    #: How it ended; ``None`` before that, and if that cannot be known.
    state: ProcessState | None
    #: Why the state of an ended process cannot be known.
    error: OSError | None
    #: When it ended, on the ``time.time()`` clock.
    ended_at: float | None
    #: Whether it ended and everything that it printed is in ``output``.
    finished: bool

    def check(self) -> None:
        """Raise what can be known to be wrong before the start, and change nothing."""

    def again(self) -> Request:
        """Return what starts the same once more, wherever this session is by then."""

    def start(self, changed: Callable[[], None]) -> None:
        """Start the process, or raise what the system says.

        From now on *changed* is called, on the event loop's thread, whenever one of the
        attributes did. Output that was printed before the end is there with the state.
        """

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""

    @property
    def process(self) -> Process:
        """The process itself."""

    @property
    def status(self) -> JobStatus:
        """What the process does now."""

    @property
    def input_open(self) -> bool:
        """Whether ``write`` is possible."""

    def write(self, data: bytes) -> None:
        """Write to its standard input; ``BrokenPipeError`` if that is closed."""

    def close_input(self) -> None:
        """Close its standard input after what was written; harmless if it is."""

    def signal(self, sig: int, tree: bool | None) -> int:
        """Send *sig*, and return to how many processes.

        *tree*: to all that it started, too, or to its leader alone; ``None``: as the
        signal means it. What is left of an ended job is reached, too.
        """

    def end(self, grace: float) -> int:
        """Ask it to end, kill what is left after *grace* seconds; return how many."""

    def left(self) -> int:
        """Count its processes that have not ended, also after the leader's end."""

    def daemons(self) -> int:
        """Count the processes that left it: they are not signalled with it."""

    def usage(self) -> Usage | None:
        """Measure what it uses; ``None`` after its end."""

    def ports(self) -> Ports:
        """Look at the TCP ports that it and all that it started listen on."""

    def let_go(self) -> None:
        """Leave the process to itself; it goes on when the session has ended."""
