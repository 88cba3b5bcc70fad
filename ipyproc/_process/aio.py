"""Waiting for a process under asyncio; imported only when somebody awaits."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress

from ipyproc._process.handle import PidfdOwner, PidOwner
from ipyproc._sys import inherit
from ipyproc.state import ProcessState

_FIRST_NAP, _LONGEST_NAP = 0.0005, 0.02


async def wait(owner: PidfdOwner | PidOwner) -> ProcessState:
    """Wait for the end and take the state; a cancelled wait takes nothing."""
    claim: list[None] = []
    try:
        with owner.waiting():
            nap = _FIRST_NAP
            while not owner.reap():
                await _pause(owner, nap)
                nap = min(nap * 2, _LONGEST_NAP)
            if owner.prints_into_cell:
                await _output_passed()
            state = owner.take(claim)
        return state
    except BaseException:
        owner.give_back(claim)
        raise


async def _pause(owner: PidfdOwner | PidOwner, nap: float) -> None:
    """Pause until the process ended; for a while if no descriptor tells the end."""
    fd = owner.waited_on()
    if fd is None:
        await asyncio.sleep(nap)
        return
    own: list[int] = []
    try:
        # A loop has one reader for each descriptor, and other tasks may wait, too.
        own.append(os.dup(fd))
        # A pidfd does not report the stops of a traced process.
        with suppress(TimeoutError):
            await asyncio.wait_for(_readable(own[0]), nap if owner.stops else None)
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


async def _output_passed() -> None:
    """Do what ``inherit.let_output_pass`` does, without blocking the loop."""
    end = time.monotonic() + inherit.PATIENCE
    while inherit.output_waits() and time.monotonic() < end:
        await asyncio.sleep(0.001)
    await asyncio.sleep(inherit.HANDLING)
