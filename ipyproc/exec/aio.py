"""Waiting for a command under asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress


async def in_thread(
    function: Callable[[], object],
    cancel: Callable[[], object],
    kill: Callable[[], object],
) -> None:
    """Await *function*, called in a thread of its own; never leave it running.

    A first cancellation calls *cancel*, later ones *kill*; *function* is awaited in any
    case. Not a thread of asyncio's pool: its few would make one command wait for
    another to end.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[BaseException | None] = loop.create_future()

    def work() -> None:
        error: BaseException | None = None
        try:
            function()
        except BaseException as raised:  # noqa: BLE001 - it is raised by who awaits
            error = raised
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(outcome.set_result, error)

    threading.Thread(target=work, name="ipyproc-wait", daemon=True).start()
    cancelled: asyncio.CancelledError | None = None
    while not outcome.done():
        try:
            await asyncio.wait([outcome])
        except asyncio.CancelledError as error:
            kill() if cancelled else cancel()
            cancelled = error
    failure = cancelled or outcome.result()
    if failure is not None:
        raise failure
