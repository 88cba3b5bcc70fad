"""Which TCP ports processes listen on, as the kernel tells."""

from __future__ import annotations

import os
import time
from _socket import SOCK_CLOEXEC, SOCK_RAW, ntohs, socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from struct import Struct
from typing import Final, Protocol

from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.survey import survey

# sock_diag(7): a question about all sockets that listen, and what is answered. The
# older form of the question is about IPv4 and IPv6 at once.
_AF_NETLINK: Final = getattr(os, "AF_NETLINK", 16)
_SOCK_DIAG: Final = 4
_QUESTION = Struct("=IHHII 4x 48x II")
_ABOUT_TCP, _REQUEST_DUMP, _LISTENING = 18, 0x301, 1 << 10
_HEADER = Struct("=IH")
_ERROR, _DONE = 2, 3
_ANSWER = Struct("=20xH62xI")  # the port, in network order, and the inode
_ROOM = 1 << 16
# In the tables of /proc/net: the state of a socket that listens.
_LISTENS = b"0A"
# How soon to look at the ports again: nothing tells when one opens.
_FIRST_NAP, _LONGEST_NAP = 0.02, 0.25
# One look at all processes serves all jobs that are asked within so many seconds.
_RECENT = 0.05
# A look at all ports serves all jobs that start within so many seconds.
_FRESH = 0.005


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports at one moment: on which a job listens, *own*, and which are *new*.

    On the new ones anybody listens, and nobody did when the job started.
    """

    own: frozenset[int]
    new: frozenset[int]


class StartPorts:
    """The ports that somebody listened on when a job started."""

    def __init__(self) -> None:
        self._taken: frozenset[int] | None = None

    def note(self) -> None:
        """Note them; it is left for later where that is slow."""
        with suppress(OSError, MemoryError):
            self._taken = _recent()

    def look(self, root: int) -> Ports:
        """Look at the ports of the process *root* and of all that it started."""
        listening = _listening()
        ports = frozenset(listening.values())
        if self._taken is None:
            self._taken = ports
        members = survey.family(root, _RECENT)
        return Ports(_of(members, listening), ports - self._taken)


class Listener(Protocol):
    """A job, as far as it may listen."""

    def ports(self) -> Ports:
        """The ports that it listens on, and the new ones of others."""


class Listening:
    """Looks whether a job listens on *port*, or on any.

    It also counts when anybody else does, if nobody did when the job started.
    """

    def __init__(self, job: Listener, port: int | None) -> None:
        self._job = job
        self._port = None if port is None else checked_port(port)
        self.pause: float | None = _FIRST_NAP
        self.is_behind = False

    def look(self, over: bool) -> int | None:
        """Look at the ports once."""
        ports = self._job.ports()
        if self._port is None:
            found = min(ports.own, default=None)
        else:
            found = self._port if self._port in ports.own | ports.new else None
        self.pause = min(1.5 * (self.pause or _FIRST_NAP), _LONGEST_NAP)
        return found

    def close(self) -> None:
        """Nothing is under way."""

    def missed(self, timeout: float) -> str:
        """Say who listens there."""
        return not_listening(self._port, timeout, holder)


def not_listening(
    port: int | None, timeout: float, holder: Callable[[int], str]
) -> str:
    """Say that a job does not listen, and who does, if *holder* knows that."""
    if port is None:
        return f"listens on no port after {timeout:g} s"
    text = f"does not listen on port {port} after {timeout:g} s"
    return f"{text}: {who}" if (who := holder(port)) else text


def holder(port: int) -> str:
    """Say who listens on *port* here: ``python3 (pid 12)``, for one."""
    inodes = {inode for inode, each in _listening().items() if each == port}
    if not inodes:
        return "nobody does"
    for pid in proc.pids():
        seen = proc.stat(pid) if inodes & _sockets(pid) else None
        if seen:
            return f"{seen.name} (pid {pid}) does"
    return "a process of another user does"


def _of(pids: Iterable[int], listening: Mapping[int, int]) -> frozenset[int]:
    """Return on which ports *pids* listen, each in its own network."""
    found: set[int] = set()
    ours = _network(os.getpid())
    elsewhere: dict[int, dict[int, int]] = {}
    for pid in pids:
        network, held = _network(pid), _sockets(pid)
        if held and network not in (ours, None):
            if network not in elsewhere:
                elsewhere[network] = dict(_table(pid))
            found.update(port for i, port in elsewhere[network].items() if i in held)
        else:
            found.update(port for inode, port in listening.items() if inode in held)
    return frozenset(found)


def _network(pid: int) -> int:
    """Return the number of a process's network; 0 if we may not know."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:
        return 0


def _sockets(pid: int) -> set[int]:
    """Return the inodes of the sockets that a process has open."""
    found = set()
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                kind, _, inode = os.readlink(f"/proc/{pid}/fd/{name}").partition(":")
                if kind == "socket":
                    found.add(int(inode.strip("[]")))
    return found


def _listening() -> dict[int, int]:
    """Return the ports that anybody listens on, in our network, by their inodes.

    The kernel answers a question about them in a tenth of a millisecond. Its tables in
    /proc/net take a hundred times as long, but are there where it may not be asked.
    """
    try:
        return _asked()
    except OSError:
        return dict(_table(os.getpid()))


#: When, and what, the last look for a start showed.
_latest = [(0.0, frozenset[int]())]


def _recent() -> frozenset[int]:
    taken, ports = _latest[0]
    if time.monotonic() - taken > _FRESH:
        ports = frozenset(_asked().values())
        _latest[0] = time.monotonic(), ports
    return ports


def _asked() -> dict[int, int]:
    found: dict[int, int] = {}
    # Opened and noted in one step, whatever a signal handler raises.
    held: list[socket] = []
    try:
        held.extend(
            map(socket, (_AF_NETLINK,), (SOCK_RAW | SOCK_CLOEXEC,), (_SOCK_DIAG,))
        )
        size = _QUESTION.size
        question = size, _ABOUT_TCP, _REQUEST_DUMP, 1, 0, _LISTENING, 0
        held[0].send(_QUESTION.pack(*question))
        while _note_ports(held[0].recv(_ROOM), found):
            pass
    finally:
        for each in held:
            each.close()
    return found


def _note_ports(answer: bytes, found: dict[int, int]) -> bool:
    """Note the ports of one piece of the answer by inode; whether more pieces come."""
    at = 0
    while at < len(answer):
        length, kind = _HEADER.unpack_from(answer, at)
        if kind == _DONE:
            return False
        if kind == _ERROR:
            raise OSError("the kernel does not say who listens")
        port, inode = _ANSWER.unpack_from(answer, at)
        found[inode] = ntohs(port)
        at += -(-length // 4) * 4
    return True


def _table(pid: int) -> Iterator[tuple[int, int]]:
    """Yield the inode and the port of all that listens in the network of a process."""
    for line in proc.tcp(pid):
        words = line.split()
        if len(words) > 9 and words[3] == _LISTENS:
            yield int(words[9]), int(words[1].rpartition(b":")[2], 16)


def checked_port(port: object) -> int:
    """Check the number of a port."""
    if isinstance(port, bool) or not isinstance(port, int):
        kind = type(port).__name__
        raise TypeError(f"port: expected a number from 1 to 65535, not {kind}")
    if not 1 <= port <= 65535:
        raise ValueError(f"port: expected a number from 1 to 65535, got {port}")
    return port
