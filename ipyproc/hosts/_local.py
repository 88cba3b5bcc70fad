"""This machine's agent of the user, which owns what outlives a session."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from errno import ENOSYS
from typing import Final

from ipyproc._agent import bundle
from ipyproc._agent.place import Place, peer, place
from ipyproc._agent.protocol.known import LEASE
from ipyproc._agent.relay import START, connect
from ipyproc._agent.remote.link import Link
from ipyproc._agent.remote.stream import Stream
from ipyproc._jobs.io.event_loop import EventLoop, event_loop
from ipyproc._jobs.procinfo import proc
from ipyproc._sys.interpreter import interpreter
from ipyproc.hosts import _scope
from ipyproc.hosts._child import Child
from ipyproc.hosts._greeting import PATIENCE, Greeting
from ipyproc.hosts._socket import SocketWay

NAME: Final = "the agent of this machine"
# What is read of the end of a log.
_END_OF_LOG: Final = 4096


class LocalDialer:
    """Opens connections to the agent here, and starts it if there is none."""

    def dial(
        self, opened: Callable[[Stream], None], failed: Callable[[OSError], None]
    ) -> None:
        """Connect, and call one of the two once, later."""
        self._dial(opened, failed, _scope.words)

    def _dial(
        self,
        opened: Callable[[Stream], None],
        failed: Callable[[OSError], None],
        starter: Callable[[], list[str]] | None,
    ) -> None:
        """Connect, or start it, with what *starter* puts before its words."""
        loop = event_loop()
        try:
            where = place()
            sock = connect(where)
            if sock is not None:
                stream = _connected(loop, sock)
                loop.call_soon(lambda: opened(stream))
            elif starter is not None:
                self._start(where, opened, failed, starter())
            else:
                raise ConnectionError(f"{NAME} left at once{_last_words(where)}")
        except OSError as error:
            loop.call_soon(lambda error=error: failed(error))  # type: ignore[misc]

    def _start(
        self,
        where: Place,
        opened: Callable[[Stream], None],
        failed: Callable[[OSError], None],
        starter: list[str],
    ) -> None:
        """Let a child start it, as nobody's child."""
        python = interpreter()
        if python is None:
            raise OSError(ENOSYS, "a detached job needs a Python, and none was found")
        marker = f"ipyproc-{secrets.token_hex(16)}"
        words = [*bundle.OPTIONS, bundle.PROGRAM, marker, START]
        program = python.from_outside if starter else python.program
        child = Child(event_loop(), [*starter, program, *words])

        def started(child: Child) -> None:
            # Not before it was waited for: we may end at any time from then on.
            child.when_ended(lambda _: begun(child))

        def begun(child: Child) -> None:
            child.close()
            self._dial(opened, failed, None)

        def refused(error: OSError) -> None:
            if starter:  # the user's systemd does not answer: it does without
                self._dial(opened, failed, list)
                return
            failed(ConnectionError(f"{error}{_last_words(where)}"))

        patience = _scope.PATIENCE if starter else PATIENCE
        greeting = Greeting(NAME, child, marker.encode(), started, refused, patience)
        greeting.shown = program
        greeting.send(marker.encode() + bundle.relay())


class LocalAgent:
    """The connection to the agent here, which the first use makes."""

    def __init__(self) -> None:
        # At most one, by process: a fork makes one of its own.
        self._links: dict[int, Link] = {}

    @property
    def link(self) -> Link:
        """The connection, whichever thread is the first to use it."""
        ours = os.getpid()
        while True:
            link = self._links.get(ours)
            if link is None:
                made = Link(NAME, LocalDialer(), LEASE)
                link = self._links.setdefault(ours, made)
            if not link.is_closed:
                return link
            self._links.pop(ours, None)

    def close(self) -> None:
        """End the connection; what it has started runs on."""
        link = self._links.pop(os.getpid(), None)
        if link is not None:
            link.close()

    def retire(self) -> None:
        """End the connection, unless a job that runs is followed on it."""
        link = self._links.get(os.getpid())
        if link is not None and not link.is_needed:
            link.close()


def stopped_agent() -> int | None:
    """Return the pid of the agent here if it is stopped, and so answers nobody."""
    with suppress(OSError):
        sock = connect(place())
        if sock is not None:
            with sock:
                return _stopped(sock)
    return None


def _connected(loop: EventLoop, sock: socket.socket) -> SocketWay:
    """Take a connection, unless nobody would answer on it."""
    pid = _stopped(sock)
    if pid is not None:
        sock.close()
        text = f"{NAME} (pid {pid}) is stopped: kill -CONT {pid} lets it go on"
        raise ConnectionError(text)
    return SocketWay(loop, sock)


def _stopped(sock: socket.socket) -> int | None:
    """The pid of the agent behind *sock* if it is stopped."""
    pid = peer(sock).pid
    seen = proc.stat(pid) if pid > 0 else None
    return pid if seen is not None and seen.stopped else None


def _last_words(where: Place) -> str:
    """The last line of its log, to put behind an error."""
    with suppress(OSError), open(where.log, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _END_OF_LOG))
        lines = file.read().decode(errors="replace").split("\n")
        last = [line.strip() for line in lines if line.strip()][-1:]
        return "".join(f"; its log ends with: {line}" for line in last)
    return ""


#: The agent of this session's user.
agent = LocalAgent()
