"""The guardian's own program: it ends the jobs of a process, its charge, that ended.

It runs as a script, isolated, in a session of its own and as nobody's child, so that
neither an interrupt nor the end of its charge touches it. It stays in memory as long as
there are jobs, so it imports little, and nothing of ipyproc.

Descriptor 0 brings a message for each job; its end is the end of the charge. Descriptor
1 takes messages back: of which job nothing is left, and that there is nothing to do.
"""

from __future__ import annotations

# What `signal` is made of. That one would double the time that a start takes, and add a
# third to the memory; contextlib and typing, as much again.
import _signal  # type: ignore[import-not-found]
import os
import select
import struct
import sys
import time

#: A pid and a time on the clock ``CLOCK_BOOTTIME``, in ns. To the guardian: a job, and
#: when it was there. From it: the same, once nothing of the job is left; or 0, and of
#: how many jobs it heard, when there is nothing to do, or -1, when it begins.
MESSAGE = struct.Struct("=iq")
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
# Looks after which a process that we may not stop is let go on forking.
_LOOKS = 50
# A terminal's, and what goes to all processes of a user: the charge gets it, too.
_IGNORED = (_signal.SIGINT, _signal.SIGQUIT, _signal.SIGHUP, _signal.SIGTERM)
_MAY_USE_PIDFDS = os.environ.get("IPYPROC_PIDFD") != "0" and hasattr(os, "pidfd_open")
_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class Handle:
    """A pidfd, or where there are none, or none are left, nothing."""

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


class Seen:
    """A process as one look showed it; equal to itself only, also if its pid recurs."""

    __slots__ = ("ended", "group", "parent", "pid", "session", "started")

    def __init__(self, pid: int, stat: bytes) -> None:
        # The name comes before these, proc(5), and may contain anything.
        fields = stat.rpartition(b")")[2].split()
        self.pid = pid
        self.ended = fields[0] in (b"Z", b"X")
        self.parent, self.group, self.session = map(int, fields[1:4])
        self.started = int(fields[19])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Seen) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[int, int]:
        return self.pid, self.started

    def was_there(self, moment: int) -> bool:
        """Say whether it had started by *moment*, give or take the ticks of a clock."""
        return self.started * _TICK <= moment + 2 * _TICK

    def carries(self, mark: bytes) -> bool:
        """Say whether *mark* is in its environment, as far as we may look."""
        return mark in _read(f"/proc/{self.pid}/environ").split(b"\0")

    def signal(self, sig: int) -> bool:
        """Send *sig* to this very process; ``False`` if we may not."""
        handle = Handle(self.pid)
        try:
            # In this order: a handle names one process for ever.
            if look_at(self.pid) != self:
                return True
            if handle.fd < 0:
                os.kill(self.pid, sig)
            else:
                _signal.pidfd_send_signal(handle.fd, sig)
        except PermissionError:
            return False
        except ProcessLookupError:
            pass
        finally:
            handle.close()
        return True


def look_at(pid: int) -> Seen | None:
    """Look at one process, if there is one."""
    stat = _read(f"/proc/{pid}/stat")
    return Seen(pid, stat) if stat else None


def look() -> dict[int, Seen]:
    """Look at all processes."""
    found = (look_at(pid) for pid in _pids())
    return {seen.pid: seen for seen in found if seen}


class Jobs:
    """The jobs of the charge, and the processes that belong to them.

    Those are the members of a session or a group that a job leads, or led: the system
    keeps its pid from coming again while there are any. Then whoever carries the mark
    and lost its parent, so that it has the one that adopts orphans here, as we do. And
    the children of all these.
    """

    def __init__(self, mark: str) -> None:
        self._mark = os.fsencode(f"{MARK}={mark}")
        #: When each was there, by pid.
        self.told: dict[int, int] = {}
        #: What we may not signal.
        self.beyond: set[Seen] = set()

    def gone(self) -> list[int]:
        """Give the jobs of which nothing is left in their sessions and groups."""
        used: set[int] = set()
        for pid in _pids():
            used.add(pid)
            for place in (os.getsid, os.getpgid):
                try:
                    used.add(place(pid))
                except OSError:  # it has gone
                    break
        return [
            pid
            for pid, moment in self.told.items()
            if not (pid in used or _send_group(pid, 0)) or _is_another(pid, moment)
        ]

    def find(self, known: set[Seen]) -> set[Seen]:
        """Find all that belongs to the jobs, and the children of *known* ones."""
        table = look()
        leaders = self._leaders(table)
        adopter = os.getppid()
        found = {
            seen.pid
            for seen in table.values()
            if not leaders.isdisjoint((seen.pid, seen.group, seen.session))
            or seen in known
            or (seen.parent == adopter and seen.carries(self._mark))
        }
        found = _with_descendants(found - {adopter}, table)
        return {table[pid] for pid in found - {os.getpid()}} - self.beyond

    def freeze(self, known: set[Seen]) -> set[Seen]:
        """Stop all that is found, so that none escapes by forking, and give them.

        What is stopped cannot fork, and a fork that came before the stop is there for
        the next look. The groups come first: the system stops all of a group at once,
        and who forks and ends all the time may be in no look at all.
        """
        for leader in self._leaders(look()):
            _send_group(leader, _signal.SIGSTOP)
        new = self.find(known)
        frozen: set[Seen] = set()
        for _ in range(_LOOKS):
            self.send(_signal.SIGSTOP, new)
            frozen |= new
            new = self.find(known | frozen) - frozen
            if not new:
                break
        return frozen

    def send(self, sig: int, whom: set[Seen]) -> None:
        """Send *sig* to all of them."""
        self.beyond |= {seen for seen in whom if not seen.signal(sig)}

    def _leaders(self, table: dict[int, Seen]) -> set[int]:
        """Give the pids that are a job's still, or the name of what it left."""
        return {
            pid
            for pid, moment in self.told.items()
            if pid not in table or table[pid].was_there(moment)
        }


class Guardian:
    """Waits for the end of the charge, and then ends the jobs."""

    def __init__(self, charge: int, mark: str, linger: float) -> None:
        self._jobs = Jobs(mark)
        self._linger = linger
        self._poll = select.poll()
        self._poll.register(_IN, select.POLLIN)
        os.set_blocking(_IN, False)
        os.set_blocking(_OUT, False)
        self._charge = look_at(charge)
        self._handle = Handle(charge)
        if self._handle.fd >= 0:
            self._poll.register(self._handle.fd, select.POLLIN)
        # If it is no longer our parent, it may have been another that we looked at.
        self._over = os.getppid() != charge
        # The jobs that run, by pidfd.
        self._running: dict[int, Handle] = {}
        self._heard = 0
        self._is_idle = False
        self._next_look = time.monotonic() + linger

    def run(self) -> None:
        """Guard until the charge ends, or lets us go."""
        _say(0, -1)
        while not self._over:
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
        # Who is let go because there was nothing to do, leaves alone what came since:
        # that is another guardian's.
        if not self._is_idle or self._charge_ended():
            self._end()

    def _patience(self) -> float:
        due = max(0.0, self._next_look - time.monotonic())
        return due if self._handle.fd >= 0 else min(due, _LOOK_FOR_CHARGE)

    def _charge_ended(self) -> bool:
        charge = self._charge and look_at(self._charge.pid)
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
        """Take in what the charge said; ``False`` at the end."""
        while True:
            try:
                data = os.read(_IN, MESSAGE.size << 10)
            except BlockingIOError:
                return True
            if not data:
                return False
            for pid, moment in MESSAGE.iter_unpack(data):
                self._heard += 1
                self._guard(pid, moment)

    def _guard(self, pid: int, moment: int) -> None:
        self._is_idle = False
        self._jobs.told[pid] = moment
        handle = Handle(pid)
        seen = look_at(pid)
        if handle.fd >= 0 and seen and seen.was_there(moment):
            self._running[handle.fd] = handle
            self._poll.register(handle.fd, select.POLLIN)
        else:
            handle.close()
            self._look_within(_SOON)

    def _look_within(self, seconds: float) -> None:
        self._next_look = min(self._next_look, time.monotonic() + seconds)

    def _tidy_up(self) -> None:
        """Forget the jobs of which nothing is left; offer to go when there are none."""
        gone = self._jobs.gone()
        for pid in gone:
            _say(pid, self._jobs.told.pop(pid))
        running = {handle.pid for handle in self._running.values()}
        pause = self._linger
        if self._jobs.told.keys() - running:
            pause = _SOON if gone else _SELDOM
        elif not running and not gone:
            self._is_idle = not self._jobs.find(set())
            if self._is_idle:
                _say(0, self._heard)
            else:
                pause = _RARELY
        self._next_look = time.monotonic() + pause

    def _end(self) -> None:
        """Ask all that is left to end, and then make it."""
        for handle in self._running.values():
            handle.close()
        start = time.monotonic()
        family = self._jobs.find(set())
        self._jobs.send(_signal.SIGTERM, family)
        self._jobs.send(_signal.SIGCONT, family)
        while _any_lives(family) and time.monotonic() < start + _GRACE:
            time.sleep(_NAP)
            family = self._jobs.find(family)
        # Also if nobody was found: there are those that are too quick for a look.
        while family := self._jobs.freeze(family):
            self._jobs.send(_signal.SIGKILL, family)
            if not _any_lives(family) or time.monotonic() > start + _LONGEST_END:
                break
            time.sleep(_NAP)


def _say(pid: int, number: int) -> None:
    try:
        os.write(_OUT, MESSAGE.pack(pid, number))
    except OSError:  # there is nobody to listen, or to listen in time
        return


def _is_another(pid: int, moment: int) -> bool:
    """Say whether a pid is that of a process that was not there at that *moment*."""
    seen = look_at(pid)
    return seen is not None and not seen.was_there(moment)


def _send_group(group: int, sig: int) -> bool:
    """Send *sig* to all of a group at once; say whether there is anybody."""
    try:
        os.killpg(group, sig)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _any_lives(whom: set[Seen]) -> bool:
    return any(not seen.ended for seen in whom)


def _with_descendants(found: set[int], table: dict[int, Seen]) -> set[int]:
    children: dict[int, list[int]] = {}
    for seen in table.values():
        children.setdefault(seen.parent, []).append(seen.pid)
    found, new = set(found), list(found)
    while new:
        new = [pid for old in new for pid in children.get(old, ()) if pid not in found]
        found.update(new)
    return found


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _read(path: str) -> bytes:
    """Read a file of proc(5); nothing if there is none, or we may not."""
    parts: list[bytes] = []
    try:
        fd = os.open(path, os.O_RDONLY)
        try:
            while part := os.read(fd, 1 << 16):
                parts.append(part)
        finally:
            os.close(fd)
    except OSError:
        pass
    return b"".join(parts)


def main(charge: str, mark: str, linger: str) -> None:
    """Become nobody's child, and guard the process with the pid *charge*."""
    for sig in _IGNORED:
        _signal.signal(sig, _signal.SIG_IGN)
    guardian = Guardian(int(charge), mark, float(linger))
    if os.fork():
        os._exit(0)
    guardian.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
