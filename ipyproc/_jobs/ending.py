"""Signals to a job, which is a process and all that it started, and its end."""

from __future__ import annotations

import os
import signal as signals
from collections.abc import Iterable
from contextlib import suppress
from errno import EINVAL
from functools import partial
from typing import Final

from ipyproc._jobs.guardian.program import MARK
from ipyproc._jobs.io.event_loop import EventLoop
from ipyproc._jobs.io.timers import Timer
from ipyproc._jobs.leader import Leader
from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.proc import Stat
from ipyproc._jobs.procinfo.tree import JUST_NOW, Tree, adopted, tree_of
from ipyproc._jobs.uninterrupted import uninterrupted
from ipyproc.errors import ProcessDoneError, SyscallError

# What these do does not depend on the program, so that they are for all of a job.
_FOR_ALL: Final = {signals.SIGKILL, signals.SIGSTOP, signals.SIGCONT}
# How soon to kill again what is left of a job, if that was refused.
_KILL_AGAIN: Final = 0.25
_LONGEST_PAUSE: Final = 8.0
# How soon to look whether something is left of a job that was asked to end; later.
_LOOK_SOON: Final = 0.1
_LOOK_SELDOM: Final = 2.0
# Many jobs that end together share the looks; each look comes after their ends.
_GATHER: Final = 2 * JUST_NOW


class Ending:
    """What may be sent to one job, and how it is ended in stages.

    Any thread asks. The stages are the event loop's: TERM to the leader at once; TERM
    to the other processes once the leader has ended, or after half of the grace; KILL
    to those that still run at the end of the grace.
    """

    def __init__(self, loop: EventLoop, leader: Leader) -> None:
        self._loop = loop
        self._leader = leader
        # All that belonged to the job when its end was asked for, by pid and start: the
        # parent of some may be gone before they are. Other threads use it, too: each
        # change is one operation of a dict.
        self._known: dict[tuple[int, int], Stat] = {}
        self._asker: Timer | None = None
        self._looker: Timer | None = None
        self._killer: Timer | None = None

    def signal(self, sig: int, tree: bool | None) -> int:
        """Send *sig*, and return to how many processes.

        *tree*: to all or to the leader alone; ``None``: as the signal means it.
        """
        if tree or (tree is None and sig in _FOR_ALL):
            # An interrupt in between must not leave anything stopped.
            return uninterrupted(lambda: self._to_all(sig))
        if tree is None and sig == signals.SIGINT:
            return self._to_group(sig)
        self._leader.process.signal(sig)
        return 1

    def terminate(self, grace: float) -> int:
        """Begin to end it, and return how many processes that is about."""
        self._loop.check_open()  # or nobody would do the rest
        return uninterrupted(lambda: self._ask(grace))

    def left(self) -> int:
        """Count the processes that have not ended."""
        return len(self._find())

    def daemons(self) -> int:
        """Count those that left its session and lost their parent, by their mark."""
        if not self._leader.mark:
            return 0
        word = os.fsencode(f"{MARK}={self._leader.mark}")
        # A zombie has no environment any more.
        return sum(
            word in proc.environment(seen.pid) for seen in {*adopted()} - self._find()
        )

    def leader_ended(self) -> None:
        """Go on, if the end was asked for. On the event loop's thread."""
        if self._asker:
            self._asker.cancel()
            self._asker = self._loop.call_later(_GATHER, self._ask_others)
        elif self._killer:
            self._look_later(_GATHER)

    def _tree(self, recent: bool = False) -> Tree:
        pid = self._leader.pid
        running, ended = ((), {pid}) if self._leader.is_gone else ({pid}, ())
        return tree_of(running, ended, recent=recent)

    def _find(self, recent: bool = False) -> set[Stat]:
        return _alive(self._tree(recent).find(list(self._known.values())))

    def _note(self, members: Iterable[Stat]) -> None:
        self._known.update({(each.pid, each.started_ticks): each for each in members})

    def _to_all(self, sig: int) -> int:
        tree = self._tree()
        try:
            number = tree.signal(sig, list(self._known.values()))
        except BaseException as error:
            # As when no descriptor is free for reading /proc. What needs none is done
            # all the same: the process, and its group, are killed.
            if sig == signals.SIGKILL:
                with suppress(OSError):
                    self._leader.signal_group(sig)
            if isinstance(error, OSError | OverflowError):
                reason = getattr(error, "errno", None) or EINVAL
                raise SyscallError(None, reason) from None
            raise
        if sig == signals.SIGKILL:
            self._note(tree.reached)
        if number:
            return number
        if self._leader.is_gone:
            raise ProcessDoneError
        self._leader.signal_group(sig)  # there is no /proc to look into
        return 1

    def _to_group(self, sig: int) -> int:
        """Send *sig* as a terminal does: to the leader's group."""
        pid = self._leader.pid
        if not self._leader.is_gone:
            groups: dict[int, int] = {}
            with suppress(OSError):
                groups = {each.pid: each.group for each in self._find()}
            if not self._leader.signal_group(sig):
                return 1
            return max(1, list(groups.values()).count(groups.get(pid, pid)))
        members = {each for each in self._find() if each.group == pid}
        if not members:
            raise ProcessDoneError
        for error in self._tree().send(sig, members):
            raise error
        return len(members)

    def _ask(self, grace: float) -> int:
        members: set[Stat] = set()
        with suppress(OSError):  # as when no descriptor is free: the rest is killed
            members = self._find(recent=True)
        try:
            self._leader.ask()
        except ProcessDoneError:
            if not members:
                raise
        self._loop.call_soon(partial(self._begin, members, grace))
        return max(1, len(members))

    def _begin(self, members: set[Stat], grace: float) -> None:
        self._stop()
        self._note(members)
        self._killer = self._loop.call_later(grace, self._kill_rest)
        self._asker = self._loop.call_later(grace / 2, self._ask_others)
        if self._leader.is_over:
            self.leader_ended()

    def _stop(self) -> None:
        for timer in (self._asker, self._looker, self._killer):
            if timer:
                timer.cancel()
        self._asker = self._looker = self._killer = None

    def _ask_others(self) -> None:
        """Send TERM to all processes but the leader, which was asked before."""
        if self._asker:
            self._asker.cancel()
        self._asker = None
        with suppress(OSError):
            members = self._find(recent=True)
            self._note(members)
            others = {each for each in members if each.pid != self._leader.pid}
            tree = self._tree()
            tree.send(signals.SIGTERM, others)
            tree.send(signals.SIGCONT, others)  # what is stopped would not hear it
            if self._leader.is_over and not members:
                self._stop()
                return
        self._look_later(_LOOK_SOON)

    def _look_later(self, pause: float) -> None:
        if self._looker:
            self._looker.cancel()
        self._looker = self._loop.call_later(pause, partial(self._look_again, pause))

    def _look_again(self, pause: float) -> None:
        """Stop once nothing is left; until then, look now and then."""
        with suppress(OSError):
            if self._leader.is_over and not self._find(recent=True):
                self._stop()
                return
        self._look_later(min(2 * pause, _LOOK_SELDOM))

    def _kill_rest(self, pause: float = _KILL_AGAIN) -> None:
        """Kill all that is left; retry while that is refused."""
        self._stop()
        try:
            self.signal(signals.SIGKILL, tree=True)
        except ProcessDoneError:
            return
        except (OSError, MemoryError):
            later = partial(self._kill_rest, min(2 * pause, _LONGEST_PAUSE))
            self._killer = self._loop.call_later(pause, later)


def _alive(members: Iterable[Stat]) -> set[Stat]:
    return {member for member in members if not member.ended}
