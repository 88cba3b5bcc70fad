"""Handing open files over to this machine's agent, for a job that is started."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ipyproc._agent.place import place
from ipyproc._agent.protocol.asked import knows
from ipyproc._agent.protocol.frames import Body, Decoder, Frame, encode_json
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._agent.relay import connect
from ipyproc._agent.remote.link import Link
from ipyproc._jobs.request import Request, open_files
from ipyproc._process.arguments import descriptors

# How long the agent may take to have them, in seconds.
_PATIENCE: Final = 10.0
_PIECE: Final = 1 << 16


@contextmanager
def handed_over(request: Request, link: Link) -> Iterator[Body]:
    """Let the agent have the open files of *request* as long as the block lasts.

    They come by a connection of their own, so they stay where the request is sent again
    on a new one. The result is what the request says of them, and empty if there are
    none. Raises ``ConnectionError`` where the agent cannot take them.
    """
    files = open_files(request)
    if not files:
        yield {}
        return
    if not knows(link.welcome, Kind.HAND):
        text = f"{link.name} is of an earlier version, and takes no open files"
        raise ConnectionError(f"{text}: give paths")
    sock = connect(place())
    if sock is None:
        raise ConnectionError(f"{link.name} has ended")
    with sock:
        word = secrets.token_hex(16)
        frame = encode_json(Kind.HAND, 0, {"word": word})
        sock.settimeout(_PATIENCE)
        socket.send_fds(sock, [frame], descriptors([*files.values()]))
        _await_answer(sock, link.name)
        places = {name: place for place, name in enumerate(files)}
        yield {"handed": {"word": word, **places}}


def _await_answer(sock: socket.socket, name: str) -> None:
    """Wait until the agent has taken them."""
    decoder, frames = Decoder(), list[Frame]()
    while not frames:
        data = sock.recv(_PIECE)
        if not data:
            raise ConnectionError(f"{name} has closed the connection")
        frames += decoder.feed(data)
    if frames[0].kind != Kind.REPLY:
        said = frames[0].json().text("text", "it does not say why")
        raise ConnectionError(f"{name} takes no open files: {said}")
