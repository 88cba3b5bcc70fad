"""Which processes of the machine belong to which job, at little cost."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.proc import Stat

# In seconds. A process that joins a job is seen with the next look.
_FRESH = 1.0


class Survey:
    """The processes of the machine, and which of them belong to whom.

    A look reads only those that were not there at the last one, or changed sessions
    since: where thousands run beside the jobs, it costs next to nothing. Two threads
    may look at the same time; what either saw is replaced as a whole.
    """

    def __init__(self) -> None:
        self._seen = _Snapshot(-_FRESH, {})

    def family(self, root: int, fresh: float = _FRESH) -> set[int]:
        """Return the process *root* and all that it started, as far as can be found.

        Those are its group, its session, and the children of them all, with their
        sessions. One that joined since the last look, at most *fresh* seconds ago, may
        be missing.
        """
        seen = self._seen
        if time.monotonic() - seen.taken >= fresh or root not in seen.processes:
            for _ in self.look():
                pass
        return self.known(root)

    def known(self, root: int) -> set[int]:
        """Return the family of *root* as the last look showed it."""
        return self._seen.family(root)

    def look(self) -> Iterator[None]:
        """Look at all processes, in small steps; what it showed counts after all."""
        before, found = self._seen.processes, {}
        for pid in proc.pids():
            known = before.get(pid)
            if known is None or known.session != proc.session(pid):
                known = proc.stat(pid)
            if known is not None and not known.ended:
                found[pid] = known
            yield
        self._seen = _Snapshot(time.monotonic(), found)


class _Snapshot:
    """What one look showed; it never changes."""

    def __init__(self, taken: float, processes: dict[int, Stat]) -> None:
        self.taken = taken
        self.processes = processes
        # The pids of a group, a session, and the children of one, by its pid.
        self._with: dict[int, list[int]] = {}
        for pid, each in processes.items():
            for leader in {each.parent, each.group, each.session}:
                self._with.setdefault(leader, []).append(pid)

    def family(self, root: int) -> set[int]:
        """See ``Survey.family``."""
        found = {root, *self._with.get(root, ())}
        new = found - {root}
        while new:
            # A group may have another leader by now, or none: only sessions last.
            heirs = {
                pid
                for elder in new
                for pid in self._with.get(elder, ())
                if elder in (self.processes[pid].parent, self.processes[pid].session)
            }
            new = heirs - found
            found |= new
        # Not ourselves, whatever a job's own attributes made of its session.
        return {p for p in found if p in self.processes and p != os.getpid()}


#: The one that all jobs share.
survey = Survey()
