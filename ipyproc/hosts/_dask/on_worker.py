"""What runs on the workers of a cluster. It is sent as text: they have no ipyproc.

A task offers the place that it holds, again and again, until the client says what is
to become of it: a process has begun, whose end is the task's, or the job has a place.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import select
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Any, Final

from distributed import get_worker

# After how many seconds an offer is made once more, and how often: an event may be
# lost, and a client may be stopped. One that comes back asks for another place.
_REPEAT: Final = 1.0
_OFFERS: Final = 12
# How often to look at a process where there are no pidfds.
_LOOK: Final = 0.5
# How long a door may take to open.
_PATIENCE: Final = 20.0
# What ``tell`` says of a place that is not needed any more; else it is a pid.
_LEAVE: Final = 0


async def offer(topic: str, job: str, key: str) -> bool:
    """Hold a place for *job* until its process has ended; whether anybody answered.

    *key* is that of the task.
    """
    worker: Any = get_worker()
    run = secrets.token_hex(8)
    told: asyncio.Queue[int] = asyncio.Queue()
    _places(worker)[run] = told
    place = {
        "job": job,
        "run": run,
        "worker": worker.address,
        "host": socket.gethostname(),
    }
    try:
        for _ in range(_OFFERS):
            worker.log_event(topic, place)
            if _is_forgotten(worker, key):
                break
            with suppress(asyncio.TimeoutError):
                pid = await asyncio.wait_for(told.get(), _REPEAT)
                await _hold(pid, told)
                return True
        return False
    finally:
        _places(worker).pop(run, None)


async def tell(run: str, pid: int, dask_worker: Any = None) -> bool:
    """Tell an offer that its process has this *pid*; whether it is there."""
    told = _places(dask_worker).get(run)
    if told is not None:
        told.put_nowait(pid)
    return told is not None


async def open_door(options: list[str], feed: bytes, dask_worker: Any = None) -> str:
    """Start a door in the environment of this worker; return what it says."""
    tls = json.dumps(_tls_of(dask_worker)).encode()
    feed += len(tls).to_bytes(4, "big") + tls
    return await asyncio.to_thread(_start_door, options, feed)


def _tls_of(worker: Any) -> dict[str, Any] | None:
    """What a door needs to show the certificate of this worker; ``None`` without TLS.

    It goes to the door by a pipe, and nowhere else.
    """
    if not worker.address.startswith("tls://"):
        return None
    security = worker.security
    told = security.get_tls_config_for_role("worker")
    newest = security.tls_max_version
    return {
        "ca": _pem(told["ca_file"]),
        "cert": _pem(told["cert"]),
        "key": _pem(told["key"]),
        "ciphers": told["ciphers"],
        "minimum": int(security.tls_min_version),
        "maximum": None if newest is None else int(newest),
    }


def _pem(value: str | None) -> str | None:
    """The text of a certificate or a key, which may be a path."""
    if value is None or "\n" in value:
        return value
    with open(value) as file:
        return file.read()


def _start_door(options: list[str], feed: bytes) -> str:
    # A worker that is a job itself has a mark, by which all that it starts would end
    # with it.
    env = {name: v for name, v in os.environ.items() if name != "IPYPROC_SESSION"}
    door = subprocess.Popen(
        [sys.executable, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=env,
    )
    try:
        said, _ = door.communicate(feed, _PATIENCE)
    except BaseException:
        door.kill()
        door.communicate()
        raise
    return said.decode(errors="replace")


def _is_forgotten(worker: Any, key: str) -> bool:
    """Whether the scheduler wants no result of the task any more: its client is gone.

    Nobody cancels a coroutine, so it has to look.
    """
    # WorkerState is private, and may be another one.
    tasks = getattr(getattr(worker, "state", None), "tasks", {})
    return getattr(tasks.get(key), "state", None) == "cancelled"


def _places(worker: Any) -> dict[str, asyncio.Queue[int]]:
    """The places that are held on a worker, by the run of the task."""
    places: dict[str, asyncio.Queue[int]] = worker.__dict__.setdefault("_ipyproc", {})
    return places


async def _hold(pid: int, told: asyncio.Queue[int]) -> None:
    """Wait for the end of the process *pid*, or until the client says to leave."""
    ended = asyncio.ensure_future(_end_of(pid)) if pid != _LEAVE else None
    while ended is not None and not ended.done():
        heard = asyncio.ensure_future(told.get())
        await asyncio.wait({ended, heard}, return_when=asyncio.FIRST_COMPLETED)
        if heard.done() and heard.result() == _LEAVE:
            ended.cancel()
            return
        heard.cancel()


async def _end_of(pid: int) -> None:
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except OSError:
        while os.path.exists(f"/proc/{pid}"):
            await asyncio.sleep(_LOOK)
        return
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def has_ended() -> None:
        if not ended.done():
            ended.set_result(None)

    try:
        if select.select([fd], [], [], 0)[0]:
            return
        loop.add_reader(fd, has_ended)
        await ended
    finally:
        loop.remove_reader(fd)
        os.close(fd)
