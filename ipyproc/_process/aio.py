"""Waiting for a process under asyncio; imported only when somebody awaits."""

from __future__ import annotations

import asyncio
import os

from ipyproc._process.handle import PidfdOwner, PidOwner
from ipyproc.errors import NoHandleError
from ipyproc.state import ProcessState

_FIRST_NAP, _LONGEST_NAP = 0.0005, 0.02


async def wait(owner: PidfdOwner | PidOwner) -> ProcessState:
    """Wait for the end and take the state; a cancelled wait takes nothing."""
    nap = _FIRST_NAP
    while True:
        try:
            return owner.wait(0)
        except TimeoutError:
            await _pause(owner, nap)
        nap = min(nap * 2, _LONGEST_NAP)


async def _pause(owner: PidfdOwner | PidOwner, nap: float) -> None:
    """Pause until the process ended; for a while if no descriptor tells the end."""
    own: list[int] = []
    try:
        with owner.handle() as fd:
            # A loop has one reader for each descriptor, and other tasks may wait, too.
            own.append(os.dup(fd))
        # A pidfd does not report the stops of a traced process.
        await asyncio.wait_for(_readable(own[0]), nap if owner.stops else None)
    except NoHandleError:
        await asyncio.sleep(nap)
    except TimeoutError:
        pass
    finally:
        for fd in own:
            os.close(fd)


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(fd, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(fd)
