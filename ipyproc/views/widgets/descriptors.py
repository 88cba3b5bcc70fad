"""The descriptor tables of processes: who holds which end of which pipe."""

from __future__ import annotations

import os
from collections.abc import Hashable
from itertools import count
from typing import Any, cast

from ipyproc._jobs.procinfo.descriptors import Descriptor
from ipyproc._jobs.procinfo.descriptors import descriptors as read
from ipyproc._jobs.procinfo.proc import Stat
from ipyproc.views import assets
from ipyproc.views.render import survey
from ipyproc.views.transport.protocol import End, HolderFields
from ipyproc.views.transport.row_changes import Fields, Rows
from ipyproc.views.widgets.survey import Subject, SurveyView


class DescriptorsView(SurveyView):
    """Shows the descriptors of processes, and the pipes that connect them."""

    _esm = assets.script("descriptors")
    _css = assets.style("descriptors")

    TEXTS = survey.DESCRIPTOR_TEXTS

    def __init__(self, *subjects: Subject, **given: Any) -> None:
        #: The names of the pipes, by what ``/proc`` calls them.
        self._pipes: dict[str, str] = {}
        self._numbers = count(1)
        super().__init__(*subjects, **given)

    def poll(self) -> tuple[Rows, Fields]:
        """Return a row for each process that holds an end, or was asked for."""
        own, *others = self.look()
        tables = {process: read(process) for process in others}
        held = {d.target for table in tables.values() for d in table if d.is_pipe}
        self._name(held)
        # Of the Jupyter kernel only what it shares: it has many of its own.
        if shared := [d for d in read(own) if d.target in held]:
            tables = {own: shared, **tables}
        tables |= {process: [] for process in self.gone()}
        return {str(s.pid): dict(self._row(s, t)) for s, t in tables.items()}, {}

    def summary(self) -> Hashable:
        """Return all: what a process has open changes rarely."""
        return str(self.rows)

    def holders(self) -> list[HolderFields]:
        """Return the rows as they were found last."""
        return cast(list[HolderFields], list(self.rows.values()))

    def text(self) -> str:
        """Return a line for each pipe, and one for each process."""
        return survey.descriptors_text(self.holders(), self.words)

    def html(self) -> str:
        """Return the same as tables."""
        return survey.descriptors_html(self.holders(), self.words)

    def _name(self, held: set[str]) -> None:
        for target in sorted(held - self._pipes.keys()):
            self._pipes[target] = str(next(self._numbers))

    def _row(self, process: Stat, table: list[Descriptor]) -> HolderFields:
        return {
            "name": process.name,
            "pid": process.pid,
            "mine": process.pid == os.getpid(),
            "ended": process.ended or process in self.gone(),
            "ends": [self._end(descriptor) for descriptor in table],
        }

    def _end(self, descriptor: Descriptor) -> End:
        way = "r" * descriptor.can_read + "w" * descriptor.can_write
        pipe = self._pipes.get(descriptor.target, "")
        return descriptor.number, way, pipe, descriptor.target


def descriptors(*subjects: Subject, lang: str | None = None) -> DescriptorsView:
    """Show the descriptor tables of processes: who holds which end of which pipe.

    *subjects* are a ``Process``, a ``Job`` or a pid each. What they started is shown,
    too, and of this Jupyter kernel the ends of their pipes. *lang* is ``en`` or ``zh``.

    >>> from ipyproc import command
    >>> cat = command("cat")
    >>> pipe = cat.stdin_pipe()
    >>> cat.start()
    >>> view = descriptors(cat.process)  # at the end of a cell it is shown
    >>> print(view.text().splitlines()[0])
    pipe 1: python... (...) descriptor ... -> cat (...) descriptor 0
    >>> view.close(); pipe.close(); cat.wait()
    """
    return DescriptorsView(*subjects, lang=lang)
