"""What a page can do to a job, and the thread that does it.

A page names an entry of a table, and no more. To find all that a job started may take a
while, so it is neither done on the thread that hears the page nor on the one that
sends.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from ipyproc._jobs.job import Job
from ipyproc.views.render.bits import signal_name
from ipyproc.views.transport.on_demand import OnDemandThread
from ipyproc.views.transport.protocol import Asked, Done, Send, Signal

Act: TypeAlias = Callable[[], object]

#: All signals that a page can name.
SIGNALS: Final = {signal_name(sig): sig for sig in sorted(signal.Signals)}
#: The signals that have a button, by the action that it asks for.
BUTTONS: Final = {
    "interrupt": signal.SIGINT,
    "terminate": signal.SIGTERM,
    "kill": signal.SIGKILL,
    "stop": signal.SIGSTOP,
    "continue": signal.SIGCONT,
}
#: All actions that change something, so that the kernel answers with `Done`.
ACTIONS: Final = frozenset({*BUTTONS, "signal", "send", "close_stdin"})
#: The name of the thread.
NAME: Final = "ipyproc-actions"

_LONGEST_INPUT = 1 << 20
_MOST = 64
_BUSY = "too much is asked of the kernel: try again"


class Worker:
    """Does what pages ask for, one after the other, on a thread that ends when idle."""

    def __init__(self) -> None:
        self._waiting: deque[Act] = deque()
        self._thread = OnDemandThread(NAME, self._take)

    def do(self, act: Act) -> bool:
        """Do *act* soon; False if too many wait already, or no thread can start."""
        with self._thread.changed:
            if len(self._waiting) >= _MOST:
                return False
            self._waiting.append(act)
            if not self._thread.wake():
                self._waiting.pop()
                return False
        return True

    def retire(self, timeout: float) -> bool:
        """Wait until all is done, up to *timeout* seconds; return whether it is."""
        return self._thread.retire(timeout)

    def _take(self) -> Act | None:
        return self._waiting.popleft() if self._waiting else None


#: The one worker of this kernel.
shared: Final = Worker()


def perform(asked: Asked, act: Act, answer: Callable[[Done], None]) -> None:
    """Do what was *asked* for on the worker's thread, and *answer* how it went."""
    if not shared.do(lambda: answer(_done(asked, act))):
        answer(_answer(asked, _BUSY))


def act(job: Job, asked: Asked) -> Act | None:
    """Return what *asked* wants done to *job*; None if it is nothing that can be."""
    match asked["action"]:
        case "signal":
            return _signal(job, asked)
        case "send":
            return _send(job, asked)
        case "terminate":
            return job.terminate
        case "close_stdin":
            return job.close_stdin
    # Buttons reach what the job started, too, as Ctrl-C in a terminal does; only
    # ``signal`` leaves that to the reader.
    return partial(job.signal, BUTTONS[asked["action"]], tree=True)


def _signal(job: Job, asked: Signal) -> Act | None:
    if asked["signal"] not in SIGNALS:
        return None
    return partial(job.signal, SIGNALS[asked["signal"]], tree=asked["tree"])


def _send(job: Job, asked: Send) -> Act | None:
    if len(asked["text"]) > _LONGEST_INPUT:
        return None
    return partial(job.send, asked["text"].encode("utf-8", "replace"))


def _done(asked: Asked, act: Act) -> Done:
    try:
        act()
    except (OSError, ValueError, RuntimeError) as problem:
        return _answer(asked, str(problem))
    return _answer(asked, "")


def _answer(asked: Asked, error: str) -> Done:
    return {"kind": "done", "page": asked["page"], "seq": asked["seq"], "error": error}
