"""What every owner of a process has: a status, and the report of the process's end.

There is no lock in here. Python runs signal handlers between any two instructions of
the main thread, and they may call everything; a lock that the interrupted code holds
would never be free again. A forked child would inherit the locks of threads that it
does not have. Instead each step that must happen once is one call into C: removing an
item, ``setdefault``, the primitives of ``_sys.pidfd``.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from errno import ECHILD

from ipyproc._process import reaper
from ipyproc._sys import inherit, waitid
from ipyproc.errors import SyscallError
from ipyproc.state import ProcessState


class ProcessStatus(StrEnum):
    """What became of a ``Process``, the object; never the state of the process.

    ``ok``: nobody has waited for its end, whether or not that has come. ``done``: its
    end was waited for. ``released``: it was given up.

    >>> from ipyproc import start_process
    >>> p = start_process("/bin/true", ["true"])
    >>> print(p.status, "->", p.wait(), "->", p.status)
    ok -> exit status 0 -> done
    """

    OK = "ok"
    DONE = "done"
    RELEASED = "released"


class Owner:
    """The status of a ``Process`` and the report of its end.

    Safe for many threads, for signal handlers and for forked children.
    """

    __slots__ = (
        "_final",
        "_gone",
        "_report",
        "_unclaimed",
        "_users",
        "parent",
        "pid",
        "prints_into_cell",
        "stops",
    )

    _report: waitid.Report | waitid.PortableReport

    def __init__(self, pid: int) -> None:
        self.pid = pid
        #: The pid of the process that started this one and must reap it; 0 if none.
        self.parent = 0
        #: Whether we are tracing the process: then waiting reports its stops, too.
        self.stops = False
        #: Whether ipykernel has yet to show what the process printed when it ends.
        self.prints_into_cell = False
        # The status, once it is not OK any more; the first one stays.
        self._final: dict[None, ProcessStatus] = {}
        # The right to the state: the one caller that removes it returns the state.
        self._unclaimed: list[None] = [None]
        # A child that waitid does not know was reaped by other code, or by the kernel
        # where SIGCHLD is ignored: its pid may be a stranger's.
        self._gone = False
        self._users: set[object] = set()

    @property
    def status(self) -> ProcessStatus:
        """What became of the ``Process``."""
        return self._final.get(None, ProcessStatus.OK)

    def wait(self, timeout: float | None) -> ProcessState:
        """Wait for the end and return the state, to one caller only.

        Signal handlers may raise after any call in here. The status is in the report by
        then, and a caller that was interrupted while it took the state may ask again.
        """
        end = None if timeout is None else time.monotonic() + timeout
        claim: list[None] = []
        try:
            state = self._waited_for(end, claim)
            return state
        except BaseException:
            self.give_back(claim)
            raise

    def _waited_for(self, end: float | None, claim: list[None]) -> ProcessState:
        # What ``waiting`` does, which costs too much where a process ends at once.
        user = object()
        try:
            self._users.add(user)
            self._check_wait()
            try:
                if end is None:
                    self._expect()
                while not self.reap():
                    self._pause(end)
                if self.prints_into_cell:
                    inherit.let_output_pass()
                return self.take(claim)
            except ChildProcessError:
                self._note_lost()
                raise
        finally:
            self._users.discard(user)
            self._close_if_unused()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait for the end in a block: what it needs is kept until the block ends.

        Raises if nobody may wait. Once the block has begun, a release does not end it.
        """
        with self._in_use():
            self._check_wait()
            try:
                yield
            except ChildProcessError:
                self._note_lost()
                raise

    def _note_lost(self) -> None:
        # In a fork of ours nothing is its child, which says nothing more.
        if self.is_ours:
            self._gone = True

    def take(self, claim: list[None]) -> ProcessState:
        """Return the state of a process that was reaped, to the first caller.

        The right to it is moved to *claim* at the same time, for ``give_back``.
        """
        try:
            claim.extend(map(list.pop, [self._unclaimed]))
        except IndexError:
            raise SyscallError("waitid", ECHILD) from None
        state = self._report.state()
        self._settle(ProcessStatus.DONE)
        return state

    def give_back(self, claim: list[None]) -> None:
        """Let another caller have the state, which could not be returned."""
        self._unclaimed.extend(claim)

    def reap(self) -> bool:
        """Reap the child if it has ended; a later ``wait`` returns the state."""
        return self._report.reap()

    @property
    def is_ours(self) -> bool:
        """Whether we started the process: not a process that forked us."""
        return self.parent == os.getpid()

    def learnt(self) -> ProcessState | None:
        """Return how the process ended, if it was reaped here."""
        return self._report.state() if self._report.filled else None

    def release(self) -> None:
        """Give up the process."""
        self._settle(ProcessStatus.RELEASED)

    def _drop(
        self,
        # At the end of the interpreter the modules may be gone before us.
        warn: Callable[..., None] = warnings.warn,
        remember: Callable[[reaper.Child], None] = reaper.remember,
        getpid: Callable[[], int] = os.getpid,
    ) -> None:
        """Do what is due when nobody refers to it any more."""
        if self.parent != getpid() or self._report.filled or self._gone:
            self.release()
            return
        try:
            text = f"process {self.pid} was neither waited for nor released"
            warn(text, ResourceWarning, source=self)
        finally:  # a warning may be an error
            remember(self)

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        """Keep a descriptor open in a block.

        A user joins before it looks at the status, and who changes the status looks for
        users after that: one of the two sees the other.
        """
        user = object()
        try:
            self._users.add(user)
            yield
        finally:
            self._users.discard(user)
            self._close_if_unused()

    def _check_wait(self) -> None:
        """Raise if nobody may wait."""
        raise NotImplementedError

    def _settle(self, status: ProcessStatus) -> None:
        """Leave the status OK, once."""
        self._final.setdefault(None, status)
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        """Close what is open if the status is final and nobody uses it."""

    def _expect(self) -> None:
        """Wait for the end of what most likely still runs, before it is asked."""

    def _pause(self, end: float | None) -> None:
        """Wait until the process may have ended; TimeoutError once *end* is past."""
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError(f"process {self.pid} still runs")
        self._sleep(left)

    def _sleep(self, longest: float | None) -> None:
        raise NotImplementedError
