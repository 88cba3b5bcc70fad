"""A process that is not ours: it is polled and signalled, but never waited for."""

from __future__ import annotations

import select
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import psutil

from ipyproc._jobs.procinfo.tree import refusal
from ipyproc._jobs.procinfo.usage import Sampler, Usage
from ipyproc.errors import NoHandleError, ProcessDoneError
from ipyproc.process import Process, find_process

#: The status of a process that is no more.
GONE: Final = "gone"
_FACTS = ("cmdline", "name", "status", "ppid", "username", "num_threads")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a process was at one moment.

    *status* is the kernel's word: ``running``, ``sleeping``, ``stopped``, ``zombie``,
    ..., or ``gone``. *argv* is empty for a process of the kernel and for a zombie.
    *parent* is its pid and name; *user* and *threads* may be unknown.
    """

    status: str
    name: str
    argv: tuple[str, ...]
    parent: tuple[int, str]
    user: str | None
    threads: int | None


class ForeignProcess:
    """One process of this machine, from its pid; never another one with that pid.

    It is known by its handle and by the time at which it started. All methods may be
    called from any thread. Raises ``ProcessDoneError`` if there is no such process.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        #: The process itself, as ``find_process`` gives it.
        self.process: Process = find_process(pid)
        try:
            self._seen = psutil.Process(pid)
            #: When it started, on the ``time.time()`` clock.
            self.started_at: float = self._seen.create_time()
            self.last = self._snapshot()
        except psutil.Error:
            raise ProcessDoneError from None
        # The handle was opened first: if its process still exists, it is the one seen.
        if self._has_ended() and self.last.status != psutil.STATUS_ZOMBIE:
            raise ProcessDoneError
        self._sampler = Sampler(pid)
        #: When it was first seen to be gone, on the ``time.time()`` clock.
        self.gone_at: float | None = None
        #: Why it must not be signalled, if so.
        self.refusal = refusal(pid)

    def poll(self) -> Snapshot:
        """Return what it is now; after its end what was seen last, with that status."""
        if self.gone_at is None:
            try:
                self.last = self._snapshot()
            except psutil.NoSuchProcess:
                self._note_end()
        return self.last

    def usage(self) -> Usage | None:
        """Measure what it and those below it use; None after its end."""
        if self.poll().status in (GONE, psutil.STATUS_ZOMBIE):
            return None
        found = self._sampler.usage()
        return found if self._seen.is_running() else None

    def signal(self, sig: int) -> None:
        """Send *sig*; raises what ``Process.signal`` does.

        ``PermissionError`` where it must not be signalled, whatever the kernel says.
        """
        if self.refusal:
            raise PermissionError(self.refusal)
        if not self._seen.is_running():
            raise ProcessDoneError
        self.process.signal(sig)

    def _snapshot(self) -> Snapshot:
        if not self._seen.is_running():
            raise psutil.NoSuchProcess(self.pid)
        known = self._seen.as_dict(_FACTS, ad_value=None)
        return Snapshot(
            status=str(known["status"]),
            name=str(known["name"]),
            argv=tuple(known["cmdline"] or ()),
            parent=(known["ppid"], _name(known["ppid"])),
            user=known["username"],
            threads=known["num_threads"],
        )

    def _note_end(self) -> None:
        self.gone_at = time.time()
        self.last = replace(self.last, status=GONE)

    def _has_ended(self) -> bool:
        """Whether the handle reports the end; a zombie has ended, too."""
        with suppress(NoHandleError):
            try:
                with self.process.handle() as fd:
                    poll = select.poll()  # unlike select, for any descriptor
                    poll.register(fd, select.POLLIN)
                    return bool(poll.poll(0))
            except ProcessDoneError:
                return True
        return False


def _name(pid: int | None) -> str:
    with suppress(psutil.Error, ValueError):
        return str(psutil.Process(pid).name()) if pid else ""
    return ""
