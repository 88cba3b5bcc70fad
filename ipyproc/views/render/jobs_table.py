"""The table of jobs as text and as HTML, for who has no widgets and for saved files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape

from ipyproc.views.transport.row_changes import Fields
from ipyproc.views.widgets.rows import elapsed

NO_JOBS = "no jobs"

_COLUMNS: dict[str, Callable[[Fields], str]] = {
    "Name": lambda row: str(row["name"]),
    "PID": lambda row: str(row["pid"]),
    "Status": lambda row: str(row["text"]),
    "Time": elapsed,
    "Command": lambda row: str(row["command"]),
}
_LAST_LINE = "Last line"

_TABLE = "border:0;border-collapse:collapse;font-size:12px"
_CELL = "text-align:left"
_LINE = "unicode-bidi:isolate;background:none"
# What jobs print is no mathematics, whatever stands between two dollars.
_NO_MATHS = "tex2jax_ignore mathjax_ignore"
# Legible on white and on black, as in html.py.
_COLOURS = {"running": "#3b78d8", "stopped": "#a07000", "released": "#a07000"}
_GOOD, _BAD = "#2f8f46", "#cc3e44"


def text(rows: Iterable[Fields], more: int = 0) -> str:
    """Return a line for each row, aligned; *more* jobs are only counted."""
    cells = [[get(row) for get in _COLUMNS.values()] for row in rows]
    if not cells:
        return NO_JOBS
    lines = [[name.upper() for name in _COLUMNS], *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    drawn = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    return "\n".join(drawn + _more(more))


def html(rows: Iterable[Fields], more: int = 0) -> str:
    """Return a table that needs nothing else; *more* jobs are only counted."""
    drawn = "".join(map(_row, rows))
    if not drawn:
        drawn = f'<tr><td colspan="6" style="{_CELL}"><i>{NO_JOBS}</i></td></tr>'
    headings = "".join(
        f'<th scope="col" style="{_CELL}">{name}</th>' for name in _HEADINGS
    )
    return (
        f'<table class="ipyproc-jobs {_NO_MATHS}" style="{_TABLE}" aria-label="Jobs">'
        f"<thead><tr>{headings}</tr></thead><tbody>{drawn}</tbody></table>"
        + "".join(f"<p>{line}</p>" for line in _more(more))
    )


_HEADINGS = (*_COLUMNS, _LAST_LINE)


def _row(row: Fields) -> str:
    name, status = escape(row["name"]), escape(row["text"])
    good = _GOOD if row["success"] else _BAD
    colour = _COLOURS.get(row["status"], good)
    cells = (
        f"<b>{name}</b>",
        str(row["pid"]),
        f'<span class="ipyproc-status" style="color:{colour}">{status}</span>',
        elapsed(row),
        _code(row["command"]),
        _code(row["last"]),
    )
    columns = "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells)
    return f'<tr data-name="{name}" data-status="{row["status"]}">{columns}</tr>'


def _code(text: str) -> str:
    return f'<code style="{_LINE}">{escape(text)}</code>' if text else ""


def _more(count: int) -> list[str]:
    jobs = "job" if count == 1 else "jobs"
    line = f"{count:,} more {jobs} that ended: %procs --all"
    return [line] if count else []
