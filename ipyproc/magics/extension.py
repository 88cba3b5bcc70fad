"""What ``%load_ext ipyproc`` does to a shell, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from IPython.core.error import UsageError
from traitlets import TraitError

from ipyproc import views
from ipyproc._jobs.job import Job
from ipyproc._jobs.shutdown import shutdown
from ipyproc.magics import complete
from ipyproc.magics.commands import IPyProc
from ipyproc.magics.detached import greeting
from ipyproc.magics.kill import label
from ipyproc.session import jobs, retire

# Seconds that the threads have to end.
_PATIENCE = 2.0


def load(ip: Any) -> None:
    """Register the magics, the displays and the completion; a second time does nothing.

    Raises ``UsageError`` for a bad setting; then nothing was changed.
    """
    if _loaded(ip) is not None:
        return
    with ExitStack() as undo:
        magics = _made(ip)
        undo.callback(ip.configurables.remove, magics)
        undo.callback(magics.scripts.close)
        undo.callback(_register(ip, magics))
        undo.callback(complete.install(ip))
        undo.callback(views.close)
        undo.callback(views.unregister, ip)
        views.register(ip)
        magics.undo = undo.pop_all()
    if said := greeting():
        print(said)


def unload(ip: Any) -> None:
    """Undo ``load``, except where others have put something of theirs since.

    Jobs that run are named and ended. No thread is left; the next job starts the
    threads that it needs.
    """
    magics = _loaded(ip)
    if magics is None:
        return
    _end_jobs()
    magics.undo.close()
    _end_threads()


def _made(ip: Any) -> IPyProc:
    before = list(ip.configurables)
    try:
        return IPyProc(shell=ip)
    except TraitError as error:  # a bad setting, of a file or of %config
        ip.configurables[:] = before
        raise UsageError(str(error)) from None


def _loaded(ip: Any) -> IPyProc | None:
    found = ip.magics_manager.registry.get(IPyProc.__name__)
    return found if isinstance(found, IPyProc) else None


def _register(ip: Any, magics: IPyProc) -> Callable[[], None]:
    """Register *magics*; the function returned restores the magics they replaced."""
    manager = ip.magics_manager
    with ExitStack() as stack:
        for kind, ours in magics.magics.items():
            for name, function in ours.items():
                before = manager.magics[kind].get(name)
                stack.callback(_restore, manager.magics[kind], name, function, before)
        stack.callback(manager.registry.pop, IPyProc.__name__, None)
        ip.register_magics(magics)
        return stack.pop_all().close


def _restore(table: dict[str, object], name: str, ours: object, before: object) -> None:
    if table.get(name) != ours:
        return
    if before is None:
        del table[name]
    else:
        table[name] = before


def _end_jobs() -> None:
    """End the jobs that run, with all that they started, and print a line for each.

    Detached jobs go on, and have a line, too. An interrupt kills the jobs that are
    still ending.
    """
    ended = [job for job in jobs.running if not shutdown.is_detached(job)]
    shutdown.end_jobs()
    for job in ended:
        print(f"{label(job)}: ended with ipyproc, {_how(job)}")
    for job in jobs:
        if job.ended_at is None:
            print(f"{label(job)}: detached, goes on")


def _end_threads() -> None:
    """End the threads that served jobs and views; the next job starts new ones.

    The thread that waits for a detached job stays as long as that runs.
    """
    patience = 0 if any(job.ended_at is None for job in jobs) else _PATIENCE
    retire()
    views.retire(patience)
    shutdown.retire(patience)


def _how(job: Job) -> str:
    try:
        return str(job.wait(0))
    except OSError as error:
        return str(error)
