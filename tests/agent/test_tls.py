"""What stands between a connection with TLS and what knows nothing of that."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ipyproc._agent.tls import Pump, context_of
from tests.hosts import certificates
from tests.hosts.certificates import Certificate


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """The certificate of both sides."""
    return certificates.make(tmp_path_factory.mktemp("tls"), "ours")


@dataclass
class Both:
    """Both ends of a pump that runs."""

    far: ssl.SSLSocket
    near: socket.socket
    pump: Pump
    thread: threading.Thread


@pytest.fixture
def both(ours: Certificate) -> Iterator[Both]:
    """A pump between a client with TLS, over TCP, and a socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        plain = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
    server = context_of(told(ours)).wrap_socket(
        accepted, server_side=True, do_handshake_on_connect=False
    )
    shake = threading.Thread(target=server.do_handshake)
    shake.start()
    far = ours.context(ssl.Purpose.SERVER_AUTH, ours).wrap_socket(plain)
    shake.join()
    inner, near = socket.socketpair()
    pump = Pump(server, inner)
    thread = threading.Thread(target=pump.run)
    thread.start()
    with far, near:
        yield Both(far, near, pump, thread)
    thread.join()


def told(certificate: Certificate) -> dict[str, object]:
    """What a worker tells of its own."""
    return {
        "ca": certificate.path.read_text(),
        "cert": certificate.path.read_text(),
        "key": certificate.key.read_text(),
        "ciphers": None,
        "minimum": int(ssl.TLSVersion.TLSv1_2),
        "maximum": None,
    }


def received(sock: socket.socket) -> bytes:
    """All that comes to the end."""
    data = b""
    while piece := sock.recv(1 << 16):
        data += piece
    return data


def passed(data: bytes, sender: socket.socket, receiver: socket.socket) -> bytes:
    """Send *data*, and return as much as was received."""
    thread = threading.Thread(target=sender.sendall, args=(data,))
    thread.start()
    seen = b""
    while len(seen) < len(data):
        seen += receiver.recv(1 << 16)
    thread.join()
    return seen


def test_both_directions(both: Both) -> None:
    """However much it is, it arrives once and in order, as does each side's end."""
    data = bytes(range(256)) * 20_000
    assert passed(data, both.far, both.near) == data
    assert passed(data, both.near, both.far) == data
    both.near.sendall(b"last")
    both.near.shutdown(socket.SHUT_WR)
    assert received(both.far) == b"last"
    with socket.socket(fileno=both.far.detach()) as plain:
        plain.shutdown(socket.SHUT_WR)
    assert received(both.near) == b""
    both.thread.join()
    assert not both.pump.was_reset


def test_the_far_side_ends(both: Both) -> None:
    """What it sent before comes first; what is sent to it still arrives."""
    both.far.sendall(b"last")
    with socket.socket(fileno=both.far.fileno()) as plain:
        plain.shutdown(socket.SHUT_WR)
        plain.detach()
    assert received(both.near) == b"last"
    both.near.sendall(b"answer")
    both.near.close()

    assert received(both.far) == b"answer"
    both.thread.join()
    assert not both.pump.was_reset


def test_a_reset_is_told(both: Both) -> None:
    """The near side sees an end, and can ask whether it was one in order."""
    linger = struct.pack("ii", 1, 0)
    both.far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    both.far.close()

    assert received(both.near) == b""
    assert both.pump.was_reset
