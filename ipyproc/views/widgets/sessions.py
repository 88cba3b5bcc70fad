"""The sessions, groups and processes, as a tree."""

from __future__ import annotations

import os
from collections.abc import Hashable
from itertools import groupby
from typing import cast

from ipyproc._jobs.procinfo.proc import Stat
from ipyproc.views import assets
from ipyproc.views.render import survey
from ipyproc.views.render.timeline import LETTERS
from ipyproc.views.transport.protocol import MemberFields
from ipyproc.views.transport.row_changes import Fields, Rows
from ipyproc.views.widgets.survey import Subject, SurveyView


class SessionsView(SurveyView):
    """Shows in which session and group each process is, and what it does."""

    _esm = assets.script("sessions")
    _css = assets.style("sessions")

    TEXTS = (*survey.SESSION_TEXTS, *LETTERS.values())

    def poll(self) -> tuple[Rows, Fields]:
        """Return a row for each process."""
        rows = {str(s.pid): dict(_row(s, s.state)) for s in self.look()}
        gone = {str(s.pid): dict(_row(s, "")) for s in self.gone()}
        rows = gone | rows
        return rows, {"letters": LETTERS}

    def summary(self) -> Hashable:
        """Return what does not change all the time."""
        return tuple(
            (
                *map(row.get, ("pid", "session", "group", "parent", "name")),
                not row["letter"],
            )
            for row in self.members()
        )

    def members(self) -> list[MemberFields]:
        """Return the rows as they were found last."""
        return cast(list[MemberFields], list(self.rows.values()))

    def text(self) -> str:
        """Return a line for each session, group and process."""
        return survey.sessions_text(_tree(self.members()), self.words)

    def html(self) -> str:
        """Return the same as nested boxes."""
        return survey.sessions_html(_tree(self.members()), self.words)


def sessions(*subjects: Subject, lang: str | None = None) -> SessionsView:
    """Show the sessions and process groups of processes, and of what they started.

    *subjects* are a ``Process``, a ``Job`` or a pid each; none means all that this
    Jupyter kernel started, and it itself is always there. Each process has the letter
    of its state: R, S, D, T or Z. *lang* is ``en`` or ``zh``.

    >>> from ipyproc import spawn
    >>> job = spawn("sleep 60")
    >>> view = sessions(job)  # at the end of a cell it is shown
    >>> [row["name"] for row in view.members() if row["group"] == job.pid]
    ['sleep']
    >>> view.close(); _ = job.kill()
    """
    return SessionsView(*subjects, lang=lang)


def _row(process: Stat, letter: str) -> MemberFields:
    return {
        "name": process.name,
        "pid": process.pid,
        "parent": process.parent,
        "group": process.group,
        "session": process.session,
        "letter": letter,
        "mine": process.pid == os.getpid(),
    }


def _tree(members: list[MemberFields]) -> survey.Tree:
    order = sorted(members, key=lambda row: (not row["mine"], row["pid"]))
    first = {row["session"]: n for n, row in reversed([*enumerate(order)])}
    order.sort(key=lambda row: (first[row["session"]], row["group"], row["pid"]))
    return [
        (session, [(g, list(rows)) for g, rows in groupby(found, _group)])
        for session, found in groupby(order, lambda row: row["session"])
    ]


def _group(row: MemberFields) -> int:
    return row["group"]
