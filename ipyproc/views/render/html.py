"""States and jobs as HTML that needs nothing else: no script, no style sheet, no page.

nbconvert, GitHub and a notebook without its kernel show it. All text from outside is
escaped. The elements and classes are those of the live pane, so that its style sheet
applies where it is loaded; elsewhere the inline styles do.
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
from ipyproc.views.render.recent import Recent, recent
from ipyproc.views.transport.protocol import JobFields

#: The most bytes of a saved notebook that a job's HTML takes; with the text 40 kB.
LARGEST: Final = 27_000
#: The most bytes that a table of 200 jobs takes; with the text 120 kB.
LARGEST_TABLE: Final = 97_000
#: The most lines of output that are kept.
LINES: Final = 200
# Of a line that is too large by itself, so much is shown, without styles.
_CUT = 1000
_FRAME = f"{styles.FRAME};overflow:hidden"
_TABLE = f"margin:4px 10px;{styles.FACT_TABLE}"
_CELL = "text-align:left"
_JOBS = "border:0;border-collapse:collapse;font-size:12px"
_LINE = "background:none"  # a cell isolates its text by itself

#: The lines of output that a pane shows at once, unless told otherwise.
HEIGHT: Final = 17


def state(state: ProcessState) -> str:
    """Return what ``wait`` learnt as a table."""
    return _table(format.facts(state))


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
    host, place = escape(format.host(job)), format.place(job.pid, format.host(job))
    text = _text(format.status(job) + note)
    colour = styles.badge(job.status, format.success(job))
    attributes = (
        f'data-name="{name}" data-number="{job.number}" data-host="{host}" '
        f'data-pid="{job.pid}" '
        f'data-status="{job.status}"{_detached(format.detached(job))}'
    )
    head = (
        f'<section class="ipyproc-job {styles.NO_MATHS}" aria-label="Job {name}" '
        f'{attributes} style="{_FRAME}"><header style="{styles.HEADER}">'
        f'<span class="ipyproc-status" style="color:{colour}"><b>{text}</b></span> '
        f'<b>{label}</b> <code style="{styles.CODE}">'
        f"{_text(format.command(job))}</code> "
        f"<small>pid {escape(place)}{_ran(job)}{_taken(taken)}</small></header>"
    )
    foot = f"{_state(job)}</section>"
    last = last or recent(job, LINES)
    return head + _output(last, height, LARGEST - saved_size(head + foot)) + foot


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
        f"<tbody>{drawn}</tbody></table>" + (f"<p>{note}</p>" if note else "")
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
    return _table(facts) if facts else ""


def _table(found: list[Fact]) -> str:
    rows = "".join(_fact(fact) for fact in found if not fact.detail)
    details = "".join(_fact(fact) for fact in found if fact.detail)
    return _facts(
        "ipyproc-state",
        f'{rows}<tr style="{styles.FACT}"><td style="{styles.VALUE}"><details>'
        f"<summary>Wait status and usage</summary>{_facts('', details)}"
        "</details></td></tr>",
    )


def _facts(name: str, rows: str) -> str:
    return (
        f'<table class="{name}" style="{_TABLE}"><tbody style="{styles.FACTS}">{rows}'
        "</tbody></table>"
    )


def _fact(fact: Fact) -> str:
    return (
        f'<tr style="{styles.FACT}"><th style="{styles.NAME}">{escape(fact.label)}</th>'
        f'<td style="{styles.VALUE}">{escape(fact.value)}</td></tr>'
    )


def _output(last: Recent, height: int, room: int) -> str:
    """Return the last lines of the output, as many as fit into *room* bytes."""
    begin = (
        f'<div style="{styles.SCROLLED};'
        f'max-height:{styles.LINE_HEIGHT * height:.1f}em">'
        f'<pre class="ipyproc-output" role="log" style="{styles.OUTPUT}">'
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
        shown.append(f"<div><i>{missing}</i></div>")
    return f"{begin}{''.join(reversed(shown))}</pre></div>" if shown else ""


def _line(line: list[Run]) -> str:
    return f"<div>{''.join(map(_run, line)) or '<br>'}</div>"


def _text(text: str) -> str:
    """Escape the text of an element, where quotes need no escape."""
    return escape(text, quote=False)


def _run(run: Run) -> str:
    text, style = run
    link = next((w[5:] for w in style.split() if w.startswith("link=")), "")
    drawn = _text(text)
    if css := styles.css(style):
        drawn = f'<span style="{css}">{drawn}</span>'
    return f'<a href="{escape(link)}" rel="noopener">{drawn}</a>' if link else drawn
