"""Threads that tests start, and how long the tests wait for them."""

from __future__ import annotations

import threading
from collections.abc import Callable

#: Seconds that a thread that is about to end may take.
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
