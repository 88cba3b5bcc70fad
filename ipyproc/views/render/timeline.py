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
from dataclasses import dataclass, replace
from html import escape
from itertools import groupby
from typing import Final

from ipyproc._jobs.procinfo.lifecycle import Phase, Sighting
from ipyproc.process import ProcessStatus
from ipyproc.state import ProcessState, WaitStatus
from ipyproc.views.render import styles
from ipyproc.views.render.console import aligned
from ipyproc.views.render.format import seconds
from ipyproc.views.render.words import ENGLISH, Words

_SUMMARY = {
    Phase.RUNNING: "it runs",
    Phase.STOPPED: "it is stopped",
    Phase.ZOMBIE: "it has ended, and is a zombie until somebody waits for it",
    Phase.GONE: "it is gone",
}
#: What the letters of proc(5), ``ps`` and ``top`` say of a process.
LETTERS: Final = {
    "R": "runs, or waits for a processor",
    "S": "sleeps until something happens",
    "D": "sleeps, and no handler is called until that is over",
    "T": "is stopped",
    "Z": "has ended, and was not waited for",
}
# More do not fit on a page; those between the start and the last ones are dropped.
_MOMENTS = 16

_HEAD = "text-align:left;font-weight:normal;padding:4px 10px 4px 0;opacity:.7;border:0"
_CELL = "text-align:left;padding:4px 10px 4px 6px;border:0;"


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened, and what the process and its object are from then on."""

    at: float
    event: str
    phase: Phase
    status: ProcessStatus
    program: str = ""
    execution: int = 0


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

    def __init__(
        self, title: str, started_at: float, words: Words = ENGLISH, pid: int = 0
    ) -> None:
        self.words, self.pid = words, pid
        kind, _, rest = title.partition(" ")
        self.title = f"{words(kind)} {rest}"
        #: The letter of what the process does; empty if there is none.
        self.letter = self._letter = ""
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
        return self.words(_SUMMARY[self.moments[-1].phase]) if self.moments else ""

    def add(self, sighting: Sighting, now: float) -> None:
        """Add what a poll of the process showed *now*, if it is news."""
        self._note(sighting)
        self._learn_program(sighting)
        last = self.moments[-1] if self.moments else None
        if last and _what(last) == _what(sighting):
            return
        event = _event(last, sighting) if last else _first(sighting)
        begins = last is None and sighting.phase is Phase.RUNNING
        at = self._started_at if begins else now
        moment = Moment(at, event, *_what(sighting))
        self.moments = _cut((*self.moments, moment))

    def _learn_program(self, sighting: Sighting) -> None:
        """Note which program it was all along, if that was not known before."""
        name, execution = sighting.program, sighting.execution
        if execution and not any(moment.execution for moment in self.moments):
            self.moments = tuple(
                replace(moment, program=name, execution=execution)
                for moment in self.moments
            )

    def _note(self, sighting: Sighting) -> None:
        """Note its letter; what runs only now and then is not said to run."""
        lasts = sighting.letter == self._letter or sighting.phase is not Phase.RUNNING
        if lasts or not self.letter:
            self.letter = sighting.letter
        self._letter = sighting.letter

    def rows(self) -> list[Row]:
        """Return what happened, and the phases of the process and its ``Process``."""
        words = self.words
        happened = (Cell(_said(m.event, words), "event") for m in self.moments)
        programs = tuple(self._programs())
        return [
            Row(words("what happened"), tuple(happened)),
            *([Row(words("its program"), programs)] if len(programs) > 1 else []),
            Row(words("the process"), tuple(self._phases())),
            Row(words("its Process object"), tuple(self._statuses())),
        ]

    def _phases(self) -> Iterator[Cell]:
        begun = 0
        for phase, group in groupby(self.moments, lambda moment: moment.phase):
            span = len(list(group))
            first, begun = self.moments[begun], begun + span
            lasted = None if phase is not Phase.GONE else ""
            if begun < len(self.moments):
                lasted = seconds(max(0.0, self.moments[begun].at - first.at))
            yield Cell(self.words(phase), str(phase), span, lasted)

    def _programs(self) -> Iterator[Cell]:
        """What it executed, one after the other: an exec may even keep the name."""
        for (name, _), group in groupby(
            self.moments, lambda moment: (moment.program, moment.execution)
        ):
            yield Cell(name, "program", len(list(group)))

    def _statuses(self) -> Iterator[Cell]:
        for status, group in groupby(self.moments, lambda moment: moment.status):
            yield Cell(str(status), str(status), len(list(group)))


def text(history: History) -> str:
    """Return what happened, a line for each moment."""
    moments, words = history.moments, history.words
    first = moments[0].at if moments else 0.0
    table = [("", words("what happened"), words("the process"), "Process")]
    for moment in moments:
        after, event = f"+{moment.at - first:.2f} s", _said(moment.event, words)
        table.append((after, event, words(moment.phase), str(moment.status)))
    return "\n".join([history.title, *aligned(table)])


def html(history: History) -> str:
    """Return the same as a table."""
    title = escape(history.title)
    rows = "".join(map(_drawn, history.rows()))
    return (
        f'<div role="region" class="ipyproc-life" id="{anchor(history.pid)}" '
        f'aria-label="{title}" style="{styles.PADDED}">'
        f'<b style="font-size:16px">{title}</b>'
        f'<table style="{styles.LARGE_TABLE}"><tbody>{rows}</tbody></table>'
        f"<small>{escape(legend(history.words))}</small></div>"
    )


def anchor(pid: int) -> str:
    """Return the name by which a link finds the life of a process."""
    return f"ipyproc-life-{pid}"


def legend(words: Words) -> str:
    """Return what the letters of a state mean, in one line."""
    return " · ".join(f"{letter} {words(text)}" for letter, text in LETTERS.items())


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


def _said(event: str, words: Words) -> str:
    """Return an event in another language; what Go and programs call it stays."""
    parts = []
    for part in event.split(", "):
        what, colon, rest = part.partition(": ")
        parts.append(words(what) + colon + rest)
    return ", ".join(parts)


def _first(new: Sighting) -> str:
    """Return what happened before the first sighting, as far as it is known."""
    if new.phase is Phase.RUNNING:
        return "started"
    if new.phase is Phase.STOPPED:
        return "stopped"
    if new.phase is Phase.ZOMBIE or new.end is not None:
        return _ended(new.end)
    return "no such process any more"


def _what(seen: Moment | Sighting) -> tuple[Phase, ProcessStatus, str, int]:
    return seen.phase, seen.status, seen.program, seen.execution


def _event(last: Moment, new: Sighting) -> str:
    """Return what happened between the last moment and a new sighting."""
    if new.phase is last.phase:
        same = new.status is last.status
        return f"exec: {new.program}" if same else str(new.status)
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
