"""Detached jobs as text and as static HTML: those of all notebooks of a user."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from html import escape

from ipyproc._agent.records import UNKNOWN, Record
from ipyproc.views.render import format, styles
from ipyproc.views.render.console import aligned
from ipyproc.views.transport.protocol import DetachedFields

NONE = "no detached jobs"
_COLUMNS = ("Job", "Notebook", "Pid", "Status", "Since", "Command")
_CELL = "text-align:left"
_TABLE = "border:0;border-collapse:collapse;font-size:12px"
_LINE = "white-space:pre"
_SHORT = f"{_CELL};white-space:nowrap"
_LONGEST = 60


def row(record: Record) -> DetachedFields:
    """Return what a page shows of a job."""
    name, notebook, pid, status, since, command = _cells(record)
    return {
        "name": name,
        "notebook": notebook,
        "path": format.plain(record.notebook),
        "pid": pid,
        "status": record.status,
        "text": status,
        "success": _success(record),
        "since": since,
        "command": command,
        "over": record.is_over,
        "known": record.status != UNKNOWN,
    }


def text(records: Sequence[Record]) -> str:
    """Return the table, aligned."""
    if not records:
        return NONE
    heading = [name.upper() for name in _COLUMNS]
    return "\n".join(aligned([heading, *map(_cells, records)]))


def html(records: Sequence[Record]) -> str:
    """Return the table as HTML."""
    if not records:
        return f"<i>{NONE}</i>"
    head = "".join(f'<th scope="col" style="{_CELL}">{n}</th>' for n in _COLUMNS)
    body = "".join(_row(record) for record in records)
    return (
        f'<table class="ipyproc-detached {styles.NO_MATHS}" style="{_TABLE}" '
        f'aria-label="Detached jobs"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _row(record: Record) -> str:
    name, notebook, pid, status, since, command = map(escape, _cells(record))
    path = escape(format.plain(record.notebook))
    colour = styles.badge(record.status, _success(record))
    cells: Iterable[str] = (
        f"<b>{name}</b>",
        f'<span title="{path}">{notebook}</span>',
        pid,
        f'<span class="ipyproc-status" style="color:{colour}">{status}</span>',
        since,
        f'<code style="{_LINE}">{command}</code>',
    )
    columns = "".join(f'<td style="{_SHORT}">{cell}</td>' for cell in cells)
    return f'<tr data-id="{name}" data-status="{record.status}">{columns}</tr>'


def _success(record: Record) -> bool | None:
    return None if not record.is_over else record.state == "exit status 0"


def _cells(record: Record) -> list[str]:
    ended = record.state if record.status in ("exited", "signaled") else ""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.since))
    cells = (
        record.id,
        os.path.basename(record.notebook),
        format.place(record.pid, record.host) if record.is_elsewhere else record.pid,
        ended or record.status,
        when,
        _cut(" ".join(record.shown.split())),
    )
    return [format.plain(str(cell)) for cell in cells]


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else format.ends(line, _LONGEST)
