"""The door: it listens on a port, and connects those who know a word with the agent.

It is what a relay is where no command leads: a process of its own, nobody's child and
in a session of its own, with the environment of the worker. Like the relay it runs in
an isolated Python that has nothing but what comes on its standard input.
"""

from __future__ import annotations

import hmac
import json
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from ipyproc._agent import relay

# In seconds: how long one may take to say the word, and how long the door stays that
# nobody has come through.
_PATIENCE: Final = 20
_UNUSED: Final = 30.0
# And how long the last that TLS has to send.
_ENDING: Final = 2.0
# Who only knocks holds no more processes than that.
_MOST: Final = 64
_ORDERLY: Final = 0


def main(
    say: Callable[[str], None], read: Callable[[int], bytes], load: Callable[[], None]
) -> None:
    """Listen as the standard input says, say where, and serve as nobody's child."""
    asked, tls = (json.loads(read(int.from_bytes(read(4), "big"))) for _ in range(2))
    try:
        secured = _secured_by(tls)
        listener = _listen(asked["host"])
    except (OSError, ValueError) as error:
        say(f"failed {error}")
        return
    say(f"listening {listener.getsockname()[1]}")
    if os.fork():
        os._exit(0)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    word, linger = asked["word"].encode(), float(asked["linger"])

    def pass_on(was_reset: Callable[[], bool]) -> bool:
        return _pass_on(word, say, load, linger, was_reset)

    _Door(listener, asked["stay"], lambda sock: secured(sock, pass_on)).serve()


_PassOn = Callable[[Callable[[], bool]], bool]


def _secured_by(tls: dict[str, Any] | None) -> Callable[[socket.socket, _PassOn], bool]:
    """Return what passes on a connection, by TLS if the worker has told of its own."""
    if tls is None:
        return _as_it_is
    from ipyproc._agent.tls import Pump, context_of

    context = context_of(tls)

    def by_tls(sock: socket.socket, pass_on: _PassOn) -> bool:
        signal.alarm(_PATIENCE)
        outer = context.wrap_socket(sock, server_side=True)
        inner, ours = socket.socketpair()
        pump = Pump(outer, inner)
        thread = threading.Thread(target=pump.run, daemon=True)
        thread.start()
        try:
            return _as_it_is(ours, lambda _: pass_on(lambda: pump.was_reset))
        finally:
            os.closerange(0, 2)
            thread.join(_ENDING)

    return by_tls


def _as_it_is(sock: socket.socket, pass_on: _PassOn) -> bool:
    for fd in (0, 1):
        os.dup2(sock.fileno(), fd)
    sock.close()
    return pass_on(lambda: False)


def _listen(host: str) -> socket.socket:
    """Listen where the worker does; where that is not an address of ours, anywhere."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, 0), family=family, backlog=_MOST)
    except OSError:
        return socket.create_server(("", 0), backlog=_MOST)


def _pass_on(
    word: bytes,
    say: Callable[[str], None],
    load: Callable[[], None],
    linger: float,
    was_reset: Callable[[], bool],
) -> bool:
    """Connect the standard streams with the agent, if they say *word* first.

    Returns whether the connection came to an orderly end.
    """
    signal.alarm(_PATIENCE)
    said = b""
    while len(said) < len(word) and (piece := os.read(0, len(word) - len(said))):
        said += piece
    if not hmac.compare_digest(said, word):
        return False
    signal.alarm(0)
    return relay.main(say, load, linger, was_reset)


class _Door:
    """Serves who comes, each with a process, until nobody is expected any more."""

    def __init__(
        self,
        listener: socket.socket,
        stay: float | None,
        pass_on: Callable[[socket.socket], bool],
    ) -> None:
        self._listener = listener
        self._stay = stay
        self._pass_on = pass_on
        self._children: set[int] = set()
        self._since = time.monotonic()
        self._patience: float | None = _UNUSED
        self._is_over = False
        # A child's end wakes the wait.
        self._ear, mouth = os.pipe()
        os.set_blocking(self._ear, False)
        os.set_blocking(mouth, False)
        signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Serve until a client has left in order, or none has come back for long."""
        while not self._is_over:
            self._wait()
            self._reap()

    def _wait(self) -> None:
        left = None
        if not self._children and self._patience is not None:
            left = self._since + self._patience - time.monotonic()
            if left <= 0:
                self._is_over = True
                return
        ear, listener = self._ear, self._listener.fileno()
        takes = [listener] if len(self._children) < _MOST else []
        ready, _, _ = select.select([ear, *takes], [], [], left)
        if ear in ready:
            with suppress(BlockingIOError):
                os.read(ear, 4096)
        if listener in ready:
            self._accept()

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
            pid = os.fork()
        except OSError:  # it left, or there is no room
            time.sleep(0.1)
            return
        if pid == 0:
            self._serve_one(sock)
        self._children.add(pid)
        sock.close()

    def _serve_one(self, sock: socket.socket) -> None:
        """Serve a connection, in a process of its own that ends with it."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._listener.close()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = _ORDERLY if self._pass_on(sock) else 1
        finally:
            os._exit(code)

    def _reap(self) -> None:
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            self._children.discard(pid)
            self._since, orderly = time.monotonic(), status == _ORDERLY
            # A stranger's end changes nothing, but a client that was here comes back.
            if orderly and not self._children:
                self._is_over = True
            elif not orderly and self._patience == _UNUSED:
                self._patience = self._stay
