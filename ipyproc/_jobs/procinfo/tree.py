"""The processes that jobs started, as far as they can be found, and signals to them.

A process belongs to a job if its parent does, or if it is in a group or session that
one of the job's processes leads, or that the job's own process led. The session and its
guardian both find them by this module, the guardian in a Python of its own: so it
imports next to nothing.
"""

from __future__ import annotations

# What `signal` is made of: that one would double the time in which a guardian starts.
import _signal  # type: ignore[import-not-found]
import os
import time

from ipyproc._jobs.procinfo import proc, sending
from ipyproc._jobs.procinfo.proc import Stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Set

# Looks after which a process that we may not stop is left to its forking.
_LOOKS = 50

# For so long what was seen of a stranger may be taken for what it is, in seconds: until
# its number comes again, for a process of a job, it takes longer.
_FRESH = 10.0
#: How old a look may be if many jobs share one, in seconds.
JUST_NOW = 0.01


class Machine:
    """All processes of the machine at one moment, and who belongs to whom."""

    __slots__ = ("heirs", "table", "taken")

    def __init__(self, table: dict[int, Stat], taken: float = 0.0) -> None:
        #: When the look began.
        self.taken = taken
        self.table = table
        #: The children of each, and the members of its group and session, by its pid.
        self.heirs: dict[int, list[int]] = {}
        for seen in table.values():
            for elder in {seen.parent, seen.group, seen.session}:
                self.heirs.setdefault(elder, []).append(seen.pid)

    def add_heirs(self, pids: set[int]) -> set[int]:
        """Add the children of all, and the members of what each leads.

        A process has the pid of its group or session only if it leads that: the system
        keeps a pid from coming again as long as it names one.
        """
        found, new = set(pids), list(pids)
        while new:
            heirs = (pid for old in new for pid in self.heirs.get(old, ()))
            new = [*{pid for pid in heirs if pid not in found}]
            found.update(new)
        return found


class Strangers:
    """All processes of the machine, at little cost for those that stay as they are.

    Of a process that was seen a moment ago, and is in the same session still, nothing
    is read again. What belongs to a job must be read again by the caller. Two threads
    may look at the same time; what either saw is replaced as a whole.
    """

    def __init__(self) -> None:
        self._first = 0.0
        self._last = Machine({})

    def look(self) -> Machine:
        """Look at all of them."""
        before, now = self._last.table, time.monotonic()
        if now - self._first > _FRESH:
            before, self._first = {}, now
        found: dict[int, Stat] = {}
        for pid in proc.pids():
            seen = before.get(pid)
            if seen is None or seen.session != proc.session(pid):
                seen = proc.stat(pid)
            if seen is not None:
                found[pid] = seen
        self._last = last = Machine(found, now)
        return last

    def recent(self) -> Machine:
        """Return what a look showed just now, or look."""
        last = self._last
        return last if time.monotonic() - last.taken < JUST_NOW else self.look()


_strangers = Strangers()


class Tree:
    """All that belongs to some jobs.

    *leaders* picks the pids of the jobs that still name them, or what they left, from a
    table of all processes. *is_marked* finds more of them, by what they carry. If
    *recent*, it is found by a look that may have been ``JUST_NOW``. Never
    found are this process itself, those in *spared*, and those in ``beyond``: what we
    may not signal.
    """

    def __init__(
        self,
        leaders: Callable[[dict[int, Stat]], Set[int]],
        is_marked: Callable[[Stat], bool] | None = None,
        recent: bool = False,
    ) -> None:
        self._recent = recent
        self._leaders = leaders
        self._is_marked = is_marked
        self.beyond: set[Stat] = set()
        #: What the last signal was sent to.
        self.reached: set[Stat] = set()
        # What the last look showed.
        self._machine = Machine({})

    def find(self, known: Iterable[Stat] = (), spared: int = 0) -> set[Stat]:
        """Find all that belongs to the jobs, and the children of *known* processes."""
        known, apart = set(known), {os.getpid(), spared}
        if self._is_marked is not None:
            # It is looked for where a parent was lost, which must not be missed.
            self._machine = Machine(proc.table())
            return self._members(self._machine, known, apart)
        self._machine = _strangers.recent() if self._recent else _strangers.look()
        seen = self._members(self._machine, known, apart)
        # Of those what was seen before may no longer be so.
        again = {pid: now for each in seen if (now := proc.stat(pid := each.pid))}
        return self._members(Machine(again), known, apart)

    def _members(
        self, machine: Machine, known: set[Stat], apart: set[int]
    ) -> set[Stat]:
        table, is_marked = machine.table, self._is_marked
        found = {seen.pid for seen in known if table.get(seen.pid) == seen}
        for leader in self._leaders(self._machine.table):
            found.add(leader)
            found.update(machine.heirs.get(leader, ()))
        if is_marked is not None:
            found.update(seen.pid for seen in table.values() if is_marked(seen))
        found = machine.add_heirs(found - apart) - apart
        return {table[pid] for pid in found if pid in table} - self.beyond

    def freeze(
        self, frozen: dict[Stat, bool], known: Iterable[Stat] = (), spared: int = 0
    ) -> None:
        """Stop all that belongs to the jobs; *frozen* says which were stopped before.

        What has stopped cannot fork, and a fork that came before is there for the next
        look to see: once a look finds no new process, none has escaped. The groups come
        first, because the kernel stops all of a group at once; a process that forks and
        ends all the time could otherwise be elsewhere at every look.
        """
        known = set(known)
        # Each is noted before it is stopped, so that it can be continued if this fails.
        frozen.update((seen, seen.stopped) for seen in self.find(known, spared))
        if (
            not self._machine.table
        ):  # there is no /proc: nobody would know whom to continue
            return
        for leader in self._leaders(self._machine.table):
            sending.send_group(leader, _signal.SIGSTOP)
        new = set(frozen)
        for _ in range(_LOOKS):
            self.send(_signal.SIGSTOP, new)
            sending.await_rest(frozen.keys() - self.beyond)
            new = self.find(known | frozen.keys(), spared) - frozen.keys()
            if not new:
                break
            frozen.update(dict.fromkeys(new, False))

    def send(self, sig: int, members: Iterable[Stat]) -> list[OSError]:
        """Send *sig* to all *members*; return what the kernel refused."""
        refused: list[OSError] = []
        for member in members:
            try:
                sending.send(member, sig)
            except OSError as error:
                refused.append(error)
                if isinstance(error, PermissionError):
                    self.beyond.add(member)
        return refused

    def signal(self, sig: int, known: Iterable[Stat] = ()) -> int:
        """Send *sig* to all of them, so that none escapes by forking; return how many.

        Zombies do not count.
        What is stopped for that goes on afterwards, whatever fails. Raises what the
        kernel refuses for one of them after all others have got the signal.
        """
        members: dict[Stat, bool] = {}
        whole = False
        try:
            if sig in (0, _signal.SIGCONT):
                members.update(dict.fromkeys(self.find(known), True))
            else:
                self.freeze(members, known)
            whole = True
            refused = self.send(sig, members)
        finally:
            if not whole or sig not in (_signal.SIGKILL, _signal.SIGSTOP):
                self._let_go_on(members, whole)
        self.reached = set(members)
        if refused:
            raise refused[0]
        return sum(not member.ended for member in members)

    def _let_go_on(self, members: dict[Stat, bool], whole: bool) -> None:
        """Continue what was not stopped before.

        If the freeze broke off, a group may have members that no look has shown: then
        all of it goes on, and those that were stopped before are stopped again.
        """
        stopped = [member for member, before in members.items() if before]
        if not whole:
            for group in {m.group for m in members if m.pid == m.group}:
                sending.send_group(group, _signal.SIGCONT)
            self.send(_signal.SIGSTOP, stopped)
        self.send(_signal.SIGCONT, members.keys() - stopped)


def tree_of(
    running: Iterable[int], ended: Iterable[int] = (), *, recent: bool = False
) -> Tree:
    """The tree of jobs whose processes run, and of some that ended and were reaped."""
    lead, left = frozenset(running), frozenset(ended)
    # The kernel keeps a pid from coming again while its group or session has members.
    # So if a reaped job's pid is in use, nobody is left, and the user is a stranger.
    return Tree(lambda table: lead | (left - table.keys()), recent=recent)


def adopted() -> list[Stat]:
    """List the processes that lost their parent: what adopts them is above us, or we.

    Of some the parent was there at the last look, and is not now.
    """
    table = _strangers.look().table
    adopters = {1, os.getpid(), *proc.ancestors(os.getpid())}
    return [
        seen
        for seen in table.values()
        if seen.parent in adopters or seen.parent not in table
    ]


def any_lives(members: Iterable[Stat]) -> bool:
    """Whether one of them was not yet a zombie when it was looked at."""
    return any(not member.ended for member in members)


def refusal(pid: int) -> str | None:
    """Why *pid* must not be signalled by a slip of a finger; ``None`` if it may be."""
    if pid < 1:
        what = "a process group" if pid else "the kernel's own process group"
        return f"pid {pid} is refused: it stands for {what}"
    if pid == 1:
        return "pid 1 is refused: it is the parent of all others"
    if pid == os.getpid():
        return f"pid {pid} is refused: it is the kernel itself"
    if pid in proc.ancestors(os.getpid()):
        return f"pid {pid} is refused: it is a parent of the kernel"
    return None
