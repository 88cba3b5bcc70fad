"""The callbacks that are called when something happens to a job."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ipyproc._jobs.io.event_loop import EventLoop
from ipyproc._jobs.io.timers import Callback


class Subscribers:
    """Callbacks that the event loop calls; each has exactly one last call.

    ``add`` may be called from any thread, and from signal handlers: there is no lock,
    and each change is one operation of a dict, which others see as a whole.
    """

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._callbacks: dict[object, Callback] = {}
        self._told_last = False

    def __bool__(self) -> bool:
        return bool(self._callbacks)

    def add(self, callback: Callback) -> Callable[[], None]:
        """Call *callback* from now on; the result is the function that ends that.

        One that comes after the last call gets it, too.
        """
        key = object()
        self._callbacks[key] = callback
        # In this order: the last call finds the callback, or this finds it was made.
        if self._told_last:
            self._loop.call_soon(partial(self._tell_last, key))
        return partial(self._remove, key)

    def tell(self, last: bool) -> None:
        """Call all of them, on the event loop's thread; after the *last* call, none."""
        if self._told_last:
            return
        self._told_last = last
        for key, callback in list(self._callbacks.items()):
            if last:
                self._tell_last(key)
            elif key in self._callbacks:  # not removed by one before it
                self._loop.guard(callback)

    def _tell_last(self, key: object) -> None:
        callback = self._callbacks.pop(key, None)
        if callback:
            self._loop.guard(callback)

    def _remove(self, key: object) -> None:
        self._callbacks.pop(key, None)
