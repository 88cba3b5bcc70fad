"""The descriptor tables of processes: which number stands for which open file."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ipyproc._jobs.procinfo.proc import Stat

_PIPE = "pipe:["


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One descriptor: its number, what it names as ``/proc`` shows it, and its mode."""

    number: int
    target: str
    can_read: bool
    can_write: bool

    @property
    def is_pipe(self) -> bool:
        """Whether it is an end of a pipe; both ends have the same target."""
        return self.target.startswith(_PIPE)


def descriptors(process: Stat) -> list[Descriptor]:
    """List the open descriptors of a process; none if it is gone, or not ours."""
    folder = f"/proc/{process.pid}/fd"
    try:
        numbers = sorted(map(int, os.listdir(folder)))
    except OSError:
        return []
    found = (_descriptor(process.pid, number) for number in numbers)
    return [descriptor for descriptor in found if descriptor]


def _descriptor(pid: int, number: int) -> Descriptor | None:
    try:
        target = os.readlink(f"/proc/{pid}/fd/{number}")
        # The link has the permissions of the open file: its owner reads, or writes.
        mode = os.lstat(f"/proc/{pid}/fd/{number}").st_mode
    except OSError:  # closed meanwhile
        return None
    return Descriptor(number, target, bool(mode & 0o400), bool(mode & 0o200))
