"""Who hears of what happens to a job."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from ipyproc._jobs.io.event_loop import EventLoop
from ipyproc._jobs.io.timers import Callback


class Subscribers:
    """Callbacks that the event loop calls; each has exactly one last call."""

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._callbacks: dict[object, Callback] = {}
        self._told_last = False

    def __bool__(self) -> bool:
        return bool(self._callbacks)

    def add(self, callback: Callback) -> Callable[[], None]:
        """Call *callback* from now on; the result is the function that ends that.

        Who comes after the last call gets one, too.
        """
        key = object()
        with self._lock:
            self._callbacks[key] = callback
            late = self._told_last
        if late:
            self._loop.call_soon(partial(self._tell, key))
        return partial(self._remove, key)

    def tell(self, last: bool) -> None:
        """Call all of them, on the event loop's thread; after the *last* call, none."""
        with self._lock:
            if self._told_last:
                return
            self._told_last = last
            keys = list(self._callbacks)
        for key in keys:
            self._tell(key)

    def _tell(self, key: object) -> None:
        callback = self._callbacks.get(key)
        if callback:
            self._loop.guard(callback)

    def _remove(self, key: object) -> None:
        with self._lock:
            self._callbacks.pop(key, None)
