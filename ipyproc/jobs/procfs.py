"""What the kernel tells of processes in /proc, as proc(5) describes it.

psutil tells the same, and more: at five times the price, which is too much for what is
asked of a hundred jobs once a second.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# More than a line of numbers, or a handful of them, ever needs.
_ENOUGH = 4096


class Stat(NamedTuple):
    """One process at one moment.

    *started*: seconds since the boot; with the pid it names one process for ever.
    *cpu*: seconds of processor time so far. *memory*: resident bytes.
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
    """List the processes that we can see."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def stat(pid: int) -> Stat | None:
    """Look at a process; ``None`` if it is gone, or a zombie."""
    try:
        line = _content(f"/proc/{pid}/stat")
    except OSError:
        return None
    # The name may contain anything, parentheses and blanks, too.
    head, _, rest = line.rpartition(b")")
    words = rest.split()
    if not words or words[0] in (b"Z", b"X"):
        return None
    return Stat(
        pid=pid,
        name=os.fsdecode(head.partition(b"(")[2]),
        parent=int(words[1]),
        group=int(words[2]),
        session=int(words[3]),
        cpu=(int(words[11]) + int(words[12])) / _TICKS,
        threads=int(words[17]),
        started=int(words[19]) / _TICKS,
        memory=int(words[21]) * _PAGE,
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
        lines = _content(f"/proc/{pid}/io").splitlines()
        fields = dict(line.split(b": ") for line in lines)
        return int(fields[b"read_bytes"]), int(fields[b"write_bytes"])
    except (OSError, KeyError):
        return None, None


def _content(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, _ENOUGH)
    finally:
        os.close(fd)
