"""The folders of detached jobs: what is on the disk of each, readable without an agent.

Each is ``$XDG_STATE_HOME/ipyproc/jobs/ID/``, for its owner alone. ``job.json`` says
what was started, with neither environment nor input; ``out`` and ``err`` are what the
job prints; ``end.json`` says how it ended, and ``seen`` that a session has heard of it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from errno import EINVAL, ENOENT
from functools import cache
from typing import Any, Final

from ipyproc._agent import facts
from ipyproc._agent.protocol.frames import Body, Fields, ProtocolError
from ipyproc._jobs.adopted import Ending
from ipyproc._jobs.output.capture import MEMORY_LIMIT, OUTPUT_LIMIT
from ipyproc._jobs.output.encoding import UTF_8
from ipyproc._jobs.procinfo import proc
from ipyproc._jobs.request import Request
from ipyproc.errors import JobLostError, PathError

JOB: Final = "job.json"
END: Final = "end.json"
_SEEN: Final = "seen"
#: What a status is that nobody on this machine can know.
UNKNOWN: Final = "unknown"
_LOST: Final = "lost"
# In seconds: for so long the folder of a job that ended is kept once that was seen, and
# in any case, and one without a record, whose start may be under way.
_DAY: Final = 86_400.0
_WEEK: Final = 7 * _DAY
_STARTING: Final = 3600.0
#: Bytes that all folders of a user take.
MOST: Final = 5 << 30
_BLOCK: Final = 512
_ATTEMPTS: Final = 100
_LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True)
class Record:
    """A detached job, as its folder tells of it.

    *id* is for ever. *notebook* is the name of that which started it, or empty; *host*
    the machine. *status* is that of a job (``running``, ``exited``, ...), *since* the
    time at which it began, and *state* says how it ended, in Go's words.
    """

    id: str
    name: str
    notebook: str
    host: str
    pid: int
    status: str
    since: float
    state: str = ""
    shown: str = ""
    folder: str = field(default="", repr=False)
    #: What ``job.json`` and ``end.json`` say.
    job: Body = field(default_factory=dict, repr=False)
    end: Body | None = field(default=None, repr=False)

    @property
    def started_at(self) -> float:
        """When it was started."""
        return Fields(self.job).seconds("started_at", 0.0) or 0.0

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is on another machine than this one."""
        return self.host != host()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, as far as that can be known here."""
        return self.status not in ("running", "stopped", UNKNOWN)


def root(env: Mapping[str, str] = os.environ) -> str:
    """The folder of the folders, in the user's environment *env*, or ours as it is."""
    chosen = env.get("XDG_STATE_HOME", "")
    if not os.path.isabs(chosen):
        home = env.get("HOME") or os.path.expanduser("~")
        chosen = os.path.join(home, ".local", "state")
    return os.path.join(chosen, "ipyproc", "jobs")


def notebook() -> str:
    """The notebook that this session belongs to; empty if there is none."""
    return os.environ.get("JPY_SESSION_NAME", "")


def of_notebook(known: Iterable[Record]) -> list[Record]:
    """Return those that belong to the same notebook as this session."""
    ours = notebook()
    return [record for record in known if record.notebook == ours]


def create(name: str, where: str | None = None) -> str:
    """Make the folder of a new job called *name*, and return its path.

    Its last part is the job's id: nobody else ever has the same. It is in *where*, or
    in our own ``root``.
    """
    where = where or root()
    plain = name.replace("/", "_").encode()[:_LONGEST_NAME].decode(errors="ignore")
    plain = f"_{plain}" if plain.startswith(".") else plain
    try:
        os.makedirs(where, 0o700, exist_ok=True)
        for _ in range(_ATTEMPTS):
            path = os.path.join(where, f"{plain}@{secrets.token_hex(2)}")
            with suppress(FileExistsError):
                os.mkdir(path, 0o700)
                return path
        raise FileExistsError(17, "")
    except OSError as error:
        raise PathError("mkdir", where, error.errno or EINVAL) from None


def identity(folder: str) -> str:
    """Return the id of the job whose folder it is."""
    return os.path.basename(folder)


def check(folder: str) -> str:
    """Return the id that belongs to *folder*; ``PathError`` if it is none of ours."""
    with suppress(OSError, ValueError):
        seen = os.lstat(folder)
        ours = stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid()
        if ours and os.path.isabs(folder) and "@" in identity(folder):
            return identity(folder)
    raise PathError("open", folder, ENOENT)


def write(folder: str, name: str, body: Body) -> None:
    """Write *name* in *folder*, all of it or nothing; ``OSError``."""
    path = os.path.join(folder, name)
    fresh = f"{path}.{secrets.token_hex(4)}"
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "w", encoding="utf-8") as file:
            json.dump(body, file)
        os.replace(fresh, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(fresh)
        raise


def note_seen(folder: str) -> None:
    """Note that a session has heard of the end."""
    with suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        os.close(os.open(os.path.join(folder, _SEEN), flags, 0o600))


def remove(folder: str) -> None:
    """Delete a folder and what is in it."""
    shutil.rmtree(folder, ignore_errors=True)


def read(folder: str) -> Record | None:
    """Read what is known of a job; ``None`` if that is nothing."""
    job = _body(os.path.join(folder, JOB))
    if job is None:
        return None
    end = _body(os.path.join(folder, END))
    try:
        return _record(folder, Fields(job), end)
    except ProtocolError:
        return None


def read_all(where: str | None = None) -> list[Record]:
    """Read all of them, the eldest first."""
    found = [record for path in _folders(where or root()) if (record := read(path))]
    return sorted(found, key=lambda record: record.started_at)


@cache
def host() -> str:
    """The name of this machine."""
    return socket.gethostname()


@cache
def machine() -> str:
    """What tells this run of this machine, or container, from all others."""
    words: list[str] = []
    with suppress(OSError), open("/proc/sys/kernel/random/boot_id") as file:
        words.append(file.read().strip())
    with suppress(OSError):
        words.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(words)


def request_of(record: Record) -> Request:
    """Make again what is on record of a request; what was typed, if no more is."""
    told = Fields(record.job)
    argv = told.texts("argv") or [told.text("shown", "") or record.name]
    return Request(
        argv=tuple(argv),
        name=record.name,
        env={},
        is_named=told.flag("is_named"),
        shown=record.shown,
        dir=told.optional("dir"),
        merge=told.flag("merge"),
        pty=None if told.body.get("pty") is None else _size_of_terminal(told),
        grace=told.seconds("grace", 5.0) or 0.0,
        encoding=told.text("encoding", UTF_8),
        output_limit=told.number("output_limit", OUTPUT_LIMIT),
        memory_limit=told.number("memory_limit", MEMORY_LIMIT),
        detach=True,
        folder=record.folder,
    )


def ending_of(record: Record) -> Ending:
    """Return how a job ended that is over."""
    told = Fields(record.end or {})
    state = error = None
    if told.body.get("state"):
        state = facts.state_of(told.fields("state"))
    else:
        error = JobLostError(record.state or "nobody learnt how it ended")
    elapsed = told.seconds("elapsed", 0.0) or 0.0
    ended_at = record.started_at + elapsed if state else record.since
    return Ending(state, error, ended_at, told.flag("timed_out"))


def _size_of_terminal(told: Fields) -> tuple[int, int]:
    rows, columns = told.numbers("pty", 2)
    return rows, columns


def forget(folder: str) -> None:
    """Delete what is kept of a job that has ended; ``RuntimeError`` while it runs."""
    record = read(folder)
    if record is not None and not record.is_over:
        raise RuntimeError(f"{identity(folder)} still runs: end it first")
    remove(folder)


def settle(record: Record) -> None:
    """Write down that nobody learnt how a job ended, if that is so."""
    if record.is_over and record.end is None:
        body = {"status": _LOST, "ended_at": time.time(), "reason": record.state}
        with suppress(OSError):
            write(record.folder, END, body)


def sweep(where: str, is_known: Callable[[str], bool] = lambda _: False) -> None:
    """Delete what was kept long enough, and what is too much, the eldest first.

    *is_known* tells of an id whether somebody else writes down how that job ended.
    """
    now, kept = time.time(), []
    for folder in _folders(where):
        record, seen = read(folder), _modified(os.path.join(folder, _SEEN))
        if record is None:
            if now - (_modified(folder) or now) > _STARTING:
                remove(folder)
        elif record.end is None:
            if not is_known(record.id):
                settle(record)
        elif record.is_over:
            if max(seen or 0.0, record.since) > now:
                _date(record, now)
                seen = seen and now
            is_old = seen is not None and now - max(seen, record.since) > _DAY
            if is_old or now - record.since > _WEEK:
                remove(folder)
            else:
                kept.append(record)
    sizes = {folder: _size(folder) for folder in _folders(where)}
    total = sum(sizes.values())
    for record in sorted(kept, key=lambda record: record.since):
        if total <= MOST:
            return
        remove(record.folder)
        total -= sizes.get(record.folder, 0)


def _date(record: Record, now: float) -> None:
    """Let an end that lies in the future be now: the clock was set back since.

    Else it would be kept until then.
    """
    with suppress(OSError):
        if record.since > now:
            write(record.folder, END, {**(record.end or {}), "ended_at": now})
        os.utime(os.path.join(record.folder, _SEEN), (now, now))


def _record(folder: str, job: Fields, end: Body | None) -> Record:
    status, since, state = _status(job, end)
    return Record(
        id=os.path.basename(folder),
        name=job.text("name"),
        notebook=job.text("notebook", ""),
        host=job.text("host", ""),
        pid=job.number("pid"),
        status=status,
        since=since,
        state=state,
        shown=job.text("shown", ""),
        folder=folder,
        job=job.body,
        end=end,
    )


def _status(job: Fields, end: Body | None) -> tuple[str, float, str]:
    """What it does, since when, and how it ended."""
    started_at = job.seconds("started_at", 0.0) or 0.0
    if end is not None:
        told = Fields(end)
        since = told.seconds("ended_at", started_at) or 0.0
        if told.body.get("state"):
            return (
                told.text("status", _LOST),
                since,
                str(facts.state_of(told.fields("state"))),
            )
        return _LOST, since, told.text("reason", "")
    if job.text("host", "") != host():
        return UNKNOWN, started_at, f"only {job.text('host', '')} can tell"
    if job.text("machine", "") != machine():
        return _LOST, started_at, "the machine was started anew since"
    seen = proc.stat(job.number("pid"))
    if seen is None or seen.ended or seen.started_ticks != job.number("ticks"):
        return _LOST, started_at, "its agent had ended, so nobody learnt how it did"
    return "stopped" if seen.stopped else "running", started_at, ""


def _folders(where: str) -> Iterator[str]:
    with suppress(OSError), os.scandir(where) as entries:
        for entry in entries:
            if "@" in entry.name and entry.is_dir(follow_symlinks=False):
                yield entry.path


def _body(path: str) -> dict[str, Any] | None:
    with suppress(OSError, ValueError), open(path, encoding="utf-8") as file:
        body = json.load(file)
        return body if isinstance(body, dict) else None
    return None


def _modified(path: str) -> float | None:
    with suppress(OSError):
        return os.stat(path).st_mtime
    return None


def _size(folder: str) -> int:
    total = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
    return total
