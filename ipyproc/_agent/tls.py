"""TLS at the end of the agent: who connects shows a certificate, and is shown one.

The certificates are those of the worker of a cluster, by which its clients know it.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

_PIECE = 1 << 16
# Of tcp(7): the state of a connection of which nothing is left.
_TCP_CLOSE = 7
# The end of a connection is one of TLS, too: both sides say before that they leave.
# From OpenSSL 3 on it would break the other direction otherwise.
_ENDS_AS_IT_IS = getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)


def context_of(told: Mapping[str, Any]) -> ssl.SSLContext:
    """Make the context of a server of what a worker has told of its own.

    As for Dask, the cluster has an authority of its own, which vouches for both sides,
    whatever their addresses are.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=told["ca"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    ends_as_it_is(context)
    context.minimum_version = ssl.TLSVersion(told["minimum"])
    if told["maximum"] is not None:
        context.maximum_version = ssl.TLSVersion(told["maximum"])
    if told["ciphers"]:
        context.set_ciphers(told["ciphers"])
    # In memory: it is read from a path only, and a key has no place on the disk.
    fd = os.memfd_create("ipyproc")
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write("\n".join(filter(None, (told["cert"], told["key"]))).encode())
        context.load_cert_chain(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)
    return context


def ends_as_it_is(context: ssl.SSLContext) -> None:
    """Take the end of the connection for that of TLS, too."""
    context.options |= _ENDS_AS_IT_IS


class Pump:
    """Passes on what a connection with TLS carries, to and from a socket without.

    Each side's end is passed on once all before it was.
    """

    def __init__(self, outer: ssl.SSLSocket, inner: socket.socket) -> None:
        self._outer = outer
        self._inner = inner
        #: Whether the other side broke the connection, which is no orderly end.
        self.was_reset = False
        # What is on its way: to the inner side, and from it; None after the end.
        self._up: bytes | None = b""
        self._down: bytes | None = b""
        self._up_ends = self._down_ends = False

    def run(self) -> None:
        """Pass on until both sides have ended, or one was broken."""
        self._outer.setblocking(False)
        self._inner.setblocking(False)
        try:
            while self._up is not None or self._down is not None:
                self._wait()
                self._pass_up()
                self._pass_down()
        except OSError:
            self.was_reset = True
        finally:
            self._inner.close()
            self._outer.close()

    def _wait(self) -> None:
        poll = select.poll()
        outer = inner = 0
        if self._up == b"":
            outer |= select.POLLIN
        elif self._up:
            inner |= select.POLLOUT
        if self._down == b"":
            inner |= select.POLLIN
        elif self._down:
            outer |= select.POLLOUT
        for sock, events in ((self._outer, outer), (self._inner, inner)):
            if events:
                poll.register(sock, events)
        # What TLS has unpacked already makes nothing ready.
        ahead = self._up == b"" and self._outer.pending() > 0
        poll.poll(0 if ahead else None)

    def _pass_up(self) -> None:
        if self._up == b"" and not self._up_ends:
            with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._up = self._received()
                self._up_ends = not self._up
        if self._up:
            with suppress(BlockingIOError):
                self._up = self._up[self._inner.send(self._up) :]
        if not self._up and self._up_ends and self._up is not None:
            self._up = None
            self._inner.shutdown(socket.SHUT_WR)

    def _received(self) -> bytes:
        """Read; an ``OSError`` if it was broken, which TLS would tell as an end."""
        data = b""
        with suppress(ssl.SSLEOFError):
            data = self._outer.recv(_PIECE)
        if not data and self._down is not None and self._is_closed():
            raise ConnectionResetError
        return data

    def _is_closed(self) -> bool:
        info = self._outer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        return info[0] == _TCP_CLOSE

    def _pass_down(self) -> None:
        if self._down == b"" and not self._down_ends:
            with suppress(BlockingIOError):
                self._down = self._inner.recv(_PIECE)
                self._down_ends = not self._down
        if self._down:
            with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._down = self._down[self._outer.send(self._down) :]
        if not self._down and self._down_ends and self._down is not None:
            self._down = None
            # Not its own method, which ends TLS in both directions.
            with socket.socket(fileno=os.dup(self._outer.fileno())) as plain:
                plain.shutdown(socket.SHUT_WR)
