"""Processes that many threads start, signal, wait for and drop."""

from __future__ import annotations

import signal
from collections.abc import Callable
from random import Random

from ipyproc import Process, ProcessState, start_process
from tests.threads import in_threads
from tests.trials import TRIALS, dice

THREADS = 4
PROGRAMS = {
    "true": "exit status 0",
    "false": "exit status 1",
    "sleep": "signal: killed",
}


def _is_alive(process: Process) -> None:
    process.signal(0)


def _is_stopped(process: Process) -> None:
    process.signal(signal.SIGSTOP)
    process.signal(signal.SIGCONT)


def _has_ended(process: Process) -> ProcessState | None:
    try:
        return process.wait(0.001)
    except TimeoutError:
        return None


STEPS: list[Callable[[Process], ProcessState | None]] = [
    _is_alive,
    _is_stopped,
    _has_ended,
]


def _live(random: Random) -> None:
    """Start a process, do anything to it, and see it end as it must."""
    name = random.choice(list(PROGRAMS))
    process = start_process(f"/bin/{name}", [name, "1000"])
    steps = random.choices(STEPS, k=random.randrange(5))

    state = next(filter(None, (step(process) for step in steps)), None)
    if name == "sleep":
        assert state is None
        process.kill()
    assert str(state or process.wait()) == PROGRAMS[name]


def test_a_process_is_what_its_thread_made_of_it() -> None:
    """No signal, wait or end of one process is taken for that of another."""

    def work(number: int) -> None:
        random = dice(number)
        for _ in range(TRIALS // THREADS):
            _live(random)

    in_threads(THREADS, work)
