"""Running a job's process on this machine."""

from __future__ import annotations

import os
import re
import selectors
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from ipyproc._jobs import resolve
from ipyproc._jobs.ending import Ending
from ipyproc._jobs.guardian.client import guardian
from ipyproc._jobs.io import child_stdio
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.io.streams import Streams
from ipyproc._jobs.io.terminal import PseudoTerminal
from ipyproc._jobs.leader import Leader
from ipyproc._jobs.output.interleaved import Interleaved, Output
from ipyproc._jobs.output.search import Printed
from ipyproc._jobs.procinfo.ports import Listening, Ports, StartPorts
from ipyproc._jobs.procinfo.sampling import Measured
from ipyproc._jobs.procinfo.usage import Usage
from ipyproc._jobs.request import HERE, Request, open_files
from ipyproc._jobs.runner import (
    JobStatus,
    OwnKeyboard,
    loop_failure,
    no_input,
    status_at_end,
)
from ipyproc._process.environment import variables
from ipyproc._process.surroundings import around, umask_of
from ipyproc.attr import ProcAttr
from ipyproc.errors import ProcessDoneError
from ipyproc.process import Process, ProcessStatus, start_process
from ipyproc.state import ProcessState

# How soon to look again at a process that ended, but is held back by its tracer.
_RETRY = 0.05
# How soon a job that still runs is to be sampled and looked after, in seconds.
_SOON = 0.15


class LocalRunner:
    """Starts a process, captures what it prints, and reaps it when it ends.

    The event loop's thread does all that; other threads ask, signal and write.
    """

    def __init__(self, request: Request) -> None:
        """Find all that the start needs; ``OSError`` if something is missing."""
        self._request = request
        self.dir = self._find_directory()
        self._started_in: str | None = None
        with suppress(OSError):  # it is deleted
            self._started_in = os.getcwd()
        # As they are now, to start the same once more.
        self._variables = variables()
        self._path = self._find_program()
        limits = request.memory_limit, request.output_limit
        self.host = HERE
        self.id: str | None = None
        self.ender = ""
        self.output = Output(*limits, request.encoding)
        self.whole: Interleaved = self.output
        self.timed_out = self.ends_in_time = self.is_queued = False
        self.state: ProcessState | None = None
        self.error: OSError | None = None
        self.ended_at: float | None = None
        self.finished = False
        self.keyboard = OwnKeyboard()
        self._loop = event_loop()
        self._leader = Leader()
        self._ending = Ending(self._loop, self._leader)
        self._guardian = guardian()
        # The number by which the guardian knows of the start.
        self._announced: int | None = None
        self._changed: Callable[[], None] = lambda: None
        changed = lambda: self._changed()  # noqa: E731
        self._streams = Streams(self._loop, self.output, changed, self._settle)
        self._ports_before = StartPorts()
        self._measured = Measured()
        self.course = self._measured.course
        self._clock = 0.0
        self._dependence: object = None

    def _find_directory(self) -> str | None:
        return resolve.directory(self._request.dir)

    def _find_program(self) -> str:
        asked = self._request
        inherited = os.environ if asked.inherited is None else asked.inherited
        return resolve.program(asked.argv[0], asked.env, self.dir, inherited)

    def check(self) -> None:
        """Raise the error of a file that cannot be opened, without emptying one."""
        child_stdio.check(self._request.stdin, reads=True)
        for file in (self._request.stdout, self._request.stderr):
            child_stdio.check(file, reads=False)

    def again(self) -> Request:
        """Return what starts the same once more; files are appended to."""
        open_files(self._request)  # one may have been closed meanwhile
        inherited, size = self._request.inherited, self._request.pty
        if self.terminal is not None:
            size = self.terminal.rows, self.terminal.columns
        if inherited is None:
            ours = self._variables.items()
            inherited = {os.fsdecode(key): os.fsdecode(value) for key, value in ours}
        return replace(
            self._request,
            dir=self.dir or self._started_in,
            inherited=inherited,
            append=True,
            replace=False,
            pty=size,
        )

    def start(self, changed: Callable[[], None]) -> None:
        """Start the process; *changed* is called from now on."""
        self._loop.check_open()
        self._changed = changed
        self.output.begin()
        self._clock = time.time() - time.monotonic()
        self._dependence = self._loop.depend(self._loop_failed)
        # First of all: once there is a process it may not fail for want of descriptors.
        self._loop.start()
        try:
            self._make()
            self._attach()
        except BaseException:  # an interrupt may come at any time
            self._undo()
            raise

    @property
    def process(self) -> Process:
        """The process; pid 0 before the start."""
        return self._leader.process

    @property
    def pid(self) -> int:
        """The process id; 0 before the start."""
        return self._leader.pid

    @property
    def status(self) -> JobStatus:
        """What the process does now."""
        if self.state:
            return status_at_end(self.state)
        if self.process.status is ProcessStatus.RELEASED:
            return JobStatus.RELEASED
        if self.error:
            return JobStatus.LOST
        return JobStatus.STOPPED if self._leader.is_stopped() else JobStatus.RUNNING

    @property
    def input_open(self) -> bool:
        """Whether the standard input is a pipe that is still open."""
        return self._streams.input_open

    @property
    def terminal(self) -> PseudoTerminal | None:
        """The terminal, if it was asked for."""
        return self._streams.terminal

    def write(self, data: bytes) -> None:
        """Write *data* to the standard input, without waiting for that."""
        if not self._streams.write(data):
            is_pipe, has_ended = self._streams.has_input, self.ended_at is not None
            raise no_input(is_pipe=is_pipe, has_ended=has_ended)

    def close_input(self) -> None:
        """Close the standard input, once all is written."""
        self._streams.close_input()

    def signal(self, sig: int, tree: bool | None) -> int:
        """Send *sig* to the process, or to all that belongs to it."""
        return self._ending.signal(sig, tree)

    def end(self, grace: float) -> int:
        """Ask the job to end, and kill what is left after *grace* seconds."""
        return self._ending.terminate(grace)

    def left(self) -> int:
        """Count its processes that have not ended."""
        return self._ending.left()

    def daemons(self) -> int:
        """Count those that left it."""
        return self._ending.daemons()

    def usage(self) -> Usage | None:
        """Measure what the process and its descendants use; ``None`` after its end."""
        return None if self._leader.is_over else self._measured.usage()

    @property
    def silence(self) -> float:
        """None: it is here."""
        return 0.0

    def last_usage(self) -> Usage | None:
        """Measure it: here nothing blocks."""
        return self.usage()

    def ports(self) -> Ports:
        """Look at the TCP ports that the process and its descendants listen on."""
        return self._ports_before.look(self.pid)

    def printed(self, pattern: str | re.Pattern[str]) -> Printed:
        """Make what looks for *pattern* in what it prints."""
        return Printed(self.output.as_utf8, pattern)

    def listening(self, port: int | None) -> Listening:
        """Make what looks whether it listens on *port*, or on any."""
        return Listening(self, port)

    def let_go(self) -> None:
        """Release the process, once the event loop has stopped."""
        self._leader.let_go()
        self.process.release()

    def forget(self) -> None:
        """Delete nothing: it ends with the session."""

    def _make(self) -> None:
        """Make the process, and connect its streams."""
        with umask_of(self._request.surroundings):
            self._streams.open(self._request)
            if self._request.detach:
                self._start_leader("")
            else:
                self._start_guarded()
        self._streams.connect(self._request)

    def _start_guarded(self) -> None:
        self._announced = self._guardian.number()
        mark = self._guardian.prepare(self._announced)
        self._start_leader(f"{mark}.{self._announced:x}")
        self._guardian.tell(self.pid, self._announced)

    def _start_leader(self, mark: str) -> None:
        asked = self._request
        env = resolve.environment(
            asked.env,
            asked.clear_env,
            asked.without,
            self.dir,
            mark,
            asked.inherited,
            has_terminal=asked.pty is not None,
        )
        system = around(self._streams.system(asked), asked.surroundings)
        attr = ProcAttr(self.dir, env, self._streams.files, system)
        self._leader.mark = mark
        self._leader.process = start_process(self._path, asked.argv, attr)
        self._leader.pid = self._leader.process.pid
        self._measured.start(self.pid)

    def _attach(self) -> None:
        """Watch, from now on, the pipes and the process, which may end at any time."""
        self._leader.hold()
        self._ports_before.note()
        # Not on the loop's thread: each start would stop that, and be stopped, twice.
        self._streams.attach()
        has_pidfd = self._leader.pidfd >= 0
        if has_pidfd:
            self._watch_pidfd()
        self._loop.call_within(_SOON if has_pidfd else 0.0, self._watch)

    def _watch_pidfd(self) -> None:
        self._loop.watch(self._leader.pidfd, selectors.EVENT_READ, self._ended)

    def _watch(self) -> None:
        try:
            self._watch_all()
        except OSError as error:  # the kernel allows no more watches
            with suppress(OSError):
                self.process.kill()
            self._loop_failed(error)

    def _watch_all(self) -> None:
        if self._leader.is_over:
            return
        if self._leader.pidfd >= 0:
            # It is watched already, unless the loop's thread was just leaving.
            with suppress(KeyError):
                self._watch_pidfd()
        elif self.process.status is ProcessStatus.OK:
            self._wait_in_thread()
        else:
            self._ended()
        if not self._leader.is_over:
            self._measured.watch()

    def _undo(self) -> None:
        """End the process, if there is one, and leave the rest to the event loop."""
        # Again, if the interrupt came while the guardian was told so: it waits for a
        # start that is not over, and the event loop's thread never ends.
        if self._announced is not None:
            self._guardian.settle(self._announced)
        if not self.process.pid:
            self._streams.close()
            return
        with suppress(ProcessDoneError):
            self.process.kill()
        self._loop.call_soon(self._bury)

    def _bury(self) -> None:
        """Close what was opened, and reap the process, wherever the start broke off."""
        self._streams.abort()
        # It was killed: so look until it has ended. If the interrupt came while the
        # pidfd was being registered, it may or may not be watched.
        self._ended()

    def _wait_in_thread(self) -> None:
        waiter = threading.Thread(
            target=self._wait_by_pid, name=f"ipyproc-waiter-{self.pid}", daemon=True
        )
        try:
            waiter.start()
        except RuntimeError:  # there is no room for a thread: look again and again
            self._ended()

    def _wait_by_pid(self) -> None:
        with suppress(ChildProcessError):
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with suppress(RuntimeError):  # the event loop ended first
            self._loop.call_soon(self._ended)

    def _ended(self) -> None:
        if self._leader.is_over:
            return
        # What was printed before the end is in the pipes by now. There may be no end of
        # the file: what the process started can hold the pipes for as long as it likes.
        self._streams.drain()
        if self._leader.pidfd >= 0:
            self._loop.unwatch(self._leader.pidfd)
        ended_at = self._now()
        try:
            state = self._leader.reap()
            self._measured.end(state.sys_usage)
            self.ended_at, self.state = ended_at, state
        except TimeoutError:
            self._loop.call_later(_RETRY, self._ended)
            return
        except OSError as error:
            self._measured.end(None)
            self.ended_at, self.error = ended_at, self._unknown_end(error)
        self._guardian.ended(self.pid)
        self._ending.leader_ended()
        self._loop.linger(_SOON)  # who waited for it may start the next one now
        self._streams.abort_input()
        self._settle()
        if not self.finished:
            self._changed()

    def _unknown_end(self, error: OSError) -> OSError:
        """What to say if nobody can tell how it ended."""
        return error

    def _now(self) -> float:
        """The time, by the clock as it was at the start: it may be set meanwhile."""
        return self._clock + time.monotonic()

    def _loop_failed(self, error: BaseException) -> None:
        """Fail all waits: how the process ends can no longer be learnt."""
        if not self._leader.is_over:
            self.ended_at, self.error = self._now(), loop_failure(error)
            self._leader.is_over = True
        if not self.finished:
            self.finished = True
            self._changed()

    def _settle(self) -> None:
        """Finish the job if its process and all its pipes have ended."""
        if self._leader.is_over and not self._streams.is_open and not self.finished:
            self.output.finish()
            self.finished = True
            self._loop.depart(self._dependence)
            self._changed()
