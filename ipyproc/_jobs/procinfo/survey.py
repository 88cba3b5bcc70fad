"""Which processes there are, and whose: one look at the machine for all jobs."""

from __future__ import annotations

import os
import threading
import time

from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.proc import Stat

# In seconds. Who joins a job is seen with the next look.
_FRESH = 1.0


class Survey:
    """The processes of the machine, and which of them belong to whom.

    A look reads only those that were not there at the last one, or changed sessions
    since: where thousands run beside the jobs, it costs next to nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = -_FRESH
        self._all: dict[int, Stat] = {}
        # The pids of a group, a session, and the children of one, by its pid.
        self._with: dict[int, list[int]] = {}

    def family(self, root: int) -> set[int]:
        """Give the process *root* and all that it started, as far as can be found.

        Those are its group, its session, and the children of them all. One that joined
        since the last look, at most a second ago, may be missing.
        """
        with self._lock:
            if time.monotonic() - self._taken >= _FRESH or root not in self._all:
                self._look()
            found = {root, *self._with.get(root, ())}
            new = found - {root}
            while new:
                # The group or session of another is its children's, or a stranger's.
                children = {
                    pid
                    for parent in new
                    for pid in self._with.get(parent, ())
                    if self._all[pid].parent == parent
                }
                new = children - found
                found |= new
            # Not ourselves, whatever a job's own attributes made of its session.
            return {p for p in found if p in self._all and p != os.getpid()}

    def _look(self) -> None:
        before, self._all = self._all, {}
        for pid in proc.pids():
            known = before.get(pid)
            if known is None or known.session != _session(pid):
                known = proc.stat(pid)
            if known is not None:
                self._all[pid] = known
        self._with = {}
        for pid, each in self._all.items():
            for leader in {each.parent, each.group, each.session}:
                self._with.setdefault(leader, []).append(pid)
        self._taken = time.monotonic()


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


#: The one that all jobs share.
survey = Survey()
