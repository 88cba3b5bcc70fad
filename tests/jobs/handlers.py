"""Signal handlers that come again and again and call what a job has."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle

from ipyproc import PIPE, Job, jobs, spawn
from ipyproc.errors import ProcessDoneError
from tests.alarms import alarms
from tests.jobs.helpers import PATIENCE

#: The time between two handlers, in seconds; not longer than a call takes.
PAUSE = 0.0002


@contextmanager
def handled(handler: Callable[[], object]) -> Iterator[list[int]]:
    """Call *handler* from a signal handler, again and again; count the calls."""
    count = [0]
    inside = [False]

    def handle(*_: object) -> None:
        if not inside[0]:  # one that takes long is not called in itself for ever
            inside[0] = True
            count[0] += 1
            handler()
            inside[0] = False

    with alarms(handle, PAUSE, PAUSE):
        yield count


def waited(job: Job) -> None:
    """Wait for a job that does not end."""
    with suppress(TimeoutError):
        job.wait(0.0005)


#: What ends a job, and what is asked of one that may be ending.
ENDINGS: dict[str, Callable[[Job], object]] = {
    "kill": lambda job: job.kill(),
    "kill tree": lambda job: job.kill(tree=True),
    "terminate": lambda job: job.terminate(grace=0.01),
    "signal": lambda job: job.signal(signal.SIGTERM),
    "stop": lambda job: (job.signal(signal.SIGSTOP), job.signal(signal.SIGCONT)),
    "close_stdin": lambda job: job.close_stdin(),
    "send": lambda job: job.send("x\n"),
    "wait": lambda job: waited(job),
}
ENDED = {"exit status 0", "signal: killed", "signal: terminated"}


def end_in(name: str, times: int) -> None:
    """End jobs while a handler ends them too, until it was called *times* times.

    The main thread calls one thing for a job until it has ended, the handler calls
    each in turn for the same one.
    """
    started = [spawn("cat", stdin=PIPE)]
    others = cycle(ENDINGS.values())

    def ask(call: Callable[[Job], object]) -> None:
        with suppress(ProcessDoneError, BrokenPipeError):
            call(started[-1])

    with handled(lambda: ask(next(others))) as count:
        end = time.monotonic() + PATIENCE
        while count[0] < times and time.monotonic() < end:
            started.append(spawn("cat", stdin=PIPE))
            while started[-1].ended_at is None:
                ask(ENDINGS[name])

    assert count[0] >= times
    with suppress(ProcessDoneError):
        started[0].kill()
    for job in started:  # the table may have those of other tests, too
        ended = str(job.wait(PATIENCE))
        assert ended in ENDED, ended
        assert job.finished
    jobs.clear()
