"""The history of a process, from polls of it, and how it is drawn as a table.

>>> from ipyproc._jobs.procinfo.lifecycle import Phase, Sighting
>>> ok, done = ProcessStatus.OK, ProcessStatus.DONE
>>> history = History("Process 4242", started_at=100.0)
>>> history.add(Sighting(Phase.RUNNING, ok), 100.1)
>>> history.add(Sighting(Phase.ZOMBIE, ok, WaitStatus(0x0300)), 102.0)
>>> history.add(Sighting(Phase.GONE, done), 102.5)
>>> for moment in history.moments:
...     print(f"{moment.event}: {moment.phase}, {moment.status}")
started: running, ok
ended: exit status 3: zombie, ok
waited for: gone, done
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from ipyproc._jobs.procinfo.lifecycle import Phase, Sighting
from ipyproc.process import ProcessStatus
from ipyproc.state import ProcessState, WaitStatus
from ipyproc.views.render import styles
from ipyproc.views.render.console import aligned
from ipyproc.views.render.format import seconds

_SUMMARY = {
    Phase.RUNNING: "it runs",
    Phase.STOPPED: "it is stopped",
    Phase.ZOMBIE: "it has ended, and is a zombie until somebody waits for it",
    Phase.GONE: "it is gone",
}
# More do not fit on a page; those between the start and the last ones are dropped.
_MOMENTS = 16

_HEAD = "text-align:left;font-weight:normal;padding:2px 10px 2px 0;opacity:.7;border:0"
_CELL = "text-align:left;padding:2px 10px 2px 6px;white-space:nowrap;border:0;"


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened, and what the process and its object are from then on."""

    at: float
    event: str
    phase: Phase
    status: ProcessStatus


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the table, *span* columns wide; *lasted* is None while it lasts."""

    text: str
    kind: str
    span: int = 1
    lasted: str | None = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table."""

    heading: str
    cells: tuple[Cell, ...]


class History:
    """What happened to one process so far."""

    def __init__(self, title: str, started_at: float) -> None:
        self.title = title
        self._started_at = started_at
        self.moments: tuple[Moment, ...] = ()

    @property
    def over(self) -> bool:
        """Whether nothing more can happen."""
        return bool(self.moments) and self.moments[-1].phase is Phase.GONE

    @property
    def since(self) -> float:
        """When what the process does now began."""
        since, phase = self._started_at, None
        for moment in self.moments:
            if moment.phase is not phase:
                since, phase = moment.at, moment.phase
        return since

    @property
    def summary(self) -> str:
        """What the process does now, in words."""
        return _SUMMARY[self.moments[-1].phase] if self.moments else ""

    def add(self, sighting: Sighting, now: float) -> None:
        """Add what a poll of the process showed *now*, if it is news."""
        last = self.moments[-1] if self.moments else None
        if last and (last.phase, last.status) == (sighting.phase, sighting.status):
            return
        event = _event(last, sighting) if last else _first(sighting)
        begins = last is None and sighting.phase is Phase.RUNNING
        at = self._started_at if begins else now
        moment = Moment(at, event, sighting.phase, sighting.status)
        self.moments = _cut((*self.moments, moment))

    def rows(self) -> list[Row]:
        """Return what happened, and the phases of the process and its ``Process``."""
        happened = (Cell(moment.event, "event") for moment in self.moments)
        return [
            Row("what happened", tuple(happened)),
            Row("the process", tuple(self._phases())),
            Row("its Process object", tuple(self._statuses())),
        ]

    def _phases(self) -> Iterator[Cell]:
        begun = 0
        for phase, group in groupby(self.moments, lambda moment: moment.phase):
            span = len(list(group))
            first, begun = self.moments[begun], begun + span
            lasted = None if phase is not Phase.GONE else ""
            if begun < len(self.moments):
                lasted = seconds(max(0.0, self.moments[begun].at - first.at))
            yield Cell(str(phase), str(phase), span, lasted)

    def _statuses(self) -> Iterator[Cell]:
        for status, group in groupby(self.moments, lambda moment: moment.status):
            yield Cell(str(status), str(status), len(list(group)))


def text(history: History) -> str:
    """Return what happened, a line for each moment."""
    moments = history.moments
    first = moments[0].at if moments else 0.0
    table = [("", "what happened", "the process", "Process")]
    for moment in moments:
        after = f"+{moment.at - first:.2f} s"
        table.append((after, moment.event, str(moment.phase), str(moment.status)))
    return "\n".join([history.title, *aligned(table)])


def html(history: History) -> str:
    """Return the same as a table."""
    title = escape(history.title)
    rows = "".join(map(_drawn, history.rows()))
    return (
        f'<section class="ipyproc-life" aria-label="{title}" style="{styles.PADDED}">'
        f'<b>{title}</b><table style="{styles.JOINED}"><tbody>{rows}</tbody></table>'
        "</section>"
    )


def _drawn(row: Row) -> str:
    cells = "".join(
        f'<td colspan="{cell.span}" style="{_CELL}border-left:2px solid '
        f'{styles.phase(cell.kind)}">{_words(cell)}</td>'
        for cell in row.cells
    )
    return f'<tr><th scope="row" style="{_HEAD}">{escape(row.heading)}</th>{cells}</tr>'


def _words(cell: Cell) -> str:
    text = escape(cell.text)
    if cell.kind == "event":
        return f"<b>{text}</b>"
    return f"{text} <small>{cell.lasted}</small>" if cell.lasted else text


def _first(new: Sighting) -> str:
    """Return what happened before the first sighting, as far as it is known."""
    if new.phase is Phase.RUNNING:
        return "started"
    if new.phase is Phase.STOPPED:
        return "stopped"
    if new.phase is Phase.ZOMBIE or new.end is not None:
        return _ended(new.end)
    return "no such process any more"


def _event(last: Moment, new: Sighting) -> str:
    """Return what happened between the last moment and a new sighting."""
    if new.phase is last.phase:
        return str(new.status)
    if new.phase is Phase.ZOMBIE:
        return _ended(new.end)
    if new.phase is Phase.GONE:
        reaped = "reaped by another" if new.status is ProcessStatus.OK else "waited for"
        reaped = "gone" if new.status is ProcessStatus.RELEASED else reaped
        return reaped if last.phase is Phase.ZOMBIE else f"{_ended(new.end)}, {reaped}"
    return "stopped" if new.phase is Phase.STOPPED else "continued"


def _ended(end: WaitStatus | None) -> str:
    return "ended" if end is None else f"ended: {ProcessState(sys=end)}"


def _cut(moments: Sequence[Moment]) -> tuple[Moment, ...]:
    return (*moments[:1], *moments[1:][1 - _MOMENTS :])
