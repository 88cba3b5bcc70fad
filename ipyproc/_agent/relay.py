"""The relay: it connects the streams of a command with the user's agent there.

It runs in an isolated Python that has nothing but what comes on its standard input:
this module and those it imports, and later, if there is no agent, all that one needs.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import MAGIC_NUMBER

from ipyproc._agent.place import READY, Place, peer, place
from ipyproc._agent.protocol.frames import encode_json
from ipyproc._agent.protocol.kinds import Kind

#: The argument by which we only start the agent.
START = "start"
_IN, _OUT = 0, 1
# How long an agent may take to begin, and one that leaves to be gone; in seconds.
_PATIENCE = 20.0
_NAP = 0.02
# When a link breaks the two streams are closed one after the other.
_BREAKING = 0.1
# How soon after its last word a client closes its side, in seconds.
_LEAVING = 2.0
_PIECE = 1 << 16
_BROKEN = select.POLLERR | select.POLLHUP
_MOST_DESCRIPTORS = 1 << 16


def _never() -> bool:
    return False


def main(
    say: Callable[[str], None],
    load: Callable[[], None],
    linger: float | None = None,
    was_reset: Callable[[], bool] = _never,
) -> bool:
    """Connect, pass on what comes, and return whether that ended in order.

    *say* tells the other side how far we are, *load* brings what an agent needs. With
    *linger* both streams are one socket: see ``_Relay``. With the argument ``START``
    nothing is passed on: who started us connects by itself.
    """
    try:
        where = place()
        agent = connect(where) or _start(where, say, load)
        if START in sys.argv[2:]:
            agent.close()
            say("began")
            return True
        greeting = _greeting()
    except Exception as error:  # noqa: BLE001 - the other side is to know of any
        say(f"failed {type(error).__name__}: {error}")
        return False
    say("open")
    agent.sendall(greeting)
    return _Relay(agent, linger, was_reset).run()


def _greeting() -> bytes:
    side = {"env": dict(os.environ), "uid": os.geteuid()}
    return encode_json(Kind.RELAY, 0, side)


def connect(where: Place) -> socket.socket | None:
    """Connect to the agent; ``None`` if there is none."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(where.socket)
    except (FileNotFoundError, ConnectionError):
        sock.close()
        return None
    except OSError:
        sock.close()
        raise
    if peer(sock).uid != os.geteuid():
        sock.close()
        raise PermissionError(f"{where.socket} is another user's")
    return sock


def _start(
    where: Place, say: Callable[[str], None], load: Callable[[], None]
) -> socket.socket:
    say(f"load {MAGIC_NUMBER.hex()}")
    load()
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        answer = _begin_agent(where)
        if answer not in (READY.decode(), ""):
            raise OSError(f"no agent could be started: {answer}")
        if agent := connect(where):
            return agent
        time.sleep(_NAP)  # one that leaves has the lock still
    raise TimeoutError(f"no agent began within {_PATIENCE:g} s; see {where.log}")


def _begin_agent(where: Place) -> str:
    """Start the agent as nobody's child, and return what it says."""
    ear, mouth = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                os.close(ear)
                _be_agent(where, mouth)
        finally:
            os._exit(0)
    os.close(mouth)
    os.waitpid(pid, 0)
    said = b""
    while piece := os.read(ear, 4096):
        said += piece
    os.close(ear)
    return said.decode(errors="replace")


def _be_agent(where: Place, mouth: int) -> None:
    from ipyproc._agent.server import program  # it was loaded a moment ago

    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        log = os.open(where.log, flags, 0o600)
        nothing = os.open(os.devnull, os.O_RDWR)
        for fd, target in ((nothing, 0), (nothing, 1), (log, 2)):
            os.dup2(fd, target)
        os.dup2(mouth, 3, inheritable=False)
        os.closerange(4, min(os.sysconf("SC_OPEN_MAX"), _MOST_DESCRIPTORS))
        os.chdir("/")
        program.main(where, 3)
    except BaseException as error:  # the relay passes it on
        with suppress(OSError):
            os.write(3, f"{type(error).__name__}: {error}".encode())
        raise


class _Relay:
    """Passes bytes on in both directions until one side ends.

    The agent must know how: an end of our input while our output is open is orderly,
    and closes our half of the connection; all else closes both halves.

    A socket is different: its end is in order; and it is reset by a client that is
    killed while something is on its way to that. So a reset is an orderly end, too,
    unless the client has come back, by another connection, *linger* seconds later.
    Where something stands between us and that socket, *was_reset* tells it of an end.
    """

    def __init__(
        self,
        agent: socket.socket,
        linger: float | None,
        was_reset: Callable[[], bool],
    ) -> None:
        self._agent = agent.detach()
        self._linger = linger
        self._was_reset = was_reset
        # What is on its way: to the agent, and from it.
        self._up = memoryview(b"")
        self._down = memoryview(b"")
        self._input_open = True
        self._was_orderly = False
        for fd in (_IN, _OUT, self._agent):
            os.set_blocking(fd, False)

    def run(self) -> bool:
        """Pass on what comes; return whether our side came to an orderly end."""
        with suppress(BrokenPipeError, ConnectionError):
            while self._turn():
                pass
        if self._linger is not None:
            self._end_socket(self._linger)
        return self._was_orderly

    def _end_socket(self, linger: float) -> None:
        """End in order, unless the client has come back by another connection."""
        poll = select.poll()
        poll.register(self._agent, 0)
        if not self._was_orderly:
            if poll.poll(int(linger * 1000)):
                self._was_orderly = self._client_has_left()
                return
            self._end_in_order()
        # It has to see that before all is closed.
        poll.poll(int(_PATIENCE * 1000))

    def _client_has_left(self) -> bool:
        """Whether the agent has closed the connection because the client said so."""
        poll = select.poll()
        poll.register(_IN, select.POLLIN)
        with suppress(ConnectionError):
            while poll.poll(int(_LEAVING * 1000)):
                if not _read(_IN):
                    return True
        return False

    def _turn(self) -> bool:
        ready = self._wait()
        if ready.get(_OUT, 0) & select.POLLERR:
            return False
        if not self._input_open and self._down and ready.get(self._agent, 0) & _BROKEN:
            return False
        if self._up:
            self._up = _write(self._agent, self._up)
        elif self._input_open and ready.get(_IN):
            data = _read(_IN)
            self._up = memoryview(data or b"")
            if data == b"" and not self._end_input():
                return False
        if self._down:
            self._down = _write(_OUT, self._down)
        elif ready.get(self._agent, 0) & ~select.POLLOUT:
            data = _read(self._agent)
            self._down = memoryview(data or b"")
            if data == b"":
                return False
        return True

    def _wait(self) -> dict[int, int]:
        poll = select.poll()
        poll.register(_OUT, select.POLLOUT if self._down else 0)
        if self._input_open and not self._up:
            poll.register(_IN, select.POLLIN)
        events = select.POLLOUT if self._up else 0
        events |= 0 if self._down else select.POLLIN
        # While output waits, the agent's end would wake us again and again; but once
        # the input has ended there may be nobody who ever takes it.
        if events or not self._input_open:
            poll.register(self._agent, events)
        return dict(poll.poll())

    def _end_input(self) -> bool:
        """Whether the input ended in order: then the agent is told."""
        self._input_open = False
        if self._was_reset():
            return False
        poll = select.poll()
        poll.register(_OUT, 0)
        pause = 0 if self._linger is not None else int(_BREAKING * 1000)
        if pause and any(events & _BROKEN for _, events in poll.poll(pause)):
            return False
        self._end_in_order()
        return True

    def _end_in_order(self) -> None:
        with socket.socket(fileno=os.dup(self._agent)) as agent:
            agent.shutdown(socket.SHUT_WR)
        self._was_orderly = True


def _read(fd: int) -> bytes | None:
    try:
        return os.read(fd, _PIECE)
    except BlockingIOError:
        return None


def _write(fd: int, data: memoryview) -> memoryview:
    try:
        return data[os.write(fd, data) :]
    except BlockingIOError:
        return data
