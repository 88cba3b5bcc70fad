"""The guardian's own program: it ends the jobs of a process, its charge, that ended.

It runs in an isolated Python, in a session of its own and as nobody's child, so that
neither an interrupt nor the end of its charge touches it. It stays in memory as long as
there are jobs, so it imports little: what it needs of ipyproc is handed over with it.

Descriptor 0 brings messages of the charge; its end is the end of the charge. Descriptor
1 takes messages back.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import select
import struct
import time

from ipyproc._jobs.procinfo import proc, sending, tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipyproc._jobs.procinfo.proc import Stat

#: A pid and a number. To the guardian: a job, and when it was there, in ns of
#: ``proc.CLOCK``; or ``BEGINS`` or ``OVER``, and the time of a start; or 0, and one
#: of the words below. From it: a job, and that number again, once nothing of it is
#: left; or 0, and one of its own words.
MESSAGE = struct.Struct("=iq")
#: To the guardian: the start of a job begins; we may end before it hears more.
BEGINS = -1
#: The start is over: the guardian was told of its job, or there is none.
OVER = -2
#: Leave, if there is nothing to guard; else it answers ``STAYS``.
LEAVE_IF_IDLE = 0
#: Leave, and end nothing: another guardian has taken over.
LEAVE = 2
#: From it: there is nothing to guard.
IDLE = 0
#: It was asked to leave, and there is something to guard.
STAYS = 1
#: It begins.
READY = 2

#: The variable that marks what belongs to the jobs of one charge, wherever it went.
MARK = "IPYPROC_SESSION"

_IN, _OUT = 0, 1
# Between the request to end and the kill.
_GRACE = 0.8
# Until it gives up on what cannot be killed.
_LONGEST_END = 10.0
_NAP = 0.01
# How long messages and ends gather before they are looked at.
_GATHER = 0.02
# How soon after its end to look for what a job left; later; if that left its session.
_SOON, _SELDOM, _RARELY = 1.0, 8.0, 30.0
# How often to look for a charge of which no pidfd tells the end.
_LOOK_FOR_CHARGE = 0.5
# A terminal's, and what goes to all processes of a user: the charge gets it, too.
_IGNORED = (_signal.SIGINT, _signal.SIGQUIT, _signal.SIGHUP, _signal.SIGTERM)
# What the environment of the launcher may have; the end of each has an empty name.
_OF_HELPERS = {b"", b"PYTHONHOME", b"LD_LIBRARY_PATH"}
_MAY_USE_PIDFDS = os.environ.get("IPYPROC_PIDFD") != "0" and hasattr(os, "pidfd_open")


class Handle:
    """A pidfd; without one where the kernel has none or no descriptor is free."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self.fd = os.pidfd_open(pid) if _MAY_USE_PIDFDS else -1
        except OSError:
            self.fd = -1

    def close(self) -> None:
        """Close it, if it is open."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


class Jobs:
    """The jobs of the charge.

    What belongs to them is in a session or a group that a job leads, or led; or carries
    the mark and lost its parent, so that it has the one that adopts orphans here, as we
    do; or it is a child of these.
    """

    def __init__(self, mark: str) -> None:
        self._mark = os.fsencode(f"{MARK}={mark}")
        #: When each was there, by pid.
        self.told: dict[int, int] = {}
        self.tree = tree.Tree(self._leaders, self._is_marked)

    def gone(self) -> list[int]:
        """List the jobs of which nothing is left in their sessions and groups."""
        used: set[int] = set()
        for pid in proc.pids():
            used.add(pid)
            for place in (os.getsid, os.getpgid):
                try:
                    used.add(place(pid))
                except OSError:  # it has gone
                    break
        return [
            pid
            for pid, moment in self.told.items()
            if not (pid in used or sending.send_group(pid, 0))
            or _is_another(pid, moment)
        ]

    def find(self, known: set[Stat]) -> set[Stat]:
        """Find all that belongs to the jobs, and the children of *known* ones."""
        return self.tree.find(known, spared=os.getppid())

    def freeze(self, known: set[Stat]) -> set[Stat]:
        """Stop all that is found, so that none escapes by forking, and return them."""
        frozen: dict[Stat, bool] = {}
        self.tree.freeze(frozen, known, spared=os.getppid())
        return set(frozen)

    def send(self, sig: int, members: set[Stat]) -> None:
        """Send *sig* to all of them."""
        self.tree.send(sig, members)

    def _leaders(self, table: dict[int, Stat]) -> set[int]:
        """Pick the pids that still belong to a job, or number what it left.

        The system keeps a pid from coming again while it names a session or a group.
        """
        return {
            pid
            for pid, moment in self.told.items()
            if pid not in table or table[pid].was_there(moment)
        }

    def _is_marked(self, seen: Stat) -> bool:
        if seen.parent != os.getppid():
            return False
        # Behind a dot is what tells the jobs of one charge apart.
        job = self._mark + b"."
        words = proc.environment(seen.pid)
        return any(word == self._mark or word.startswith(job) for word in words)


class Guardian:
    """Waits for the end of the charge, and then ends the jobs."""

    def __init__(self, charge: int, stack: int, mark: str, linger: float) -> None:
        self._jobs = Jobs(mark)
        self._linger = linger
        self._poll = select.poll()
        self._poll.register(_IN, select.POLLIN)
        os.set_blocking(_IN, False)
        os.set_blocking(_OUT, False)
        self._charge = proc.stat(charge)
        self._stack = stack
        self._handle = Handle(charge)
        if self._handle.fd >= 0:
            self._poll.register(self._handle.fd, select.POLLIN)
        # If it is no longer our parent, it may have been another that we looked at.
        self._over = os.getppid() != charge
        # The jobs that run, by pidfd.
        self._running: dict[int, Handle] = {}
        # The starts that have begun and are not over, each by its time.
        self._starting: set[int] = set()
        self._leaves = False
        self._next_look = time.monotonic() + linger

    def run(self, first: int) -> None:
        """Guard until the charge ends, or lets us go; *first* is our parent at first.

        Only when that has ended do we have the parent that all orphans here have.
        """
        while os.getppid() == first:
            time.sleep(_NAP / 10)
        _say(0, READY)
        while not self._over and not self._leaves:
            ready = self._poll.poll(1000 * self._patience())
            for fd, _ in ready:
                self._take(fd)
            if time.monotonic() >= self._next_look:
                self._tidy_up()
            if self._handle.fd < 0 and self._charge_ended():
                self._over = True
            if ready and not self._over:
                time.sleep(_GATHER)
        self._hear()
        if not self._leaves or self._charge_ended():
            self._end()

    def _patience(self) -> float:
        due = max(0.0, self._next_look - time.monotonic())
        return due if self._handle.fd >= 0 else min(due, _LOOK_FOR_CHARGE)

    def _charge_is_dying(self) -> bool:
        charge = self._charge and proc.stat(self._charge.pid)
        return bool(charge and charge == self._charge and charge.is_dying)

    def _charge_ended(self) -> bool:
        charge = self._charge and proc.stat(self._charge.pid)
        return not charge or charge != self._charge or charge.ended

    def _take(self, fd: int) -> None:
        if fd == _IN:
            self._over |= not self._hear()
        elif fd == self._handle.fd:
            self._over = True
        else:
            self._poll.unregister(fd)
            self._running.pop(fd).close()
            self._look_within(_SOON)

    def _hear(self) -> bool:
        """Read the messages of the charge; ``False`` at the end of the file."""
        while not self._leaves:
            try:
                data = os.read(_IN, MESSAGE.size << 10)
            except BlockingIOError:
                return True
            if not data:
                return False
            for pid, number in MESSAGE.iter_unpack(data):
                if pid > 0:
                    self._guard(pid, number)
                elif pid == BEGINS:
                    self._starting.add(number)
                elif pid == OVER:
                    self._starting.discard(number)
                else:
                    self._obey(number)
        return True

    def _obey(self, word: int) -> None:
        if word == LEAVE or self._is_idle():
            self._leaves = True
        else:
            _say(0, STAYS)
            self._look_within(_SELDOM)

    def _guard(self, pid: int, moment: int) -> None:
        self._jobs.told[pid] = moment
        handle = Handle(pid)
        try:
            seen = proc.stat(pid)
        except OSError:
            # The handle took the last descriptor; one must be left to look at anything.
            seen = None
        if handle.fd >= 0 and seen and seen.was_there(moment):
            self._running[handle.fd] = handle
            self._poll.register(handle.fd, select.POLLIN)
        else:
            handle.close()
            self._look_within(_SOON)

    def _look_within(self, seconds: float) -> None:
        self._next_look = min(self._next_look, time.monotonic() + seconds)

    def _is_idle(self) -> bool:
        busy = self._starting or self._running or self._jobs.told
        return not busy and not self._jobs.find(set())

    def _tidy_up(self) -> None:
        """Forget the jobs of which nothing is left; say so if nothing is to guard."""
        gone = self._jobs.gone()
        for pid in gone:
            _say(pid, self._jobs.told.pop(pid))
        running = {handle.pid for handle in self._running.values()}
        pause = self._linger
        if self._jobs.told.keys() - running:
            pause = _SOON if gone else _SELDOM
        elif not running and not gone and not self._starting:
            if self._is_idle():
                _say(0, IDLE)
            else:
                pause = _RARELY
        self._next_look = time.monotonic() + pause

    def _end(self) -> None:
        """Send TERM to all that is left, and kill what does not end."""
        for handle in self._running.values():
            handle.close()
        self._await_orphans()
        start = time.monotonic()
        family = self._jobs.find(set())
        self._jobs.send(_signal.SIGTERM, family)
        self._jobs.send(_signal.SIGCONT, family)
        while tree.any_lives(family) and time.monotonic() < start + _GRACE:
            time.sleep(_NAP)
            family = self._jobs.find(family)
        # Also if none was found: some fork and end too fast to be seen.
        while time.monotonic() < start + _LONGEST_END:
            # Before the look: what executes its program in between is seen by that.
            one_may_start = self._one_may_start()
            family = self._jobs.freeze(family)
            self._jobs.send(_signal.SIGKILL, family)
            if not tree.any_lives(family) and not one_may_start:
                break
            time.sleep(_NAP)

    def _await_orphans(self) -> None:
        """Wait until the charge's children have lost it.

        Its end of our pipe is closed a moment before that, which lasts on a busy
        machine, and an orphan is told by its parent. A charge that became another
        program, or lets us go as it ends in an orderly way, is not waited for.
        """
        deadline = time.monotonic() + _LONGEST_END
        while self._charge_is_dying() and time.monotonic() < deadline:
            time.sleep(_NAP / 10)

    def _one_may_start(self) -> bool:
        """Whether there may be a process that the charge was starting when it ended.

        Until that executes its program it uses the charge's memory, and for an instant
        it has no environment, as the launcher; on a busy machine that lasts. It is
        known by no mark.
        """
        if not self._starting:
            return False
        since, adopter = min(self._starting), os.getppid()
        return any(
            seen.parent == adopter
            and seen.pid != os.getpid()
            and not seen.ended
            and not seen.started_before(since)
            and (seen.stack == self._stack or _has_no_environment(seen.pid))
            for seen in proc.table().values()
        )


def _say(pid: int, number: int) -> None:
    try:
        os.write(_OUT, MESSAGE.pack(pid, number))
    except OSError:  # the charge has ended, or the pipe is full
        return


def _is_another(pid: int, moment: int) -> bool:
    """Whether a pid is that of a process that was not there at that *moment*."""
    seen = proc.stat(pid)
    return seen is not None and not seen.was_there(moment)


def _has_no_environment(pid: int) -> bool:
    names = {entry.partition(b"=")[0] for entry in proc.environment(pid)}
    return names <= _OF_HELPERS


def main(charge: str, stack: str, mark: str, linger: str) -> None:
    """Become nobody's child, and guard the process with the pid *charge*."""
    for sig in _IGNORED:
        _signal.signal(sig, _signal.SIG_IGN)
    guardian = Guardian(int(charge), int(stack), mark, float(linger))
    first = os.getpid()
    if os.fork():
        os._exit(0)
    guardian.run(first)
