"""Waiting until a job is ready: until it prints something, or listens on a port."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ipyproc._jobs.checks import seconds
from ipyproc._jobs.io.timers import Once
from ipyproc._jobs.output.interleaved import Output
from ipyproc._jobs.output.search import last_line
from ipyproc._jobs.runner import Check, JobStatus, Runner
from ipyproc.errors import NotReadyError
from ipyproc.state import ProcessState

if TYPE_CHECKING:
    import asyncio

# Where the last line is looked for.
_TAIL = 1 << 13

_Found = TypeVar("_Found")


class Waited(Protocol):
    """What waiting for it needs of a job."""

    @property
    def label(self) -> str:
        """How messages call it."""

    @property
    def state(self) -> ProcessState | None:
        """How it ended."""

    @property
    def status(self) -> JobStatus:
        """What it does."""

    @property
    def ended_at(self) -> float | None:
        """When it ended, if it has."""

    @property
    def as_utf8(self) -> Output:
        """What it printed."""

    @property
    def _runner(self) -> Runner:
        """What runs it, and finds what is waited for."""

    def _check_waitable(self) -> None:
        """Raise if nobody would wake a thread that waits for it."""

    def subscribe(self, callback: Callable[[object], None], /) -> Callable[[], None]:
        """Call *callback* when something happened to it."""


class Wait(Generic[_Found]):
    """Waiting for something of a job, step by step."""

    def __init__(
        self, job: Waited, check: Check[_Found], timeout: float | None
    ) -> None:
        if job.ended_at is None:
            job._check_waitable()
        self._job = job
        self._check = check
        self._timeout = None if timeout is None else seconds("timeout", timeout)
        self._started = time.monotonic()

    def step(self) -> tuple[_Found | None, float | None]:
        """Return what is there, or after how many seconds to look again.

        Sooner, if something happens to the job; ``None`` is only then. Raises
        ``NotReadyError`` and ``TimeoutError``.
        """
        # In this order: all that was printed before the end is there to be seen.
        over = self._job.ended_at is not None
        found = self._check.look(over)
        if found is not None:
            return found, 0
        pause = self._check.pause
        if over and pause != 0:
            raise self._not_ready()
        return None, pause if self._check.is_behind else self._in_time(pause)

    def _in_time(self, pause: float | None) -> float | None:
        if self._timeout is None:
            return pause
        left = self._started + self._timeout - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"{self._job.label} {self._check.missed(self._timeout)}")
        return left if pause is None else min(pause, left)

    def _not_ready(self) -> NotReadyError:
        job = self._job
        text = f"{job.label}: {job.state or job.status} before it was ready"
        if line := last_line(job.as_utf8, _TAIL):
            text += f"; last line: {line}"
        return NotReadyError(text, job, job.state)


def _wait(job: Waited, check: Check[_Found], timeout: float | None) -> _Found:
    """Wait until *check* finds what it looks for; an interrupt ends the wait only."""
    wait = Wait(job, check, timeout)
    with _news(job) as next_news, closing(check):
        while True:
            news = next_news()
            found, pause = wait.step()
            if found is not None:
                return found
            if pause != 0:
                news.wait(pause)


async def _wait_async(
    job: Waited, check: Check[_Found], timeout: float | None
) -> _Found:
    """Wait as ``_wait`` does, while other tasks run."""
    import asyncio  # only who awaits pays for it

    wait = Wait(job, check, timeout)
    with news_async(job) as news, closing(check):
        while True:
            news.clear()
            # Elsewhere: searching for what is hard to find takes its time.
            found, pause = await asyncio.to_thread(wait.step)
            if found is not None:
                return found
            if pause != 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), pause)


@contextmanager
def news_async(
    job: Waited, concerns: Callable[[], bool] = lambda: True
) -> Iterator[asyncio.Event]:
    """Make an event that is set whenever something happens to *job* that *concerns*."""
    import asyncio  # only who awaits pays for it

    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: object) -> None:
        if concerns():
            with suppress(RuntimeError):  # the loop has ended first
                loop.call_soon_threadsafe(news.set)

    unsubscribe = job.subscribe(tell)
    try:
        yield news
    finally:
        unsubscribe()


@contextmanager
def _news(job: Waited) -> Iterator[Callable[[], Once]]:
    """Make what wakes when something happens to *job*, a new one for each wait.

    A ``threading.Event`` would do, but for its lock: see ``Once``.
    """
    latest = [Once()]
    unsubscribe = job.subscribe(lambda _: latest[0].set())

    def renew() -> Once:
        latest[0] = once = Once()
        return once

    try:
        yield renew
    finally:
        unsubscribe()


def until(
    self: Waited, pattern: str | re.Pattern[str], timeout: float | None = None
) -> re.Match[str]:
    r"""Wait until the job prints what *pattern* matches, and return the match.

    That is a regular expression (``re.MULTILINE``), searched for in what either stream
    printed since the start, as a terminal would show it, without escapes; every state
    of a line that is written over counts. All that is still kept is searched, piece by
    piece. A match may begin up to 100 lines before the newest output. One in a line
    that did not end yet is taken 50 ms later: the rest of the line may belong to it.

    If the job ends first, that is ``NotReadyError``; ``TimeoutError`` after *timeout*
    seconds, and an interrupt, change nothing: the job runs on. ``ValueError`` says what
    is wrong with the pattern.

    >>> from ipyproc import spawn
    >>> job = spawn("echo listening on 8080; sleep 60", shell=True)
    >>> job.until(r"^listening on (\d+)", timeout=60)[1]
    '8080'
    >>> _ = job.kill()
    """
    return _wait(self, self._runner.printed(pattern), timeout)


async def until_async(
    self: Waited, pattern: str | re.Pattern[str], timeout: float | None = None
) -> re.Match[str]:
    """Wait for *pattern* in asyncio, at most *timeout* seconds, as ``until`` does.

    Cancelling stops the wait and nothing else.
    """
    return await _wait_async(self, self._runner.printed(pattern), timeout)


def until_listening(
    self: Waited, port: int | None = None, timeout: float | None = None
) -> int:
    """Wait until the job, or what it started, listens on a TCP port; return that.

    A given *port* on which nobody listened when the job started counts when anybody
    does, such as the proxy of a container. No event tells, so the ports are looked at
    from time to time: every 20 ms at first, four times a second later.

    If the job ends first, that is ``NotReadyError``. ``TimeoutError`` after *timeout*
    seconds says who listens on the port; the job runs on, also after an interrupt.
    """
    return _wait(self, self._runner.listening(port), timeout)


async def until_listening_async(
    self: Waited, port: int | None = None, timeout: float | None = None
) -> int:
    """Wait for *port* in asyncio, at most *timeout* seconds, as ``until_listening``.

    Cancelling stops the wait and nothing else.
    """
    return await _wait_async(self, self._runner.listening(port), timeout)
