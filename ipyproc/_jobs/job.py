"""A process that the session keeps: named, captured, and reaped when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import suppress
from errno import ECHILD
from functools import partial
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU
from typing import Protocol

from ipyproc import _jobs
from ipyproc._jobs import ready, replacing
from ipyproc._jobs.checks import rows_and_columns, seconds
from ipyproc._jobs.facts import Facts
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.io.timers import Once, Timer
from ipyproc._jobs.names import Namesakes, numbered
from ipyproc._jobs.output.spill import Archive
from ipyproc._jobs.request import Request
from ipyproc._jobs.runner import JobStatus, Runner
from ipyproc._jobs.shutdown import shutdown
from ipyproc._jobs.subscribers import Subscribers
from ipyproc._jobs.view import LazyView
from ipyproc.errors import SyscallError
from ipyproc.state import ProcessState

# A stop makes nothing ready, so while somebody looks at a job it is looked for.
_LOOK_EVERY = 0.5
_LOOK_SOON = 0.02
_STOPPING = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT}


class Job(Facts):
    r"""A process started by ``spawn``; all methods may be called from any thread.

    *name*: what ``spawn`` was asked for, or the program's. *number*: which of the jobs
    of that name it is, counted from 1; no number is used twice. *argv*: the program as
    it was named, and its arguments. *shown*: the command as it was typed, with
    ``{expr}`` and ``$name`` as they are, or empty if *argv* says it. *dir*: the
    directory that it started in, if one was given. *started_at*: when, on the
    ``time.time()`` clock; while it is queued, since when it waits. *grace*: that of
    ``spawn``. *timed_out*: whether its ``timeout`` ended the job.

    >>> from ipyproc import PIPE, spawn
    >>> job = spawn("sort", stdin=PIPE)
    >>> job.send("pear\napple\n")
    >>> job.close_stdin()
    >>> print(job.wait(timeout=60), job.stdout.lines())
    exit status 0 ['apple', 'pear']
    """

    def __init__(self, request: Request, runner: Runner) -> None:
        """``spawn`` makes jobs, starts them and puts them in the table."""
        super().__init__(request, runner)
        self.number = 0
        #: Whether another session started it.
        self.is_attached = False
        #: The jobs of the same name, once the table has it.
        self.namesakes: Namesakes[Job] | None = None
        self.grace = request.grace
        self._timed_out = False
        self._loop = event_loop()
        self._over = Once()
        self._subscribers = Subscribers(self._loop)
        self._at_the_end = Subscribers(self._loop)
        # Whether the clock, and the time-out, wait for the start of the process.
        self._is_queued = runner.is_queued
        self._told_status = JobStatus.RUNNING
        self._look_timer: Timer | None = None
        self._timeout: Timer | None = None
        self._view = LazyView()

    @property
    def timed_out(self) -> bool:
        """Whether its time-out ended it."""
        return self._timed_out or self._runner.timed_out

    def __repr__(self) -> str:
        return f"<Job {self.label} pid={self.pid} {self.state or self.status}>"

    @property
    def label(self) -> str:
        """How tables show it: its name if it is the newest, else ``train#1``."""
        same = self.namesakes
        if same is None or same.is_newest(self):
            return self.name
        return numbered(self)

    @property
    def elders(self) -> list[Job]:
        """The other jobs of its name that run, oldest first, if it is the newest."""
        return self.namesakes.elders(self) if self.namesakes is not None else []

    def again(self, replace: bool = False) -> Job:
        """Start the same once more, and return the new job, which has the next number.

        It is the same command in the same environment and directory, and it gets the
        same input, but not what was typed or sent; files are appended to. A job that
        runs is a ``RuntimeError``; with *replace* it is ended first, with all that it
        started. Raises what ``spawn`` does.
        """
        if self.ended_at is None and not replace:
            raise RuntimeError(f"{self.label} still runs: again(replace=True) ends it")
        if replace:
            replacing.end([self])
        again: Job = _jobs.run(self._runner.again())
        return again

    def send(self, data: bytes | str) -> None:
        """Write to the standard input of a job started with ``stdin=PIPE``, or type.

        With ``pty`` *data* is typed into the terminal; Enter is a carriage return.
        Never blocks: what the process does not read yet waits in memory. If *data* is
        text, it is sent as UTF-8; no newline is added. Raises ``BrokenPipeError`` if
        the process can read no more, and ``BlockingIOError`` if 4 MiB that were typed
        wait already.

        Of the sessions that have a detached job one has its keyboard: the input and the
        size of the terminal. That is the one that started it, until another one calls
        ``send``, ``close_stdin``, ``resize`` or ``take_keyboard``; once that session
        has ended, the first one that sends something gets it. It is passed on between
        two lines: what is sent while another session is in the middle of a line comes
        after that line. Every session may send signals.
        """
        if isinstance(data, str):
            data = data.encode()
        if not isinstance(data, bytes | bytearray | memoryview):
            kind = type(data).__name__
            raise TypeError(f"data: expected bytes or str, not {kind}")
        self._runner.write(bytes(data))

    def close_stdin(self) -> None:
        """Close the standard input after what was sent; harmless if it is closed.

        With ``pty`` that is typed, as by Ctrl-D, and more can be typed afterwards. A
        program that reads keys instead of lines has no such key, which is an
        ``OSError``.
        """
        self._runner.close_input()

    def resize(self, rows: int, columns: int) -> None:
        """Make the terminal of a job with ``pty`` *rows* and *columns* large.

        Its programs hear of it by SIGWINCH. Raises ``ValueError`` for a size that no
        terminal has, ``RuntimeError`` if there is no terminal, and
        ``ProcessDoneError`` if nobody uses it any more.
        """
        size = rows_and_columns(rows, columns)
        terminal = self.terminal
        if terminal is None:
            raise RuntimeError(f"{self.label} has no terminal: start it with pty=True")
        terminal.resize(*size)

    def take_keyboard(self) -> None:
        """Take the keyboard of a detached job from another session, as ``send`` does.

        Harmless if no other session has it. A terminal is taken at once; else
        ``BlockingIOError`` says that the other session is in the middle of a line, and
        the keyboard comes when that is over.
        """
        if self.ended_at is None:
            self._runner.keyboard.take()

    def signal(self, sig: int, tree: bool | None = None) -> int:
        """Send *sig*, and return to how many processes (Go: ``Process.Signal``).

        KILL, STOP and CONT go to the process and all that it started, also to what is
        left of that after its end; INT goes to its group, as Ctrl-C in a terminal; and
        every other signal, whose meaning only the program knows, to it alone. *tree*
        says otherwise: to all, or not. None of them escapes by forking meanwhile.
        A signal that ends programs takes a queued job out of the queue; that is none,
        so 0. Raises ``ProcessDoneError`` if there is nothing, and
        ``ProcessNotInitializedError`` for other signals while it is queued.
        """
        if not isinstance(sig, int):
            raise TypeError(f"sig: expected an int, not {type(sig).__name__}")
        number = self._runner.signal(sig, tree)
        if sig in _STOPPING and self._loop.is_open:
            self._loop.call_later(_LOOK_SOON, self._look)
        return number

    def kill(self, tree: bool = True) -> int:
        """End the process, and with *tree* all that it started; return how many."""
        return self.signal(SIGKILL, tree)

    def terminate(self, grace: float | None = None) -> int:
        """Ask the job to end, kill what is left later, and return how many it has.

        TERM goes to the process. Once that has ended, or after half of the *grace*, it
        goes to the other processes. After *grace* seconds, those of ``spawn`` if not
        given, those that still run are killed. Does not wait.
        """
        return self._runner.end(
            self.grace if grace is None else seconds("grace", grace)
        )

    def left(self) -> int:
        """Count the processes of the job that have not ended, also after its own."""
        return self._runner.left()

    def daemons(self) -> int:
        """Count what left its session and its parent, and is not signalled with it."""
        return self._runner.daemons()

    def wait(self, timeout: float | None = None) -> ProcessState:
        """Wait for the end of the process and return how it was.

        All that the process printed is captured then. *timeout* is in seconds;
        ``TimeoutError`` and ``KeyboardInterrupt`` change nothing. Raises
        ``ChildProcessError`` if other code waited for the process.
        """
        if not self._over.happened:
            self._check_waitable()
            if not self._over.wait(timeout):
                does = "is still queued" if self.pid is None else "still runs"
                raise TimeoutError(f"{self.label} {does} after {timeout} s")
        return self._result()

    def __await__(self) -> Generator[object, None, ProcessState]:
        """Wait in asyncio; cancelling stops the wait and nothing else."""
        with ready.news_async(self, lambda: self._over.happened) as over:
            if not self._over.happened:
                self._check_waitable()
                yield from over.wait().__await__()
        return self._result()

    until = ready.until
    until_async = ready.until_async
    until_listening = ready.until_listening
    until_listening_async = ready.until_listening_async

    def subscribe(self, callback: Callable[[Job], None]) -> Callable[[], None]:
        """Call *callback* with the job when something happened to it.

        That is on the event loop's thread whenever output arrived, or the status or the
        standard input changed; the callback must return at once. There is exactly one
        last call when the job is ``finished``, also for those who subscribe later.
        Returns the function that ends the subscription.
        """
        unsubscribe = self._subscribers.add(partial(callback, self))
        self._loop.call_soon(self._keep_looking)
        return unsubscribe

    def when_finished(self, callback: Callable[[Job], None]) -> None:
        """Call *callback* once with the job, when it is ``finished``.

        Unlike a subscription, this does not make the job check the process before.
        """
        self._at_the_end.add(partial(callback, self))

    def archive(self, archive: Archive) -> None:
        """Move to *archive* what a finished job printed; it can be read as before."""
        self._runner.output.move_to(archive)

    def refresh(self) -> None:
        """Call the subscribers, for what they show of the job may be old."""
        if self._subscribers and self._loop.is_open:
            self._loop.call_soon(self._changed)

    def let_go(self) -> None:
        """Release a running process, which will outlive the session.

        That is the last thing to do with a job; the end of the session does it.
        """
        self._runner.let_go()

    @property
    def widget(self) -> object:
        """The view of the job, an ``ipyproc.views.JobView``, made at the first use.

        It needs ipywidgets and anywidget.
        """
        return self._view.of(self)

    def drop_view(self) -> None:
        """Drop the view, if there is one; the table calls this for jobs it forgets."""
        self._view.forget()

    def forget(self) -> None:
        """Delete what is kept of a detached job that has ended: output and record.

        Of any other job there is nothing to delete. ``RuntimeError`` while it runs.
        """
        if self.ended_at is None:
            raise RuntimeError(f"{self.label} still runs: end it first")
        self._runner.forget()

    def _begin(self, started_at: float | None = None) -> None:
        """Start the process, or raise what the system says.

        If it was *started_at* some time before, the runner finds it.
        """
        self.started_at, self._started = time.time(), time.monotonic()
        if started_at is not None:
            self._started -= max(0.0, self.started_at - started_at)
            self.started_at = started_at
        self._runner.start(self._changed)
        if not self._is_queued:
            self._set_timeout()

    def _set_timeout(self) -> None:
        timeout = self._request.timeout
        if timeout is not None and not self._runner.ends_in_time:
            self._timeout = self._loop.call_later(timeout, self._time_out)
            if self._over.happened:
                self._timeout.cancel()

    def _check_waitable(self) -> None:
        if self._loop.is_current:
            raise RuntimeError("a callback of a job cannot wait for one")
        if not self._loop.is_open:  # a fork: the process is no child of this one
            raise SyscallError("wait", ECHILD)

    def _result(self) -> ProcessState:
        if self.state is None:
            raise self._runner.error or SyscallError("wait", ECHILD)
        return self.state

    def _changed(self) -> None:
        if self._is_queued and self.pid is not None:
            self._is_queued = False
            self.started_at, self._started = time.time(), time.monotonic()
            self._set_timeout()
        if self.ended_at is not None and not self._over.happened:
            self._over.set()
            for timer in (self._timeout, self._look_timer):
                if timer:
                    timer.cancel()
        if self.finished:
            self._at_the_end.tell(last=True)
        self._subscribers.tell(last=self.finished)

    def _look(self) -> None:
        """Notify the subscribers if the process was stopped or continued."""
        status = self.status
        if status != self._told_status and not self._over.happened:
            self._told_status = status
            self._changed()

    def _keep_looking(self) -> None:
        if self._look_timer:
            self._look_timer.cancel()
        if self._subscribers and not self._over.happened:
            self._look()
            self._look_timer = self._loop.call_later(_LOOK_EVERY, self._keep_looking)

    def _time_out(self) -> None:
        if not self._over.happened:
            self._timed_out = True
            self.terminate()


class Table(Protocol):
    """Where the jobs of a session are kept."""

    def add(self, job: Job) -> None:
        """Keep *job*, and see to it that its name is its own."""

    def discard(self, job: Job) -> None:
        """Forget *job*, if it is kept."""


def adopt(request: Request, runner: Runner, table: Table, started_at: float) -> Job:
    """Keep in *table* a job that runs already, or has ended, and that *runner* finds.

    It does not end with the session.
    """
    job = Job(request, runner)
    job.is_attached = True
    try:
        job._begin(started_at)
        table.add(job)
        shutdown.register(job, detached=True)
    except BaseException:
        table.discard(job)
        raise
    return job


def start(request: Request, runner: Runner, table: Table) -> Job:
    """Start a job with *runner*, keep it in *table*, and end it with the session."""
    job = Job(request, runner)
    try:
        job._begin()
        table.add(job)
        shutdown.register(job, request.detach)
    except BaseException:
        # If it was started, and then came an interrupt: nobody would know of it.
        with suppress(OSError):
            runner.signal(SIGKILL, tree=False)
        table.discard(job)
        raise
    return job
