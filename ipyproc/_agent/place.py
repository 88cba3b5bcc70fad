"""Where a user's agent is found on its machine, and how both sides know each other."""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
from typing import Final, NamedTuple

#: The variable that names another folder.
VARIABLE: Final = "IPYPROC_RUNTIME_DIR"
#: The protocol: there is one agent a user, machine and protocol.
_PROTOCOL: Final = 1
#: What the program of an agent says once somebody serves.
READY: Final = b"ready"
# Of a Unix socket, unix(7): the pid, the user and the group of its other end.
_CREDENTIALS = struct.Struct("=iII")


class Place(NamedTuple):
    """The paths of one agent."""

    folder: str

    @property
    def socket(self) -> str:
        """Where it listens."""
        return os.path.join(self.folder, f"agent-{_PROTOCOL}.socket")

    @property
    def lock(self) -> str:
        """Whose holder is the agent, and alone may remove the socket."""
        return os.path.join(self.folder, f"agent-{_PROTOCOL}.lock")

    @property
    def log(self) -> str:
        """What it complains of."""
        return os.path.join(self.folder, f"agent-{_PROTOCOL}.log")


class Peer(NamedTuple):
    """Who opened the other end of a Unix socket."""

    pid: int
    uid: int
    gid: int


def place() -> Place:
    """Find the folder, and make it if need be; ``OSError`` if it is not ours alone.

    It does not depend on XDG_RUNTIME_DIR, which some sessions of a user have and some
    do not, and is never in the home, which other machines may share.
    """
    uid = os.geteuid()
    chosen = os.environ.get(VARIABLE)
    if chosen:
        folder = os.path.abspath(chosen)
    elif _is_ours(f"/run/user/{uid}"):
        folder = f"/run/user/{uid}/ipyproc"
    else:
        folder = f"/tmp/ipyproc-{uid}"
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if not _is_ours(folder):
            text = "it is not a folder that only its owner may use"
            raise PermissionError(errno.EACCES, text, folder) from None
    return Place(folder)


def peer(sock: socket.socket) -> Peer:
    """Return who is at the other end of a Unix socket."""
    size = _CREDENTIALS.size
    data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return Peer(*_CREDENTIALS.unpack(data))


def _is_ours(path: str) -> bool:
    try:
        seen = os.lstat(path)
    except OSError:
        return False
    others = stat.S_IMODE(seen.st_mode) & 0o077
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid() and not others
