"""What a process inherits beside its environment, its directory and its files."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from signal import SIG_IGN, Signals, getsignal
from typing import NamedTuple

from ipyproc._sys import inherit
from ipyproc.attr import SysProcAttr

_UMASK = re.compile(r"^Umask:\s*([0-7]+)$", re.M)
_USUAL_UMASK = 0o022
_LIMITS = {
    number for name, number in vars(resource).items() if name.startswith("RLIMIT_")
}


class Limit(NamedTuple):
    """A limit of setrlimit(2)."""

    number: int
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The umask, the limits, the niceness and the ignored signals of a process."""

    umask: int
    limits: tuple[Limit, ...]
    nice: int
    ignored: tuple[int, ...]


class Surrounded(SysProcAttr):
    """Attributes of a child that does not have our surroundings."""

    #: Those that it has.
    surroundings: Surroundings


def ours() -> Surroundings:
    """Return those that a child of ours would have."""
    limits = (Limit(n, *resource.getrlimit(n)) for n in sorted(_LIMITS))
    return Surroundings(
        _umask(),
        tuple(limits),
        os.getpriority(os.PRIO_PROCESS, 0),
        tuple(_ignored()),
    )


def around(system: SysProcAttr, wanted: Surroundings | None) -> SysProcAttr:
    """Return *system* for a child that is to have the surroundings *wanted*."""
    if wanted is None or wanted == ours():
        return system
    made = Surrounded(**vars(system))
    vars(made)["surroundings"] = wanted
    return made


def umask_of(wanted: Surroundings | None) -> AbstractContextManager[None]:
    """Make files as a process with these surroundings would; ``None``: as we do."""
    return nullcontext() if wanted is None else _with_umask(wanted)


@contextmanager
def _with_umask(wanted: Surroundings) -> Iterator[None]:
    before = os.umask(wanted.umask)
    try:
        yield
    finally:
        os.umask(before)


def _umask() -> int:
    # To ask the system would be to change it, for other threads, too.
    with suppress(OSError), open("/proc/self/status") as file:
        found = _UMASK.search(file.read())
        if found:
            return int(found[1], 8)
    return _USUAL_UMASK


def _ignored() -> Iterator[int]:
    default = inherit.default_signals()
    for number in Signals:
        if getsignal(number) is SIG_IGN and not default & 1 << number - 1:
            yield int(number)
