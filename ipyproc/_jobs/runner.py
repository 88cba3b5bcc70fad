"""The narrow seam between a job and what runs its process."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from errno import EIO
from typing import Protocol, TypeVar

from ipyproc._jobs.output.interleaved import Interleaved, Output
from ipyproc._jobs.procinfo.course import Course
from ipyproc._jobs.procinfo.ports import Ports
from ipyproc._jobs.procinfo.usage import Usage
from ipyproc._jobs.request import Host, Request
from ipyproc.process import Process
from ipyproc.state import ProcessState

_Found_co = TypeVar("_Found_co", covariant=True)


class JobStatus(StrEnum):
    """What a job does, or how it ended.

    ``queued`` while a cluster has no room for it yet: it has no process then.
    ``running`` or ``stopped``; then ``exited`` by itself, or ``signaled``: ended by a
    signal. ``released`` and ``lost``: somebody released ``Job.process`` or waited for
    it, or its agent on another machine has ended, and nobody learns how it ended. A job
    that was queued and could not be started is ``lost``, too; ``Job.error`` says why.

    >>> from ipyproc import spawn
    >>> job = spawn(["sleep", "60"])
    >>> print(job.status)
    running
    >>> job.kill()
    1
    >>> print(job.wait(), job.status)
    signal: killed signaled
    """

    #: It waits for its start; ``Job.pid`` is ``None``.
    QUEUED = "queued"
    RUNNING = "running"
    STOPPED = "stopped"
    EXITED = "exited"
    SIGNALED = "signaled"
    #: ``job.process`` was released, and nobody learns how the process ends.
    RELEASED = "released"
    #: Somebody else waited for the process and took its state away, or the agent that
    #: had it on another machine has ended.
    LOST = "lost"


def status_at_end(state: ProcessState) -> JobStatus:
    """Return what *state* makes of a job."""
    return JobStatus.EXITED if state.exited else JobStatus.SIGNALED


def no_input(*, is_pipe: bool, has_ended: bool) -> BrokenPipeError:
    """Return the error that says why nothing can be written to a process."""
    if not is_pipe:
        return BrokenPipeError("the standard input is no pipe; start with PIPE")
    if has_ended:
        return BrokenPipeError("the process has ended and reads no more input")
    return BrokenPipeError("the standard input is closed")


def loop_failure(error: BaseException) -> OSError:
    """Return the error of a job whose end is not known, for the loop has failed."""
    return OSError(EIO, f"the event loop of the jobs has failed: {error!r}")


class Check(Protocol[_Found_co]):
    """What is waited for."""

    @property
    def pause(self) -> float | None:
        """After how many seconds to look again, if nothing happens; 0 is at once."""

    def look(self, over: bool) -> _Found_co | None:
        """Look whether it is there, for a short time; *over*: the job has ended."""

    @property
    def is_behind(self) -> bool:
        """Whether there was more to look at when the waiting began."""

    def missed(self, timeout: float) -> str:
        """Say that it was not there after so many seconds."""

    def close(self) -> None:
        """Drop what is under way: nobody looks any more."""


class Terminal(Protocol):
    """The terminal of a job. Any thread may ask, and nothing blocks."""

    @property
    def rows(self) -> int:
        """How many rows it was given last."""

    @property
    def columns(self) -> int:
        """How many columns it was given last."""

    @property
    def sizes(self) -> Sequence[tuple[float, int, int, int]]:
        """Its first size and later ones.

        Since when, in seconds, and how much had been printed then; rows, columns.
        """

    @property
    def reads_keys(self) -> bool:
        """Whether each key is the program's at once, not line by line."""

    @property
    def password_prompt(self) -> bool:
        """Whether a line is read that is not to be seen."""

    @property
    def typed_ahead(self) -> int:
        """How many bytes were typed that it has no room for yet."""

    def interrupt(self) -> None:
        """Send SIGINT to its foreground group; ``ProcessDoneError`` after the end."""

    def resize(self, rows: int, columns: int) -> None:
        """Change its size, once checked; ``ProcessDoneError`` after the end."""


class Keyboard(Protocol):
    """Whose the input of a job is, and the size of its terminal."""

    @property
    def is_here(self) -> bool:
        """Whether no other session has it."""

    def take(self) -> None:
        """Take it; ``BlockingIOError`` if that is only when a line is over."""


class OwnKeyboard:
    """That of a job which no other session can write to."""

    is_here = True

    def take(self) -> None:
        """Do nothing."""


class Runner(Protocol):
    """What runs one process, here or elsewhere: all that a ``Job`` knows of it.

    Methods may be called from any thread.
    """

    #: Where the process runs.
    host: Host
    #: By what a job that outlives its session is known to all sessions.
    id: str | None
    #: What will end one on another machine all the same; empty if nothing does.
    ender: str
    #: The directory it starts in, if one was asked for.
    dir: str | None
    #: What it printed, in order of arrival; it grows until ``finished``. Of a process
    #: elsewhere it is what arrived here, with gaps. Reading it never blocks.
    output: Output
    #: The same, and of a process elsewhere all that is kept there: reading it may wait,
    #: and raise ``TimeoutError`` or ``ConnectionError``.
    whole: Interleaved
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
    #: Whether it waits for its start, which is then later than that of ``start``. Once
    #: it has begun, ``changed`` is called.
    is_queued: bool
    #: Whether its time-out ended it, if ``ends_in_time``: if the runner sees to that.
    timed_out: bool
    ends_in_time: bool

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
        """The process itself; ``NoHandleError`` if it runs elsewhere."""

    @property
    def status(self) -> JobStatus:
        """What the process does now."""

    @property
    def terminal(self) -> Terminal | None:
        """Its terminal, if it was started with one."""

    @property
    def input_open(self) -> bool:
        """Whether ``write`` is possible."""

    @property
    def keyboard(self) -> Keyboard:
        """Who may write to it."""

    def write(self, data: bytes) -> None:
        """Write to its standard input; ``BrokenPipeError`` if that is closed."""

    def close_input(self) -> None:
        """Close its standard input after what was written; harmless if it is.

        In a terminal that is typed; ``OSError`` if the program reads keys.
        """

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

    @property
    def silence(self) -> float:
        """For how many seconds nothing is known of it; 0.0 if there is contact."""

    def last_usage(self) -> Usage | None:
        """Return what was measured last, or a moment ago; never blocks."""

    def ports(self) -> Ports:
        """Look at the TCP ports that it and all that it started listen on."""

    def printed(self, pattern: str | re.Pattern[str]) -> Check[re.Match[str]]:
        """Make what looks for *pattern* in what it prints."""

    def listening(self, port: int | None) -> Check[int]:
        """Make what looks whether it listens on *port*, or on any."""

    def let_go(self) -> None:
        """Leave the process to itself; it goes on when the session has ended."""

    def forget(self) -> None:
        """Delete what is kept of it beyond the session, once it has ended."""
