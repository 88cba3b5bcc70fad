"""Signalling the targets of ``%prockill``, with a line of report for each."""

from __future__ import annotations

import signal
from argparse import Namespace
from collections.abc import Iterable

from IPython.core.error import UsageError

from ipyproc._jobs.job import Job
from ipyproc._jobs.names import identified
from ipyproc.errors import ProcessDoneError
from ipyproc.magics import wait
from ipyproc.magics.errors import one_line
from ipyproc.magics.targets import Target
from ipyproc.process import Process, find_process


def check(options: Namespace, targets: Iterable[Target]) -> None:
    """Raise ``UsageError`` for options that exclude each other."""
    if options.grace is not None and options.signal not in (None, signal.SIGTERM):
        raise UsageError("--grace begins with SIGTERM: leave --signal out")
    if options.tree and options.only:
        raise UsageError("--tree and --only exclude each other: leave one out")
    if options.grace is not None and options.only:
        raise UsageError("--grace ends the whole job: leave --only out")
    if options.tree and not all(isinstance(target, Job) for target in targets):
        raise UsageError("--tree is for jobs: what others started is not known")
    if options.grace is not None and not all(isinstance(t, Job) for t in targets):
        raise UsageError("--grace is for jobs: send --signal TERM, then KILL")


def kill(options: Namespace, targets: Iterable[Target]) -> None:
    """Signal all *targets*, print a line for each, and wait for those that must end.

    A target that has ended is no error. If the system refuses a signal, the error is
    raised after all other targets were signalled. An interrupt stops the waiting only.
    """
    refused: list[OSError] = []
    ending: list[Job] = []
    for target in targets:
        try:
            done = _end(target, options)
        except ProcessDoneError as error:
            done = f"{label(target)}: {error}{_how(target)}"
        except OSError as error:
            refused.append(error)
            print(f"{label(target)}: {error}")
            continue
        print(done)
        if isinstance(target, Job) and _must_end(options):
            ending.append(target)
    wait.gone(ending, alone=options.only)
    for job in ending:
        _say_daemons(job)
    if refused:
        raise one_line(refused[0])


def label(target: Target) -> str:
    """How a line of text names a job or a process."""
    if isinstance(target, Job):
        return identified(target)
    return f"pid {target if isinstance(target, int) else target.pid}"


def _end(target: Target, options: Namespace) -> str:
    """Signal one target, and return the line that says what was done."""
    sig = options.signal or signal.SIGKILL
    sent = f"{getattr(sig, 'name', f'signal {sig}')} sent"
    if isinstance(target, Job) and target.pid is None and target.ended_at is None:
        return _cancel(target, options.grace is not None, sig)
    if isinstance(target, int):
        _signal_stranger(target, sig)
    elif isinstance(target, Process):
        target.signal(sig)
    elif options.grace is not None:
        had_ended = target.ended_at is not None
        who = _several(target, target.terminate(options.grace), had_ended)
        return f"{who}: SIGTERM sent, SIGKILL follows after {options.grace:g} s"
    else:
        tree = True if options.tree else False if options.only else None
        had_ended = target.ended_at is not None
        return f"{_several(target, target.signal(sig, tree), had_ended)}: {sent}"
    return f"{label(target)}: {sent}"


def _cancel(job: Job, gently: bool, sig: int) -> str:
    """End a job that is queued, or that began a moment ago."""
    who = label(job)
    count = job.terminate() if gently else job.signal(sig)
    return f"{who}: {'ended' if count else 'cancelled'}"


def _several(job: Job, count: int, had_ended: bool) -> str:
    """Name a job and how many others a signal is about; or what it left."""
    if had_ended:
        return f"{count} that {label(job)} started"
    others = f" and {count - 1} that it started" if count > 1 else ""
    return f"{label(job)}{others}"


def _must_end(options: Namespace) -> bool:
    return options.grace is not None or options.signal in (None, signal.SIGKILL)


def _signal_stranger(pid: int, sig: int) -> None:
    process = find_process(pid)
    try:
        process.signal(sig)
    finally:
        process.release()


def _say_daemons(job: Job) -> None:
    """Say how many processes escaped, if any did: the kernel's end will be theirs."""
    count = job.daemons()
    if count:
        live = "1 daemon of it lives" if count == 1 else f"{count} daemons of it live"
        print(f"{label(job)}: {live}")


def _how(target: Target) -> str:
    """How a job ended, in brackets; empty while it runs."""
    state = target.state if isinstance(target, Job) else None
    return f" ({state})" if state else ""
