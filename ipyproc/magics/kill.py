"""Signalling the targets of ``%prockill``, with a line of report for each."""

from __future__ import annotations

import signal
from argparse import Namespace
from collections.abc import Iterable

from IPython.core.error import UsageError

from ipyproc._jobs.job import Job
from ipyproc.errors import ProcessDoneError
from ipyproc.magics.errors import one_line
from ipyproc.magics.targets import Target
from ipyproc.process import Process, find_process


def check(options: Namespace, targets: Iterable[Target]) -> None:
    """Raise ``UsageError`` for options that exclude each other."""
    if options.grace is not None and options.signal not in (None, signal.SIGTERM):
        raise UsageError("--grace begins with SIGTERM: leave --signal out")
    if options.tree and not all(isinstance(target, Job) for target in targets):
        raise UsageError("--tree is for jobs: what others started is not known")
    if options.grace is not None and not all(isinstance(t, Job) for t in targets):
        raise UsageError("--grace is for jobs: send --signal TERM, then KILL")


def kill(options: Namespace, targets: Iterable[Target]) -> None:
    """Signal all *targets*, and print a line for each.

    A target that has ended is no error. If the system refuses a signal, the error is
    raised after all other targets were signalled.
    """
    refused: list[OSError] = []
    for target in targets:
        try:
            done = _end(target, options)
        except ProcessDoneError as error:
            done = f"{error}{_how(target)}"
        except OSError as error:
            refused.append(error)
            done = str(error)
        print(f"{label(target)}: {done}")
    if refused:
        raise one_line(refused[0])


def label(target: Target) -> str:
    """How a line of text names a job or a process."""
    if isinstance(target, Job):
        return f"{target.label} (pid {target.pid})"
    return f"pid {target if isinstance(target, int) else target.pid}"


def _end(target: Target, options: Namespace) -> str:
    sig = options.signal or signal.SIGKILL
    name = getattr(sig, "name", f"signal {sig}")
    if isinstance(target, int):
        _signal_stranger(target, sig)
    elif isinstance(target, Process):
        target.signal(sig)
    elif options.grace is not None:
        target.terminate(options.grace)
        return f"SIGTERM sent, SIGKILL follows after {options.grace:g} s"
    else:
        target.signal(sig, tree=options.tree)
    return f"{name} sent" + (" to it and all it started" if options.tree else "")


def _signal_stranger(pid: int, sig: int) -> None:
    process = find_process(pid)
    try:
        process.signal(sig)
    finally:
        process.release()


def _how(target: Target) -> str:
    """How a job ended, in brackets; empty while it runs."""
    state = target.state if isinstance(target, Job) else None
    return f" ({state})" if state else ""
