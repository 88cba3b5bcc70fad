"""What the kernel tells of processes in /proc, as proc(5) describes it.

psutil tells the same, and more: at five times the price, which is too much for what is
asked of a hundred jobs once a second.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import NamedTuple

#: What the start of a process is told by, as far as this system has such a clock.
CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# More than a line of numbers, or a handful of them, ever needs.
_ENOUGH = 4096


class Stat(NamedTuple):
    """One process at one moment.

    *cpu*: seconds of processor time so far. *started*: seconds since the boot; with the
    pid it names one process for ever. *memory*: resident bytes.
    """

    pid: int
    name: str
    parent: int
    group: int
    session: int
    cpu: float
    threads: int
    started: float
    memory: int


def pids() -> list[int]:
    """List the processes that we can see; none where there is no /proc."""
    with suppress(FileNotFoundError):
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    return []


def stat(pid: int) -> Stat | None:
    """Look at a process; ``None`` if it is gone, or a zombie."""
    try:
        line = _content(f"/proc/{pid}/stat")
    except OSError:
        return None
    # The name may contain anything, parentheses and blanks, too.
    end = line.rindex(b")")
    words = line[end + 2 :].split()
    if words[0] in b"ZX":
        return None
    return Stat(
        pid,
        os.fsdecode(line[line.index(b"(") + 1 : end]),
        int(words[1]),
        int(words[2]),
        int(words[3]),
        (int(words[11]) + int(words[12])) / _TICKS,
        int(words[17]),
        int(words[19]) / _TICKS,
        int(words[21]) * _PAGE,
    )


def descriptors(pid: int) -> int | None:
    """Count the open descriptors of a process; ``None`` if we may not."""
    folder = f"/proc/{pid}/fd"
    with suppress(OSError):
        # From Linux 6.2 on the size is the number; before, it is 0.
        return os.stat(folder).st_size or len(os.listdir(folder))
    return None


def transferred(pid: int) -> tuple[int, int] | tuple[None, None]:
    """Give the bytes that a process had read from and written to storage.

    ``None`` where the kernel does not count them, or not for us.
    """
    try:
        words = _content(f"/proc/{pid}/io").split()
        at = words.index(b"read_bytes:")
        return int(words[at + 1]), int(words[at + 3])
    except (OSError, ValueError):
        return None, None


def _content(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, _ENOUGH)
    finally:
        os.close(fd)
