"""States and jobs as HTML that needs nothing else: no script, no style sheet, no page.

It is what nbconvert, GitHub and a notebook without its kernel show. Everything that
comes from outside is escaped. The elements and classes are those of the live pane, so
that its style sheet fits where it happens to be; the inline styles do elsewhere.
"""

from __future__ import annotations

import json
from html import escape
from typing import Final

from ipyproc._jobs.job import Job
from ipyproc.state import ProcessState
from ipyproc.views.render import format
from ipyproc.views.render.format import Fact
from ipyproc.views.terminal.line import Run
from ipyproc.views.terminal.sgr import rgb
from ipyproc.views.transport.output_feed import recent

#: So many bytes of a saved notebook may a job's HTML take; with the text, 40 kB.
LARGEST: Final = 27_000
_LINES = 200
# Of a line that is too large by itself, so much is shown, without looks.
_CUT = 1000

# Legible on white and on black.
_PALETTE = (
    *("#5c6370", "#cc3e44", "#2f8f46", "#a07000", "#3b78d8", "#a64fc0", "#15878f"),
    *("#7d8590", "#6e7681", "#e0525a", "#3fa055", "#b8860b", "#4f8cf0", "#b765d0"),
    *("#2a9aa3", "#8b949e"),
)
# Colours of a badge, by status; an ended job's depends on how it ended.
_STATUS = {"running": "4", "stopped": "3", "released": "3"}
_WORDS = {
    "bold": "font-weight:bold",
    "dim": "opacity:.7",
    "italic": "font-style:italic",
    "underline": "text-decoration:underline",
    "strike": "text-decoration:line-through",
    "inverse": "outline:1px solid",
    "stderr": "border-bottom:1px dotted #cc3e44",
    "note": "opacity:.7;font-style:italic",
}
_FRAME = "border:1px solid #8886;border-radius:4px;overflow:hidden;text-align:left"
_HEAD = "padding:4px 10px"
_CODE = "background:none;font-size:12px"
#: For how many lines of output there is room in a pane, if not said otherwise.
HEIGHT = 17
_OUTPUT = (
    "margin:0;padding:4px 10px;overflow:auto;background:#8881;"
    "font:13px/1.4 var(--jp-code-font-family,monospace);white-space:pre-wrap;"
    "overflow-wrap:anywhere"
)
# The facts stand side by side, each below its name.
_TABLE = "margin:4px 10px;border:0;font-size:12px;line-height:1.35"
_ROWS = "display:flex;flex-wrap:wrap;gap:2px 20px"
_ROW = "display:block;background:none"
_FACT = "display:block;padding:0;text-align:left;font-weight:normal"
# Output is no mathematics, whatever stands between two dollars.
_NO_MATHS = "tex2jax_ignore mathjax_ignore"


def state(state: ProcessState) -> str:
    """Return what ``wait`` learnt as a table."""
    return _table(format.facts(state))


def job(job: Job, height: int = HEIGHT) -> str:
    """Return command, last output and state of a job; at most `LARGEST`.

    There is room for *height* lines of output; the others are scrolled.
    """
    name, text = escape(format.name(job)), _text(format.status(job))
    colour = _colour(_STATUS.get(job.status, "2" if format.success(job) else "1"))
    attributes = f'data-name="{name}" data-pid="{job.pid}" data-status="{job.status}"'
    head = (
        f'<section class="ipyproc-job {_NO_MATHS}" aria-label="Job {name}" '
        f'{attributes} style="{_FRAME}"><header style="{_HEAD}">'
        f'<span class="ipyproc-status" style="color:{colour}"><b>{text}</b></span> '
        f'<b>{name}</b> <code style="{_CODE}">{_text(format.command(job))}</code> '
        f"<small>pid {job.pid}{_ran(job)}</small></header>"
    )
    foot = f"{_state(job)}</section>"
    return head + _output(job, height, LARGEST - saved_size(head + foot)) + foot


def saved_size(text: str) -> int:
    """Return how many bytes *text* takes in a saved notebook."""
    return len(json.dumps(text, ensure_ascii=False).encode())


def _ran(job: Job) -> str:
    return f" · {format.elapsed(job)}" if job.ended_at else ""


def _state(job: Job) -> str:
    if job.state is None or job.ended_at is None:
        return ""
    return _table(format.facts(job.state, job.ended_at - job.started_at))


def _table(found: list[Fact]) -> str:
    rows = "".join(_fact(fact) for fact in found if not fact.detail)
    details = "".join(_fact(fact) for fact in found if fact.detail)
    return _facts(
        "ipyproc-state",
        f'{rows}<tr style="{_ROW}"><td style="{_FACT}"><details><summary>Wait status '
        f"and usage</summary>{_facts('', details)}</details></td></tr>",
    )


def _facts(name: str, rows: str) -> str:
    return (
        f'<table class="{name}" style="{_TABLE}"><tbody style="{_ROWS}">{rows}'
        "</tbody></table>"
    )


def _fact(fact: Fact) -> str:
    return (
        f'<tr style="{_ROW}"><th style="{_FACT};opacity:.7">{escape(fact.label)}</th>'
        f'<td style="{_FACT}">{escape(fact.value)}</td></tr>'
    )


def _output(job: Job, height: int, room: int) -> str:
    """Return the last lines of the output, as many as there is room for."""
    last = recent(job, _LINES)
    begin = (
        f'<pre class="ipyproc-output" role="log" style="{_OUTPUT};'
        f'max-height:{1.4 * height:.1f}em">'
    )
    room -= saved_size(begin) + 200  # for what says how much is not shown
    shown: list[str] = []
    for line in reversed(last.lines):
        drawn = _line(line)
        if saved_size(drawn) > room and not shown:
            drawn = _line([("".join(text for text, _ in line)[:_CUT] + " …", "")])
        room -= saved_size(drawn)
        if room < 0:
            break
        shown.append(drawn)
    if missing := last.missing(len(last.lines) - len(shown)):
        shown.append(f"<div><i>{missing}</i></div>")
    return f"{begin}{''.join(reversed(shown))}</pre>" if shown else ""


def _line(line: list[Run]) -> str:
    return f"<div>{''.join(map(_run, line)) or '<br>'}</div>"


def _text(text: str) -> str:
    """Escape what stands between elements, where quotes are only quotes."""
    return escape(text, quote=False)


def _run(run: Run) -> str:
    text, look = run
    link = next((w[5:] for w in look.split() if w.startswith("link=")), "")
    styles = ";".join(filter(None, map(_style, look.split())))
    drawn = _text(text)
    if styles:
        drawn = f'<span style="{styles}">{drawn}</span>'
    return f'<a href="{escape(link)}" rel="noopener">{drawn}</a>' if link else drawn


def _style(word: str) -> str:
    key, _, value = word.partition("=")
    if key in ("fg", "bg"):
        return f"{'background-' * (key == 'bg')}color:{_colour(value)}"
    return _WORDS.get(key, "")


def _colour(value: str) -> str:
    if value.startswith("#"):
        return value
    return _PALETTE[int(value)] if int(value) < 16 else rgb(int(value))
