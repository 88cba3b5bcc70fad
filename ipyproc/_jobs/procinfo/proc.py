"""What the kernel tells of processes in /proc, as proc(5) describes it.

The guardian's program uses this too, in a Python that is to start fast and stay small:
so this module imports next to nothing.
"""

from __future__ import annotations

import os
import time
from errno import EACCES, ENOENT, EPERM, ESRCH

#: The clock by which the kernel counts the start of a process.
CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_TICKS = os.sysconf("SC_CLK_TCK")
_TICK_NS = 1_000_000_000 // _TICKS
_PAGE = os.sysconf("SC_PAGE_SIZE")
_FLAGS = os.O_RDONLY | os.O_CLOEXEC
_PART = 1 << 16
# A process that is gone, or that we may not look at.
_UNSEEN = {ENOENT, ESRCH, EPERM, EACCES}
# PF_EXITING of the kernel's linux/sched.h.
_EXITING = 0x4
#: At the beginning of a list of descriptors.
NO_MORE = -1


class Stat:
    """One process at one moment.

    Equal to what is the same process, by its pid and its start, also at another moment:
    a pid alone may come again.
    """

    __slots__ = (
        "_flags",
        "cpu",
        "environment_end",
        "group",
        "memory",
        "name",
        "parent",
        "pid",
        "session",
        "stack",
        "started_ticks",
        "state",
        "system_total",
        "threads",
        "user_total",
    )

    def __init__(self, pid: int, line: bytes) -> None:
        # The name may contain anything, parentheses and blanks, too.
        end = line.rindex(b")")
        words = line[end + 2 :].split()
        self.pid = pid
        self.name = os.fsdecode(line[line.index(b"(") + 1 : end])
        #: The letter that proc(5) has for it, ``R`` or ``S`` or ...
        self.state = chr(words[0][0])
        self.parent = int(words[1])
        self.group = int(words[2])
        self.session = int(words[3])
        self._flags = int(words[6])
        #: Seconds of processor time so far.
        self.cpu = (int(words[11]) + int(words[12])) / _TICKS
        #: With those of the children that it waited for.
        self.user_total = (int(words[11]) + int(words[13])) / _TICKS
        self.system_total = (int(words[12]) + int(words[14])) / _TICKS
        self.threads = int(words[17])
        #: When it started, by ``CLOCK``.
        self.started_ticks = int(words[19])
        #: Resident bytes.
        self.memory = int(words[21]) * _PAGE
        #: The address of its stack, which differs from one execution of a program to
        #: the next, and which a fork shares; 0 if the kernel hides it from us.
        self.stack = int(words[25])
        #: Where its variables end, which is known once an exec is nearly over: until
        #: then it is 0, as it is where the kernel hides it from us.
        self.environment_end = int(words[48])

    def __repr__(self) -> str:
        return f"<Stat {self.pid} ({self.name}) {self.state}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stat) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[int, int]:
        return self.pid, self.started_ticks

    @property
    def started(self) -> float:
        """When it started, in seconds of ``CLOCK``."""
        return self.started_ticks / _TICKS

    @property
    def ended(self) -> bool:
        """Whether it is a zombie, or is just being reaped."""
        return self.state in "ZX"

    @property
    def is_dying(self) -> bool:
        """Whether it is on its way out, and a thread of it may still have children."""
        is_over = self.ended and self.threads <= 1
        return bool(self._flags & _EXITING) and not is_over

    @property
    def stopped(self) -> bool:
        """Whether a signal has stopped it."""
        return self.state == "T"

    def was_there(self, moment: int) -> bool:
        """Whether it had started by *moment*, in ns of ``CLOCK``, give or take 2 ticks.

        Two clocks are compared: the kernel's, which ticks, and that of *moment*.
        """
        return self.started_ticks * _TICK_NS <= moment + 2 * _TICK_NS

    def started_before(self, moment: int) -> bool:
        """Whether it had started 2 ticks before *moment*, in ns of ``CLOCK``."""
        return self.started_ticks * _TICK_NS < moment - 2 * _TICK_NS


def pids() -> list[int]:
    """List the processes that we can see; none where there is no /proc."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except FileNotFoundError:
        return []


def stat(pid: int) -> Stat | None:
    """Look at a process, a zombie, too; ``None`` if it is gone.

    ``OSError`` if that cannot be found out, as when no descriptor is free.
    """
    try:
        line = _content(f"/proc/{pid}/stat")
    except OSError as error:
        if error.errno in _UNSEEN:
            return None
        raise
    return Stat(pid, line) if line else None


def table() -> dict[int, Stat]:
    """Look at all processes."""
    found = map(stat, pids())
    return {seen.pid: seen for seen in found if seen}


def running_for(ticks: int) -> float:
    """How many seconds ago a process started at *ticks*, whatever the time of day."""
    return max(0.0, time.clock_gettime(CLOCK) - ticks / _TICKS)


def session(pid: int) -> int:
    """Return the session of a process, -1 if it is gone."""
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def ancestors(pid: int) -> list[int]:
    """List the parent of a process, that one's parent and so on."""
    found: list[int] = []
    seen = stat(pid)
    while seen and seen.parent and seen.parent not in found:
        found.append(seen.parent)
        seen = stat(seen.parent)
    return found


def environment(pid: int) -> list[bytes]:
    """List the variables a process started with; none if we may not look."""
    try:
        return _content(f"/proc/{pid}/environ").split(b"\0")
    except OSError:
        return []


def tcp(pid: int) -> list[bytes]:
    """List the TCP sockets in the network of a process, a line each."""
    found: list[bytes] = []
    for name in ("tcp", "tcp6"):
        try:
            found += _content(f"/proc/{pid}/net/{name}").splitlines()[1:]
        except OSError:  # it is gone, or the machine knows no IPv6
            continue
    return found


def descriptors(pid: int) -> int | None:
    """Count the open descriptors of a process; ``None`` if we may not."""
    folder = f"/proc/{pid}/fd"
    try:
        # From Linux 6.2 on the size is the number; before, it is 0.
        return os.stat(folder).st_size or len(os.listdir(folder))
    except OSError:
        return None


def transferred(pid: int) -> tuple[int, int] | tuple[None, None]:
    """Return the bytes that a process had read from and written to storage.

    ``None`` where the kernel does not count them, or not for us.
    """
    try:
        words = _content(f"/proc/{pid}/io").split()
        at = words.index(b"read_bytes:")
        return int(words[at + 1]), int(words[at + 3])
    except (OSError, ValueError):
        return None, None


def high_water_mark() -> int | None:
    """Return the most resident bytes that we had; ``None`` if the kernel tells not."""
    try:
        words = _content("/proc/self/status").split()
        return int(words[words.index(b"VmHWM:") + 1]) * 1024
    except (OSError, ValueError):
        return None


def _content(path: str) -> bytes:
    """Read a whole file; no descriptor is lost, whenever a signal handler raises.

    Handlers run between two instructions of the interpreter. Here a descriptor is
    opened and noted in one of them, and closed and forgotten in another. The outer
    ``try`` is for a handler that raises as the inner one is about to close.
    """
    held = [NO_MORE]
    try:
        try:
            held.extend(map(os.open, (path,), (_FLAGS,)))
            first = part = os.read(held[-1], _PART)
            if len(part) < _PART // 16:  # nearly all are short, and in one piece
                return first
            parts = [first]
            while part := os.read(held[-1], _PART):
                parts.append(part)
            return b"".join(parts)
        finally:
            close(held)
    except BaseException:
        close(held)
        raise


def close(held: list[int]) -> None:
    """Close what is in *held* behind its last mark; remove that and the mark."""
    if held:
        list(map(os.close, iter(held.pop, NO_MORE)))
