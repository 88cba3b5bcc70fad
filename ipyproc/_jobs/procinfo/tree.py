"""The processes that jobs started, as far as they can be found.

A process belongs to a job if it is in its group or session, or if its parent does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from signal import SIGCONT, SIGKILL, SIGSTOP

import psutil

from ipyproc.errors import ProcessDoneError
from ipyproc.process import find_process

# Looks after which a member that we may not stop is let go on forking.
_LOOKS = 50


@dataclass(frozen=True, slots=True)
class Roots:
    """The pids of jobs: of those that run, and of those that ended and were reaped."""

    running: frozenset[int] = frozenset()
    ended: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Member:
    """One process at one moment; equal to itself only, also if its pid comes again."""

    process: psutil.Process
    parent: int = field(compare=False)
    group: int = field(compare=False)
    session: int = field(compare=False)

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def lives(self) -> bool:
        """Whether it still runs; a zombie does not."""
        with suppress(psutil.Error):
            return (
                self.process.is_running()
                and self.process.status() != psutil.STATUS_ZOMBIE
            )
        return False

    @property
    def stopped(self) -> bool:
        """Whether it is stopped by a signal."""
        with suppress(psutil.Error):
            return self.process.status() == psutil.STATUS_STOPPED
        return False

    def signal(self, sig: int) -> bool:
        """Send *sig* to this very process; ``False`` if it is gone."""
        process = find_process(self.pid)
        try:
            # In this order: the handle names one process for ever, and if that has the
            # pid and the start time of ours, it is ours.
            if not self.process.is_running():
                return False
            process.signal(sig)
        except ProcessDoneError:
            return False
        finally:
            process.release()
        return True


def find(roots: Roots, known: Iterable[Member] = ()) -> set[Member]:
    """Find the processes that belong to *roots*, and the children of *known* ones."""
    table = {member.pid: member for member in _everybody()}
    # The kernel keeps a pid from coming again while its group or session has members.
    # So if a reaped job's pid is in use, nobody is left, and the user is a stranger.
    leaders = roots.running | (roots.ended - table.keys())
    found = {
        pid
        for pid, member in table.items()
        if pid in roots.running or member.group in leaders or member.session in leaders
    }
    found |= {member.pid for member in known if table.get(member.pid) == member}
    return {table[pid] for pid in _with_descendants(found, table.values())}


def freeze(roots: Roots, known: Iterable[Member] = ()) -> dict[Member, bool]:
    """Stop all that belongs to *roots*; say of each whether it was stopped before.

    What is stopped cannot fork, and a fork that came before the stop is there for the
    next look to see: once a look finds nobody new, nobody escaped. The groups come
    first, because the kernel stops all of a group at once; a process that forks and
    ends all the time could otherwise be somewhere else at every look.
    """
    frozen = {member: member.stopped for member in find(roots, known)}
    for root in roots.running | frozenset(filter(_is_free, roots.ended)):
        with suppress(OSError):
            os.killpg(root, SIGSTOP)
    new = set(frozen)
    for _ in range(_LOOKS):
        list(_send(SIGSTOP, new))
        new = find(roots, {*known, *frozen}) - frozen.keys()
        if not new:
            break
        frozen.update(dict.fromkeys(new, False))
    return frozen


def signal(sig: int, roots: Roots, known: Iterable[Member] = ()) -> None:
    """Send *sig* to all that belongs to *roots*, so that none escapes by forking.

    Raises ``ProcessDoneError`` if there is nobody, and what the kernel refuses for one
    of them after all others have got the signal.
    """
    if sig in (0, SIGCONT):
        members = dict.fromkeys(find(roots, known), True)
    else:
        members = freeze(roots, known)
    try:
        refusals = list(_send(sig, members))
    finally:
        if sig not in (SIGKILL, SIGSTOP):
            list(_send(SIGCONT, (m for m, stopped in members.items() if not stopped)))
    if refusals:
        raise refusals[0]
    if not members:
        raise ProcessDoneError


def _is_free(pid: int) -> bool:
    """Say whether no process has *pid*, though a group may still be named after it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _send(sig: int, members: Iterable[Member]) -> Iterator[OSError]:
    for member in members:
        try:
            member.signal(sig)
        except OSError as error:
            yield error


def _everybody() -> Iterator[Member]:
    for pid in psutil.pids():
        with suppress(psutil.Error, OSError):
            process = psutil.Process(pid)
            yield Member(process, process.ppid(), os.getpgid(pid), os.getsid(pid))


def _with_descendants(pids: set[int], members: Iterable[Member]) -> set[int]:
    children: dict[int, list[int]] = {}
    for member in members:
        children.setdefault(member.parent, []).append(member.pid)
    found, new = set(pids), list(pids)
    while new:
        new = [pid for old in new for pid in children.get(old, ()) if pid not in found]
        found.update(new)
    # Not ourselves, whatever a job's own attributes made of its group and session.
    return found - {os.getpid()}
