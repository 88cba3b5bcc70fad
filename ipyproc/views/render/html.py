"""States and jobs as HTML that needs nothing else: no script, no style sheet, no page.

nbconvert, GitHub and a notebook without its kernel show it. All text from outside is
escaped. The classes are those of the live pane, so that its style sheet applies where
it is loaded; elsewhere the inline styles do. Where not even these are left, or where
what is not allowed is shown as text, a job and a state still read well: they have only
the few elements that the strictest of the usual sanitisers allow. Of these the one that
looks like nothing is ``abbr``; it is what a ``div`` or a ``span`` is elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from html import escape
from typing import Final

from ipyproc._jobs.job import Job
from ipyproc._jobs.output.line import Run
from ipyproc.state import ProcessState
from ipyproc.views.render import format, styles
from ipyproc.views.render.fit import fitted
from ipyproc.views.render.format import Fact, saved_size
from ipyproc.views.render.links import linked
from ipyproc.views.render.recent import Recent, recent
from ipyproc.views.transport.protocol import JobFields

#: The most bytes of a saved notebook that a job's HTML takes; with the text 40 kB.
LARGEST: Final = 27_000
#: The most bytes that a table of 200 jobs takes; with the text 120 kB.
LARGEST_TABLE: Final = 97_000
#: The most lines of output that are kept.
LINES: Final = 200
#: What makes an empty line as high as others.
EMPTY: Final = "\u00a0"
# Of a line that is too large by itself, so much is shown, without styles.
_CUT = 1000
_LIST = "margin:0;list-style:none"
#: What is around a view.
FRAME: Final = f"display:block;{styles.FRAME};{styles.HEADER}"
_FACTS = f"{_LIST};padding:4px 0 0;font-size:12px;line-height:1.35;{styles.FACTS}"
_NAME = "display:block;opacity:.7;font-style:normal"
_QUIET = "opacity:.7;font-style:normal;font-size:11px"
_NOTE = f"flex:1 0 100%;{_QUIET}"
_CELL = "text-align:left"
_JOBS = "border:0;border-collapse:collapse;font-size:12px"
_LINE = "background:none"  # a cell isolates its text by itself

#: The lines of output that a pane shows at once, unless told otherwise.
HEIGHT: Final = 17


def state(state: ProcessState) -> str:
    """Return what ``wait`` learnt."""
    return _listed(format.facts(state))


def job(
    job: Job,
    height: int = HEIGHT,
    last: Recent | None = None,
    *,
    taken: float | None = None,
    note: str = "",
) -> str:
    """Return command, last output and state of a job; at most `LARGEST`.

    *height* lines of output are in view; the others are scrolled to. *last* are the
    last `LINES` of the output, if they are known. What may still change has the time at
    which it was *taken*; *note* follows the status.
    """
    name, label = escape(format.name(job)), escape(format.label(job))
    host, process = escape(format.host(job)), escape(format.process(job))
    text = _text(format.status(job) + note)
    why = format.reason(job)
    reason = f'<i class="ipyproc-reason">{_text(why)}</i> ' if why else ""
    colour = styles.badge(job.status, format.success(job))
    attributes = (
        f'data-name="{name}" data-number="{job.number}" data-host="{host}" '
        f'data-pid="{job.pid or ""}" '
        f'data-status="{job.status}"{_detached(format.detached(job))}'
    )
    head = (
        f'<abbr class="ipyproc-job {styles.NO_MATHS}" role="region" '
        f'aria-label="Job {name}" {attributes} style="{FRAME}">'
        f'<b class="ipyproc-status" style="color:{colour}">{text}</b> '
        f"{reason}"
        f'<b>{label}</b> <code style="{styles.CODE}">'
        f"{_text(format.command(job))}</code> "
        f'<i style="{_QUIET}">{process}{_ran(job)}{_taken(taken)}</i>'
    )
    foot = f"{_state(job)}</abbr>"
    last = last or recent(job, LINES)
    return head + _output(last, height, LARGEST - saved_size(head + foot)) + foot


def page(shown: Job) -> str:
    """Return a page of its own with what `job` draws."""
    title = _text(f"{format.label(shown)}: {format.command(shown)}")
    head = f'<html lang="en"><meta charset="utf-8"><title>{title}</title>'
    return f"<!doctype html>\n{head}\n{job(shown, HEIGHT)}\n</html>\n"


def jobs(rows: Iterable[JobFields], more: int = 0, taken: float | None = None) -> str:
    """Return the table of jobs as it was when it was *taken*.

    *more* of them are only counted. Of 200 jobs it is at most `LARGEST_TABLE`.
    """
    return fitted(rows, partial(_jobs, more=more, taken=taken), LARGEST_TABLE)


def _jobs(rows: Iterable[JobFields], more: int, taken: float | None) -> str:
    drawn = "".join(map(_job_row, rows))
    if not drawn:
        drawn = f'<tr><td colspan="6" style="{_CELL}"><i>{format.NO_JOBS}</i></td></tr>'
    headings = "".join(
        f'<th scope="col" style="{_CELL}">{name}</th>'
        for name in (*format.COLUMNS, "Last line")
    )
    note = ", ".join(filter(None, [format.more_jobs(more), _as_of(taken)]))
    return (
        f'<table class="ipyproc-jobs {styles.NO_MATHS}" style="{_JOBS}" '
        f'aria-label="Jobs"><thead><tr>{headings}</tr></thead>'
        f"<tbody>{drawn}</tbody></table>"
        + (f'<p style="{_QUIET}">{note}</p>' if note else "")
    )


def _job_row(row: JobFields) -> str:
    # Without the quotes that it can do without: each takes two bytes in a notebook.
    name, status = escape(row["name"]), escape(row["text"])
    host = escape(row["host"])
    data = f'data-name="{name}" data-number={row["number"]} data-host="{host}"'
    data += _detached("detached" in row)
    colour = styles.badge(row["status"], row["success"])
    cells = (
        f"<b>{escape(row['label'])}</b>",
        escape(format.place(row["pid"], row["host"])),
        f"<span class=ipyproc-status style=color:{colour}>{status}</span>",
        format.row_time(row),
        _code(row["command"]),
        _code(row["last"]),
    )
    columns = "".join(f"<td style={_CELL}>{cell}</td>" for cell in cells)
    return f"<tr {data} data-status={row['status']}>{columns}</tr>"


def _detached(is_detached: bool) -> str:
    """Return the attribute of what does not end with the kernel."""
    return " data-detached" * is_detached


def _code(text: str) -> str:
    return f"<code style={_LINE}>{_text(text)}</code>" if text else ""


def _ran(job: Job) -> str:
    return f" · {format.elapsed(job)}" if job.ended_at else ""


def _taken(taken: float | None) -> str:
    return f" · {_as_of(taken)}" if taken is not None else ""


def _as_of(taken: float | None) -> str:
    return format.as_of(taken) if taken is not None else ""


def _state(job: Job) -> str:
    facts = format.outcome(job)
    return _listed(facts) if facts else ""


def _listed(found: list[Fact]) -> str:
    """Return the facts side by side, and what is seldom asked for in one line."""
    details = " · ".join(f"{each.label} {each.value}" for each in found if each.detail)
    facts = [(each.label, each.value) for each in found if not each.detail]
    return listed("ipyproc-state", facts, details)


def listed(name: str, facts: Iterable[tuple[str, str]], note: str) -> str:
    """Return facts side by side, each value below its label, and a note below all."""
    drawn = "".join(
        f'<li><i style="{_NAME}">{_text(label)}</i> {_text(value)}</li>'
        for label, value in facts
    )
    return (
        f'<ul class="{name}" style="{_FACTS}">{drawn}'
        f'<li style="{_NOTE}">{_text(note)}</li></ul>'
    )


def _output(last: Recent, height: int, room: int) -> str:
    """Return the last lines of the output, as many as fit into *room* bytes."""
    begin = (
        f'<code style="{styles.SCROLLED};'
        f'max-height:{styles.LINE_HEIGHT * height:.1f}em">'
        f'<ul class="ipyproc-output" role="log" style="{_LIST};{styles.OUTPUT}">'
    )
    room -= saved_size(begin) + 200  # for the note about what is not shown
    shown: list[str] = []
    for line in reversed(last.lines):
        drawn = _line(line)
        if saved_size(drawn) > room and not shown:
            text = "".join(text for text, _ in line)
            drawn = _line([(format.ends(text, _CUT), "")])
        room -= saved_size(drawn)
        if room < 0:
            break
        shown.append(drawn)
    if missing := last.missing(len(last.lines) - len(shown)):
        shown.append(f"<li><i>{missing}</i></li>")
    return f"{begin}{''.join(reversed(shown))}</ul></code>" if shown else ""


def _line(line: list[Run]) -> str:
    return f"<li>{''.join(map(_run, line)) or EMPTY}</li>"


def _text(text: str) -> str:
    """Escape the text of an element, where quotes need no escape."""
    return escape(text, quote=False)


def _run(run: Run) -> str:
    text, style = run
    link = next((w[5:] for w in style.split() if w.startswith("link=")), "")
    pieces = [(text, link)] if link else linked(text)
    drawn = "".join(_anchor(piece, address) for piece, address in pieces)
    css = styles.css(style)
    return f'<abbr style="{css}">{drawn}</abbr>' if css else drawn


def _anchor(text: str, address: str) -> str:
    """Return *text*, as a link if it has an address."""
    drawn = _text(text)
    return (
        f'<a href="{escape(address)}" rel="noopener">{drawn}</a>' if address else drawn
    )
