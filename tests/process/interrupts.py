"""Chosen instants at which a signal handler might run, and raise or call something."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dis import opname
from pathlib import Path
from types import FrameType
from typing import Any

import ipyproc

_ROOT = Path(ipyproc.__file__).parent


def files_below(*parts: str) -> set[str]:
    """Return the source files of parts of the package."""
    paths = (_ROOT / part for part in parts)
    return {str(file) for path in paths for file in [path, *path.rglob("*.py")]}


#: The code of processes, but for that of the launcher, which is another process.
_PROCESSES = files_below("process.py", "_process", "_sys")
#: The interpreter looks for signals after these; not after a call into Python code.
_CHECKING = {"RESUME", "JUMP_BACKWARD", "CALL", "CALL_KW", "CALL_FUNCTION_EX"}
_BY_C = {"__init__", "__new__"}


def _interrupt() -> None:
    raise KeyboardInterrupt


class Interrupts:
    """Calls *handler* at the *number*-th instant at which Python would call one."""

    def __init__(
        self, number: int, handler: Callable[[], object], watched: set[str]
    ) -> None:
        self.left = number
        self._handler = handler
        self._watched = watched
        self._before: dict[FrameType, str] = {}

    def trace(self, frame: FrameType, event: str, _: object) -> Any:
        """Follow the code of processes and jobs, instruction by instruction."""
        if event == "call":
            # A class is called by way of C, after which the interpreter does look.
            if frame.f_back in self._before and frame.f_code.co_name not in _BY_C:
                self._before[frame.f_back] = "a call into Python"
            code = frame.f_code
            # What is raised while an object is freed goes no further.
            if code.co_filename not in self._watched or code.co_name == "__del__":
                return None
            # In this order: without a trace function Python 3.13 ignores the other.
            frame.f_trace = self.trace
            frame.f_trace_opcodes = True
            # At its beginning the interpreter looks, too; no event tells of that.
            self._before[frame] = "RESUME"
        elif event == "opcode":
            self._count(frame)
        elif event == "return":
            self._before.pop(frame, None)
        return self.trace

    def _count(self, frame: FrameType) -> None:
        if self._before.get(frame) in _CHECKING:
            self.left -= 1
            if self.left == 0:
                self._before.clear()
                sys.settrace(None)
                self._handler()
        self._before[frame] = opname[frame.f_code.co_code[frame.f_lasti]]


#: More than there are instants in what is interrupted.
MANY = 10_000


def instants(step: int = 1) -> Iterator[int]:
    """Yield the numbers of instants, after a warm-up that nothing interrupts."""
    yield MANY
    yield from range(1, MANY, step)


@contextmanager
def interrupt_at(
    number: int,
    handler: Callable[[], object] = _interrupt,
    watched: set[str] = _PROCESSES,
) -> Iterator[Interrupts]:
    """Raise KeyboardInterrupt, or call *handler*, at that instant of the block.

    Instants count in *watched* files only. If there are fewer of them, ``left`` is
    above 0 in the end.
    """
    interrupts = Interrupts(number, handler, watched)
    before = sys.gettrace()
    # Python 3.12 traces no instruction unless a frame asks for that beforehand.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(interrupts.trace)
    try:
        yield interrupts
    finally:
        sys.settrace(before)


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Send this thread, the main one, a real signal that raises KeyboardInterrupt.

    It comes after so many seconds, or never, if the block has ended by then.
    """
    main, ended = threading.main_thread().ident, threading.Event()
    begun = threading.Lock()
    assert main

    def send() -> None:
        with begun:
            pass
        if not ended.wait(seconds):
            signal.pthread_kill(main, signal.SIGUSR1)

    armed = True

    def interrupt(*_: object) -> None:
        nonlocal armed
        if armed:
            armed = False
            raise KeyboardInterrupt

    handler = signal.signal(signal.SIGUSR1, interrupt)
    # Not in those of others, such as hypothesis's: what is raised there is lost.
    callbacks, gc.callbacks[:] = gc.callbacks[:], []
    thread = threading.Thread(target=send)
    begun.acquire()
    thread.start()  # which has locks of its own that an interrupt would confuse
    try:
        begun.release()
        yield
    finally:
        # A plain assignment, which no signal can come in between of.
        armed = False
        ended.set()
        thread.join()
        gc.callbacks[:] = callbacks
        signal.signal(signal.SIGUSR1, handler)


@contextmanager
def deaf_interrupt() -> Iterator[None]:
    """Interrupt this thread, the main one, once it sleeps, without waking it.

    Another thread takes the signal: that is what the main thread sees of a signal that
    comes between its last look for one and the sleep.
    """
    number = signal.SIGUSR2
    before = signal.signal(number, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    main, ended = threading.get_native_id(), threading.Event()

    def send() -> None:
        while not ended.wait(0.01):
            if _sleeps(main):
                signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
                signal.pthread_kill(threading.get_ident(), number)
                return

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        ended.set()
        sender.join()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
        signal.signal(number, before)


def _sleeps(thread: int) -> bool:
    status = Path(f"/proc/self/task/{thread}/stat").read_bytes()
    return status[status.rindex(b")") + 2 :].startswith(b"S")
