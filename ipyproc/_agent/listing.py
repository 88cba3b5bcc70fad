"""Records of detached jobs on their way to a session on another machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from ipyproc._agent.protocol.frames import Body, Fields, ProtocolError
from ipyproc._agent.records import Record

# Bytes of records in one answer; another one is far less than the rest of a message.
_PAGE: Final = 256 << 10
# How many characters of a text are told, and how long words may be to be told.
_LONGEST: Final = 1000
_LONGEST_WORDS: Final = 4096
# What a session needs of ``job.json`` to follow the job.
_TOLD: Final = (
    *("is_named", "dir", "merge", "pty", "grace", "encoding"),
    *("output_limit", "memory_limit"),
)


def body_of(known: Sequence[Record], start: int, now: float) -> Body:
    """Return the records from *start* on, as many as one answer has.

    Clocks differ between machines, so times are told as seconds before *now*.
    """
    page: list[Body] = []
    size = 0
    for record in known[start:]:
        page.append(_told(record, now))
        size += len(json.dumps(page[-1]))
        if size > _PAGE:
            break
    after = start + len(page)
    return {"jobs": page, "next": after if after < len(known) else None}


def records_of(asked: Fields, host: str, now: float) -> list[Record]:
    """Make the records of a page again, which the host called *host* has told."""
    jobs = asked.body.get("jobs")
    if not isinstance(jobs, list) or not all(isinstance(job, dict) for job in jobs):
        raise ProtocolError("jobs: expected a list of records")
    return [_record(Fields(job), host, now) for job in jobs]


def _told(record: Record, now: float) -> Body:
    job = {name: record.job[name] for name in _TOLD if name in record.job}
    words = record.job.get("argv")
    if words and len(json.dumps(words)) <= _LONGEST_WORDS:
        job["argv"] = words
    return {
        "id": record.id,
        "name": record.name[:_LONGEST],
        "notebook": record.notebook[:_LONGEST],
        "folder": record.folder,
        "pid": record.pid,
        "status": record.status,
        "state": record.state[:_LONGEST],
        "shown": record.shown[:_LONGEST],
        "started": max(0.0, now - record.started_at),
        "since": max(0.0, now - record.since),
        "job": job,
    }


def _record(told: Fields, host: str, now: float) -> Record:
    shown = told.text("shown", "")
    started_at = now - (told.seconds("started", 0.0) or 0.0)
    return Record(
        id=told.text("id"),
        name=told.text("name"),
        notebook=told.text("notebook", ""),
        host=host,
        pid=told.number("pid"),
        status=told.text("status"),
        since=now - (told.seconds("since", 0.0) or 0.0),
        state=told.text("state", ""),
        shown=shown,
        folder=told.text("folder"),
        job={**told.fields("job").body, "shown": shown, "started_at": started_at},
    )
