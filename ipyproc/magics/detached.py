"""Detached jobs on a line: listed, taken into this kernel, forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from ipyproc._agent import records
from ipyproc._agent.records import Record
from ipyproc._jobs.job import Job
from ipyproc._jobs.procinfo.ender import ender_of
from ipyproc._jobs.request import HERE
from ipyproc.magics.errors import one_line
from ipyproc.session import jobs, keeper

if TYPE_CHECKING:
    from ipyproc.hosts import Host

# What was said in this session: once is enough.
_told: set[tuple[str, str]] = set()


def known(on: Host | None) -> list[Record]:
    """List those of this machine, or on a host; ``UsageError``."""
    try:
        return jobs.detached(on)
    except (OSError, ValueError) as error:
        raise _refused(error) from None


def take(words: Sequence[str], on: Host | None) -> list[Job]:
    """Take the jobs that *words* name, by id or by name; ``UsageError``."""
    return [_attached(word, on) for word in dict.fromkeys(words)]


def forget(words: Sequence[str], on: Host | None) -> Iterator[str]:
    """Delete what is kept of ended jobs; yield what to say of each.

    Without *words* those of this notebook.
    """
    if words:
        found = [_found(word, on) for word in dict.fromkeys(words)]
        for record in found:
            if not record.is_over:
                raise UsageError(f"{record.id} still runs: end it first")
    else:
        ours = records.of_notebook(known(on))
        found = [record for record in ours if record.is_over]
    for record in found:
        keeper(on).remove(record)
        yield f"{record.id}: forgotten"


def take_or_none(name: str, on: Host | None) -> Job | None:
    """Take the job of this name that runs and that this notebook has detached."""
    running = keeper(on).running(name)
    return _attached(running[-1].id, on) if running else None


def greeting() -> str:
    """Say which detached jobs of this notebook run; empty if none does.

    That is read from the disk alone, for it is said at each ``%load_ext``.
    """
    ours = records.of_notebook(records.read_all())
    here = {job.id for job in jobs}
    running = [r for r in ours if not r.is_over and r.id not in here]
    if not running:
        return ""
    names = ", ".join(record.id for record in running)
    runs = "a detached job of this notebook runs"
    if len(running) > 1:
        runs = f"{len(running)} detached jobs of this notebook run"
    return f"{runs}: {names}; %procattach {running[-1].name} shows it"


def say_end_all_the_same(job: Job) -> None:
    """Print the first time what will end a detached job in spite of all."""
    what, name = ender_of(job.pid or 0), str(job.id)
    if job.host is not HERE:
        what, name = job.ender, f"{job.id} on {job.host.name}"
    if what and (what, job.host.name) not in _told:
        _told.add((what, job.host.name))
        print(f"{name} ends with {what} all the same")


def _attached(word: str, on: Host | None) -> Job:
    try:
        return jobs.attach(word, on)
    except (KeyError, OSError, ValueError) as error:
        raise _refused(error) from None


def _found(word: str, on: Host | None) -> Record:
    try:
        return keeper(on).find(word)
    except (KeyError, OSError, ValueError) as error:
        raise _refused(error) from None


def _refused(error: KeyError | OSError | ValueError) -> Exception:
    """The same in one line, with no traceback."""
    return one_line(error) if isinstance(error, OSError) else UsageError(error.args[0])
