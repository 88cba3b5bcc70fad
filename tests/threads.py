"""Threads that tests start, and how long they wait for one."""

from __future__ import annotations

import threading
from collections.abc import Callable

#: How long a thread may take that is about to end.
SOON = 30.0


def in_threads(count: int, function: Callable[[int], object]) -> None:
    """Call *function* with 0, 1, ... in as many threads at once; raise what fails."""
    barrier = threading.Barrier(count)
    errors: list[BaseException] = []

    def call(index: int) -> None:
        barrier.wait(SOON)
        try:
            function(index)
        except BaseException as error:  # noqa: BLE001 - it is raised below
            errors.append(error)

    threads = [threading.Thread(target=call, args=[i]) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
