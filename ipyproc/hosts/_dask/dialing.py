"""Making a connection to a worker's machine: a door beside it, and the agent."""

from __future__ import annotations

import json
import math
import secrets
import socket
import ssl
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from ipyproc._agent import bundle
from ipyproc._agent.remote.stream import Stream
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc.hosts._dask.cluster import Cluster
from ipyproc.hosts._greeting import Greeting
from ipyproc.hosts._socket import Connecting, SocketWay
from ipyproc.hosts._tls import Handshake, TlsWay

# How long a connection may take, in seconds.
_PATIENCE: Final = 10.0
# How soon a client that lives is back after a reset, at the latest.
_LINGER: Final = 15.0
_HERE: Final = "127.0.0.1"


class WorkerGoneError(ConnectionError):
    """The worker does not open a door: nothing was started there, nor will it be."""


class DoorDialer:
    """Connects to the agent of *worker*'s machine, whose name is *host*.

    The door lives on when the worker has died, and so does the connection; where it has
    gone and the worker has not, another one is opened.
    """

    def __init__(self, cluster: Cluster, worker: str, host: str, lease: float) -> None:
        self._cluster = cluster
        self._worker = worker
        self._host = host
        self._lease = lease
        self._address = _address_of(worker)
        self._has_tls = worker.startswith("tls://")
        self._word = secrets.token_hex(16)
        self._marker = f"ipyproc-{secrets.token_hex(16)}"
        # Now: the code of this session, whatever becomes of the package.
        self._relay = bundle.relay()
        self._port = 0

    def dial(
        self, opened: Callable[[Stream], None], failed: Callable[[OSError], None]
    ) -> None:
        """Connect, and call one of the two once, later."""
        if self._port:
            self._connect(opened, failed, lambda _: self._open(opened, failed))
        else:
            self._open(opened, failed)

    def _open(
        self, opened: Callable[[Stream], None], failed: Callable[[OSError], None]
    ) -> None:
        """Open a door, and go through it."""
        self._port = 0

        def is_open(said: str) -> None:
            word, _, rest = said.rpartition(f"\n{self._marker} ")[2].partition(" ")
            if word == "listening":
                self._port = int(rest)
                self._connect(opened, failed, unreachable)
            elif word == "none":
                failed(
                    OSError(f"{self._host} needs Python 3.11 or newer: {rest.strip()}")
                )
            else:
                failed(OSError(f"{self._host}: no door: {said.strip()}"))

        def unreachable(why: str) -> None:
            address = f"{self._address}:{self._port}"
            text = f"{self._host} ({address}) cannot be reached from here: {why}"
            failed(ConnectionError(text))

        def is_gone(why: str) -> None:
            text = f"{self._host}: the worker {self._worker} does not answer: {why}"
            failed(WorkerGoneError(text))

        options = [*bundle.OPTIONS, bundle.DOOR, self._marker]
        self._cluster.open_door(self._worker, options, self._feed(), is_open, is_gone)

    def _feed(self) -> bytes:
        """What a door reads: the marker, its code, and what is asked of it."""
        stay = None if math.isinf(self._lease) else self._lease
        asked = {
            "host": self._address,
            "word": self._word,
            "stay": stay,
            "linger": _LINGER,
        }
        body = json.dumps(asked).encode()
        size = len(body).to_bytes(4, "big")
        return self._marker.encode() + self._relay + size + body

    def _connect(
        self,
        opened: Callable[[Stream], None],
        failed: Callable[[OSError], None],
        unreachable: Callable[[str], None],
    ) -> None:
        def connected(sock: socket.socket) -> None:
            if not self._has_tls:
                greet(SocketWay(loop, sock))
                return
            context = self._cluster.tls()
            if context is None:
                sock.close()
                unreachable("its cluster has TLS, and the client has no certificate")
                return
            secured = context.wrap_socket(sock, do_handshake_on_connect=False)
            Handshake(loop, secured, _PATIENCE, begun, unreachable)

        def begun(secured: ssl.SSLSocket) -> None:
            greet(TlsWay(loop, secured))

        def greet(way: SocketWay) -> None:
            greeting = Greeting(self._host, way, self._marker.encode(), opened, failed)
            greeting.shown = f"{self._address}:{self._port}"
            greeting.send(self._word.encode())

        loop = event_loop()
        address = self._address, self._port
        Connecting(loop, address, _PATIENCE, connected, unreachable)


def _address_of(worker: str) -> str:
    """The address in that of a worker; one in this process has none."""
    return urlsplit(worker).hostname or _HERE
