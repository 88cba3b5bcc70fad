"""The agent: it starts and ends jobs for its clients, and leaves when it has none."""

from __future__ import annotations

import gc
import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Final

from ipyproc._agent import listing, records
from ipyproc._agent.place import peer
from ipyproc._agent.protocol.attachment import Hosted
from ipyproc._agent.protocol.frames import Body, Fields
from ipyproc._agent.protocol.server import Server
from ipyproc._agent.requests import request_of
from ipyproc._agent.server import scripts
from ipyproc._agent.server.connection import Connection
from ipyproc._agent.server.handed import with_files
from ipyproc._agent.server.hosted import HostedJob
from ipyproc._agent.server.keeping import Keeping, Kept
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.io.timers import Once, Timer
from ipyproc._jobs.job import Job, start
from ipyproc._jobs.local import LocalRunner
from ipyproc._jobs.procinfo.ports import holder
from ipyproc._jobs.registry import Jobs
from ipyproc._jobs.request import Request

_log = logging.getLogger(__name__)

# In seconds: how long an agent stays that has nothing to keep, how often it looks, and
# how long it waits when no descriptor is free for a connection.
_STAY: Final = 10.0
_TICK: Final = 1.0
_NAP: Final = 1.0
# How soon to free what jobs have left that were forgotten.
_COLLECT: Final = 0.5
# What a job that is ended with its client may take to obey TERM.
_GRACE: Final = 0.8


class Agent:
    """Serves who connects to *listener*; all of it on the event loop's thread.

    *left* happens when there is nothing to keep for 10 s.
    """

    def __init__(self, listener: socket.socket) -> None:
        self.left = Once()
        self._loop = event_loop()
        self._jobs = Jobs()
        self._hosted: dict[str, HostedJob] = {}
        # The detached ones, by their folders.
        self._kept: dict[str, HostedJob] = {}
        self._keeping = Keeping(self._jobs)
        facts = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "python": sys.version.split()[0],
        }
        self._server = Server(self, secrets.token_hex(16), facts)
        self._connections: set[Connection] = set()
        self._idle_since = time.monotonic()
        self._collector: Timer | None = None
        listener.setblocking(False)
        self._listener = listener
        self._fd = listener.fileno()
        self._loop.call_soon(self._begin)

    def start(self, identity: str, fields: Fields, side: Fields) -> Hosted:
        """Start a job as it is meant here."""
        request = request_of(fields, side)
        kept = fields.fields("detached")
        if kept.body:
            return self._start_kept(identity, request, kept, _root(side))
        if request.file is None:
            return self._start_owned(identity, request)
        folder = scripts.make_folder()
        try:
            hosted = self._start_owned(identity, scripts.placed(request, folder))
        except BaseException:
            scripts.remove(folder)
            raise
        hosted.when_forgotten = partial(scripts.remove, folder)
        return hosted

    def adopt(self, folder: str) -> Hosted | None:
        """Find a detached job by its folder; ``None`` if there is none."""
        records.check(folder)
        self._find(os.path.dirname(folder))
        if folder in self._kept:
            return self._kept[folder]
        record = records.read(folder)
        kept = self._keeping.adopt(record) if record else None
        if kept is None and record and record.is_over:
            records.settle(record)
            kept = self._keeping.recall(records.read(folder) or record)
        return self._host(kept) if kept else None

    def listed(self, start: int, side: Fields) -> Body:
        """List the user's detached jobs, from the one that is number *start* on."""
        return listing.body_of(records.read_all(_root(side)), start, time.time())

    def note_seen(self, folder: str) -> None:
        """Note that a session has heard of the end of a detached job."""
        records.check(folder)
        records.note_seen(folder)

    def remove(self, folder: str) -> None:
        """Delete what is kept of a detached job; ``RuntimeError`` while it runs."""
        records.check(folder)
        records.forget(folder)

    def check(self, fields: Fields, side: Fields) -> None:
        """Raise what can be known before a start."""
        LocalRunner(request_of(fields, side)).check()

    def holder(self, port: int) -> str:
        """Say who listens on *port*."""
        return holder(port)

    def end(self, jobs: Iterable[Hosted]) -> None:
        """End *jobs*, and what ended ones have left."""
        for each in jobs:
            hosted = self._hosted.pop(each.identity)
            hosted.forget()
            with suppress(OSError):
                hosted.job.terminate(min(hosted.job.grace, _GRACE))
            hosted.job.when_finished(self._discard)

    def forget(self, hosted: Hosted) -> None:
        """Forget a job, once it has ended."""
        known = self._hosted.pop(hosted.identity, None)
        if known:
            self._kept.pop(known.folder or "", None)
            known.forget()
            known.job.when_finished(self._discard)

    def _start_owned(self, identity: str, request: Request) -> HostedJob:
        """Start a job that ends with its client."""
        runner = LocalRunner(request)
        job = start(request, runner, self._jobs)
        hosted = HostedJob(identity, job, runner, lambda: self._server.news(hosted))
        self._hosted[identity] = hosted
        return hosted

    def _start_kept(
        self, identity: str, request: Request, kept: Fields, root: str
    ) -> HostedJob:
        """Start a detached job, in the *folder* of who asks, or in a new one here."""
        request = with_files(request, kept, self._connections)
        notebook, folder = kept.text("notebook", ""), kept.optional("folder")
        if folder is not None:
            self._find(os.path.dirname(folder))
            return self._host(self._keeping.start(request, folder, notebook))
        self._find(root)
        folder = records.create(request.name, root)
        try:
            if request.file is not None:
                request = scripts.placed(request, folder)
            started = self._keeping.start(request, folder, notebook)
        except BaseException:
            records.remove(folder)
            raise
        return self._host(started, identity)

    def _find(self, root: str) -> None:
        """Adopt what runs in *root*, a folder of folders, the first time."""
        for kept in self._keeping.find(root):
            self._server.keep(self._host(kept))

    def _host(self, kept: Kept, identity: str | None = None) -> HostedJob:
        """Let clients have a detached job, as *identity*, or by its own id."""
        identity = identity or kept.identity
        hosted = HostedJob(
            identity, kept.job, kept.runner, lambda: self._server.news(hosted)
        )
        hosted.is_kept, hosted.folder = True, kept.folder
        self._hosted[identity] = self._kept[kept.folder] = hosted
        return hosted

    def _discard(self, job: Job) -> None:
        self._jobs.discard(job)
        if self._collector is None:
            self._collector = self._loop.call_later(_COLLECT, self._collect)

    def _collect(self) -> None:
        """Free what was forgotten: jobs are in cycles, and an agent may idle for long.

        Files that nobody will read would stay on the disk as long.
        """
        self._collector = None
        gc.collect()

    def _begin(self) -> None:
        self._find(records.root())
        self._loop.watch(self._fd, EVENT_READ, self._accept)
        self._tick()

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError as error:  # as when no descriptor is free
            _log.warning("no connection could be taken: %s", error)
            self._loop.unwatch(self._fd)
            watch = partial(self._loop.watch, self._fd, EVENT_READ, self._accept)
            self._loop.call_later(_NAP, watch)
            return
        if peer(sock).uid != os.geteuid():
            sock.close()
            return
        session = self._server.open(time.monotonic())
        connection = Connection(self._loop, sock, session, self._connections.discard)
        self._connections.add(connection)

    def _tick(self) -> None:
        now = time.monotonic()
        self._server.tick(now)
        if self._connections or not self._server.is_idle or self._jobs.running:
            self._idle_since = now
        if now - self._idle_since > _STAY:
            self._loop.unwatch(self._fd)
            self.left.set()
            return
        self._loop.call_later(_TICK, self._tick)


def _root(side: Fields) -> str:
    """Where the detached jobs are of the user whose environment *side* has."""
    return records.root(side.mapping("env") or os.environ)
