"""The cluster, as its client shows it: tasks, events, and calls of workers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ipyproc._agent.tls import ends_as_it_is
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc.hosts._dask.by_value import ByValue

if TYPE_CHECKING:
    from distributed import Client

#: What a place is told that is not needed: any other number is the pid that it holds.
LEAVE: Final = 0
_TEXT: Final = "ipyproc.hosts._dask.on_worker"
#: What an offer says: the job, the run of the task, the worker, and its machine.
Offer = Mapping[str, str]


class Cluster:
    """What the jobs of a host need of a client of Dask.

    May be called from any thread. What comes back comes on our event loop's thread.
    """

    def __init__(
        self,
        client: Client,
        resources: Mapping[str, float] | None,
        workers: Sequence[str] | None,
        topic: str,
    ) -> None:
        self._client: Any = client  # its methods have no types
        self._resources = dict(resources) if resources else None
        self._workers = list(workers) if workers else None
        self._topic = topic
        self._offer, self._tell, self._open_door = (
            ByValue(_TEXT, name) for name in ("offer", "tell", "open_door")
        )

    def tls(self) -> ssl.SSLContext | None:
        """What shows the certificate of the client, if it has one."""
        context: ssl.SSLContext | None = self._client.security.get_connection_args(
            "client"
        ).get("ssl_context")
        if context is not None:
            ends_as_it_is(context)
        return context

    def listen(self, heard: Callable[[Offer], None]) -> None:
        """Call *heard* with each offer from now on."""

        def pass_on(event: tuple[object, Offer]) -> None:
            _post(lambda: heard(event[1]))

        self._client.subscribe_topic(self._topic, pass_on)

    def stop_listening(self) -> None:
        """Hear of no more offers."""
        with suppress(Exception):  # the client is closed, or has no scheduler
            self._client.unsubscribe_topic(self._topic)

    def submit(
        self,
        key: str,
        job: str,
        is_wanted: Callable[[], bool],
        done: Callable[[str | None], None],
    ) -> Any:
        """Queue a task that offers a place for *job*; return its future.

        *done* is called once it is over, if that *is_wanted* still, with what went
        wrong, if anything did.
        """
        future = self._client.submit(
            self._offer,
            self._topic,
            job,
            key,
            key=key,
            pure=False,
            resources=self._resources,
            workers=self._workers,
        )

        def is_over(ended: Any) -> None:
            if is_wanted():  # most are over because their jobs are
                _post(partial(done, _fault(ended)))

        future.add_done_callback(is_over)
        return future

    def tell(self, worker: str, run: str, pid: int) -> None:
        """Tell an offer of *worker* what is to become of it; a worker may be gone."""
        self._call(self._tell, [run, pid], worker, None, None)

    def open_door(
        self,
        worker: str,
        options: Sequence[str],
        feed: bytes,
        opened: Callable[[str], None],
        failed: Callable[[str], None],
    ) -> None:
        """Start a door beside *worker*; one of the two is called, with what it says."""
        args = [list(options), feed]
        self._call(self._open_door, args, worker, opened, failed)

    def ask_for(
        self, workers: Sequence[str], told: Callable[[frozenset[str]], None]
    ) -> None:
        """Call *told* with those of *workers* that the scheduler has, if it answers."""

        async def ask() -> None:
            with suppress(Exception):  # it does not
                found = await self._client.scheduler.ncores(workers=list(workers))
                _post(partial(told, frozenset(found)))

        self._run(ask)

    def _call(
        self,
        function: ByValue,
        args: Sequence[object],
        worker: str,
        done: Callable[[Any], None] | None,
        failed: Callable[[str], None] | None,
    ) -> None:
        async def call() -> None:
            try:
                answers = await self._client.run(function, *args, workers=[worker])
                answer = answers[worker]
            except Exception as error:  # noqa: BLE001 - whatever the worker raises
                if failed:
                    _post(partial(failed, _line(error)))
            else:
                if done:
                    _post(partial(done, answer))

        if not self._run(call) and failed:
            _post(partial(failed, "the client of Dask is closed"))

    def _run(self, call: Callable[[], Coroutine[object, object, None]]) -> bool:
        """Run *call* on the client's loop; ``False`` if that has ended."""
        loop: Any = self._client.loop
        try:
            loop.add_callback(lambda: asyncio.ensure_future(call()))
        except (AttributeError, RuntimeError):
            return False
        return True


def _post(call: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the session ends
        event_loop().call_soon(call)


def _fault(future: Any) -> str | None:
    """What went wrong with a task; ``None`` if it came to its end."""
    if future.status == "error":
        return _line(future.exception())
    return None if future.status == "finished" else f"its task was {future.status}"


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
