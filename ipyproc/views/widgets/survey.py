"""The base of views that show some processes of this machine side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TypeAlias

import traitlets

from ipyproc._jobs.job import Job
from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.procinfo.proc import Stat
from ipyproc._jobs.procinfo.tree import Machine
from ipyproc._jobs.request import HERE
from ipyproc.process import Process
from ipyproc.views.render.words import Words
from ipyproc.views.transport.rate_limiter import Publisher, shared
from ipyproc.views.widgets.rows import RowsView

# So many processes are remembered after their end.
_MOST = 100

Subject: TypeAlias = Process | Job | int


class SurveyView(RowsView):
    """Shows some processes, what they started, and this Jupyter kernel.

    It looks once a second while a page shows it, and after each cell.
    """

    texts = traitlets.Dict().tag(sync=True)

    #: What the page says in the language of the view, in English.
    TEXTS: tuple[str, ...] = ()

    def __init__(
        self,
        *subjects: Subject,
        lang: str | None = None,
        publisher: Publisher = shared,
    ) -> None:
        self.words = Words(lang)
        self._subjects = [seen for subject in subjects if (seen := _seen(subject))]
        self._has_subjects = bool(subjects)
        self._known: set[Stat] = set()
        # As each was seen last, also those that are gone.
        self._seen: dict[Stat, Stat] = {}
        super().__init__(publisher)
        self.texts = self.words.of(self.TEXTS)

    @property
    def final(self) -> bool:
        """Whether all that it shows are gone, but the Jupyter kernel."""
        return self._has_subjects and not self._known

    @property
    def quiet(self) -> bool:
        """Whether nothing more will happen."""
        return self.final

    def measure(self) -> Iterator[None]:
        """Measure nothing: a look is all."""
        yield

    def look(self) -> list[Stat]:
        """Return the processes to show, the Jupyter kernel first."""
        table = proc.table()
        machine, own = Machine(table), os.getpid()
        begin = {s.pid for s in self._subjects if table.get(s.pid) == s}
        begin |= {s.pid for s in self._known if table.get(s.pid) == s}
        if not self._has_subjects:
            begin.add(own)
        found = machine.add_heirs(begin) - {own}
        # Orphans are nobody's children: what was seen once is followed.
        self._known = {table[pid] for pid in found if pid in table}
        if self._has_subjects and len(self._seen) < _MOST:
            self._seen.update(zip(self._known, self._known, strict=True))
        members = sorted(self._known, key=lambda s: (s.session, s.group, s.pid))
        return [table[own], *members] if own in table else members

    def gone(self) -> list[Stat]:
        """Return the processes that were shown and are gone, as they were seen last."""
        return [seen for seen in self._seen.values() if seen not in self._known]


def _seen(subject: Subject) -> Stat | None:
    if isinstance(subject, int):
        return proc.stat(subject)
    if not isinstance(subject, Process | Job):
        kind = type(subject).__name__
        raise TypeError(f"expected a Process, a Job or a pid, not {kind}")
    if isinstance(subject, Job) and subject.host is not HERE:
        raise ValueError(f"job {subject.name} runs on {subject.host.name}, not here")
    pid = subject.pid or 0
    return proc.stat(pid) if pid > 0 else None
