"""Work that no signal handler can break off."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ipyproc._jobs.io.timers import Once
from ipyproc._process.threads import begin

_Result = TypeVar("_Result")
# One such work at a time. Only threads that run no signal handlers hold it: so it is
# never held by a thread that a handler has interrupted.
_turn = threading.Lock()


def uninterrupted(work: Callable[[], _Result]) -> _Result:
    """Do *work* in another thread if handlers run in this one, and return what it did.

    A handler that raises ends the waiting only.
    """
    if threading.current_thread() is not threading.main_thread():
        with _turn:
            return work()
    done = _Done(work)
    try:
        begin(threading.Thread(target=done.run, name="ipyproc-signals", daemon=True))
    except RuntimeError:  # no room for a thread, or the interpreter is ending
        return work()
    done.happened.wait()
    if done.error is not None:
        raise done.error
    return done.results[0]


class _Done(Generic[_Result]):
    """Work that is being done, and what came of it."""

    def __init__(self, work: Callable[[], _Result]) -> None:
        self._work = work
        self.results: list[_Result] = []
        self.error: BaseException | None = None
        self.happened = Once()

    def run(self) -> None:
        try:
            with _turn:
                self.results.append(self._work())
        except BaseException as error:  # noqa: BLE001 - raised where it was asked for
            self.error = error
        finally:
            self.happened.set()


def _in_child() -> None:
    global _turn
    _turn = threading.Lock()


os.register_at_fork(after_in_child=_in_child)
