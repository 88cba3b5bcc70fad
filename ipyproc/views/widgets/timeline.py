"""The life line of a process: what happened to it, and to its ``Process``, and when."""

from __future__ import annotations

import json
import threading
import time
from html import escape
from typing import Any

import traitlets

from ipyproc._jobs.job import Job
from ipyproc._jobs.procinfo.lifecycle import Observer, observer
from ipyproc.process import Process
from ipyproc.views import assets
from ipyproc.views.render.timeline import Cell, History, Moment, Row
from ipyproc.views.widgets.base import Twin

_FRAME = "border:1px solid #8886;border-radius:4px;padding:6px 10px;text-align:left"
_TABLE = "margin:4px 0;border:0;border-collapse:collapse;font-size:12px"
_HEAD = "text-align:left;font-weight:normal;padding:2px 10px 2px 0;opacity:.7;border:0"
_CELL = "text-align:left;padding:2px 10px 2px 6px;white-space:nowrap;border:0;"
# Legible on white and on black.
_KINDS = {
    "event": "#8888",
    "running": "#2f8f46",
    "ok": "#2f8f46",
    "stopped": "#a07000",
    "released": "#a07000",
    "zombie": "#a64fc0",
}
_OTHER = "#7d8590"


class LifeLine(Twin):
    """Shows the life of one process, live, and changes nothing about it.

    It looks about 25 times a second, and after each cell: what was shorter may be
    missing. While it is shown it holds on to what it watches; ``close`` ends that.
    """

    _esm = assets.script("timeline")
    _css = assets.style("timeline")

    state = traitlets.Dict().tag(sync=True)

    def __init__(self, subject: Process | Job, **given: Any) -> None:
        watched = observer(subject)
        self._observer: Observer | None = watched
        self._history = History(watched.title, watched.started_at)
        self._looking = threading.Lock()
        self._look()
        super().__init__(state=self._drawn(), **given)
        self._unwatch = watched.watch(self.catch_up)
        self._look()

    @property
    def moments(self) -> tuple[Moment, ...]:
        """What happened so far."""
        return self._history.moments

    @property
    def final(self) -> bool:
        """Whether the process is gone, so that nothing more can happen."""
        return self._history.over

    def catch_up(self) -> None:
        """Look at the process now."""
        if self._look():
            self.changed()

    def close(self) -> None:
        """Watch no more; what is shown stays."""
        if hasattr(self, "_unwatch"):
            self._let_go()
        super().close()

    def text(self) -> str:
        """Return what happened, a line for each moment."""
        moments = self.moments
        first = moments[0].at if moments else 0.0
        table = [("", "what happened", "the process", "Process")]
        for moment in moments:
            after = f"+{moment.at - first:.2f} s"
            table.append((after, moment.event, str(moment.phase), str(moment.status)))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) for cell, width in zip(row, widths, strict=True)
            ).rstrip()
            for row in table
        ]
        return "\n".join([self._history.title, *lines])

    def html(self) -> str:
        """Return the same as a table."""
        title = escape(self._history.title)
        rows = "".join(map(_row, self._history.rows()))
        return (
            f'<section class="ipyproc-life" aria-label="{title}" style="{_FRAME}">'
            f'<b>{title}</b><table style="{_TABLE}"><tbody>{rows}</tbody></table>'
            "</section>"
        )

    def set_state(self, sync_data: dict[str, object]) -> None:
        """Ignore what a page writes: it shows, and decides nothing."""

    def _look(self) -> bool:
        """Look at the process; tell whether there is news."""
        with self._looking:
            before = self._history.moments
            if self._observer and (sighting := self._observer.look()):
                self._history.add(sighting, time.time())
            if self.final and hasattr(self, "_unwatch"):
                self._let_go()
            return self._history.moments != before

    def _let_go(self) -> None:
        self._unwatch()
        self._observer = None

    def _refresh(self) -> int:
        drawn = self._drawn()
        if drawn["rows"] == self.state["rows"]:
            return 0
        self.state = drawn
        return len(json.dumps(drawn))

    def _drawn(self) -> dict[str, Any]:
        """Return all that a page needs, as JSON."""
        history = self._history
        return {
            "title": history.title,
            "summary": history.summary,
            "rows": [(row.heading, _as_json(row.cells)) for row in history.rows()],
            "lasted": max(0.0, time.time() - history.since),
        }


def life(subject: Process | Job) -> LifeLine:
    """Show the life of a process: running, stopped, a zombie, waited for.

    *subject* is a ``Process`` or a ``Job``. Beside its life stands the status of its
    ``Process``: ok, done or released. It is live until the process is gone, and never
    waits for the process itself.

    >>> from ipyproc import start_process
    >>> p = start_process("/bin/sleep", ["sleep", "60"])
    >>> view = life(p)  # at the end of a cell it is shown
    >>> p.kill()
    >>> print(p.wait())
    signal: killed
    >>> view.close()
    """
    return LifeLine(subject)


def _as_json(cells: tuple[Cell, ...]) -> list[tuple[str, str, int, str | None]]:
    return [(cell.text, cell.kind, cell.span, cell.lasted) for cell in cells]


def _row(row: Row) -> str:
    cells = "".join(
        f'<td colspan="{cell.span}" style="{_CELL}border-left:2px solid '
        f'{_KINDS.get(cell.kind, _OTHER)}">{_words(cell)}</td>'
        for cell in row.cells
    )
    return f'<tr><th scope="row" style="{_HEAD}">{escape(row.heading)}</th>{cells}</tr>'


def _words(cell: Cell) -> str:
    text = escape(cell.text)
    if cell.kind == "event":
        return f"<b>{text}</b>"
    return f"{text} <small>{cell.lasted}</small>" if cell.lasted else text
