"""Running cells in a shell, and waiting for what happens there."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ipyproc import Job
from ipyproc.magics import wait

PATIENCE = 60
#: Prints a line as soon as the main thread waits for jobs in the same cell.
TELL = """
import sys, threading, time
from ipyproc.magics import wait

def tell(main=threading.main_thread().ident):
    while True:
        frame, names = sys._current_frames()[main], []
        while frame:
            names.append(frame.f_code.co_name)
            if frame.f_code.co_filename == wait.__file__ and len(names) > 2:
                print("it waits")
                return
            frame = frame.f_back
        time.sleep(0.01)

threading.Thread(target=tell).start()
"""


@dataclass
class Ran:
    """What came of a cell: its value, its error, and what it printed."""

    value: Any
    error: BaseException | None
    out: str
    err: str


RunCell = Callable[[str], Ran]


@contextmanager
def interrupt_when_waiting() -> Iterator[None]:
    """Interrupt once, as soon as the main thread waits for jobs in the block."""
    main = threading.main_thread().ident
    assert main is not None
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if _waits(sys._current_frames()[main]):
                signal.pthread_kill(main, signal.SIGINT)
                return
            time.sleep(0.005)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _waits(frame: Any) -> bool:
    """Whether *frame* is that of a wait which the magics began."""
    names = []
    while frame is not None:
        if frame.f_code.co_filename == wait.__file__:
            return names[:1] in (["wait"], ["acquire_within"])
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return False


def until(job: Job, reached: Callable[[Job], bool]) -> None:
    """Wait until *reached* is true of a job."""
    there = threading.Event()

    def look(job: Job) -> None:
        if reached(job):
            there.set()

    unsubscribe = job.subscribe(look)
    look(job)
    assert there.wait(PATIENCE)
    unsubscribe()


def output(job: Job) -> str:
    """What a job printed, once it has ended."""
    job.wait(PATIENCE)
    return job.stdout.text
