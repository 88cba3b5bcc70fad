"""What ``%load_ext ipyproc`` does to a shell, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from IPython.core.error import UsageError
from traitlets import TraitError

from ipyproc import views
from ipyproc.magics import completers
from ipyproc.magics.commands import IPyProc
from ipyproc.magics.ending import end_jobs, end_threads
from ipyproc.views import tables


def load(ip: Any) -> None:
    """Register the magics, the displays and the completion; harmless if they are.

    ``UsageError`` for a setting that makes no sense; then nothing was changed.
    """
    if _loaded(ip) is not None:
        return
    with ExitStack() as undo:
        magics = _made(ip)
        undo.callback(ip.configurables.remove, magics)
        undo.callback(_register(ip, magics))
        undo.callback(completers.install(ip))
        undo.callback(tables.close)
        undo.callback(views.unregister, ip)
        views.register(ip)
        magics.undo = undo.pop_all()


def unload(ip: Any) -> None:
    """Take back what is ours, and nothing that others put in its place meanwhile.

    Jobs that run are named and ended; no thread is left, and the next job starts what
    it needs.
    """
    magics = _loaded(ip)
    if magics is None:
        return
    end_jobs()
    magics.undo.close()
    end_threads()


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
    """Register *magics*; return what puts those that were there before back."""
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
