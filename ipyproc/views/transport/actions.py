"""What a page may have done to a job: it names an entry of a table, and no more."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from typing import Any

from ipyproc._jobs.job import Job
from ipyproc.views.render.format import signal_name

#: What a page asks for, as it came: nothing of it is believed.
Asked = dict[str, Any]
Act = Callable[[], object]

#: All signals that a page can name.
SIGNALS = {signal_name(sig): sig for sig in sorted(signal.Signals)}

_LONGEST_INPUT = 1 << 20


def act(job: Job, asked: Asked) -> Act | None:
    """Return what *asked* wants done to *job*, or None if no entry says so."""
    action = asked.get("action")
    if not isinstance(action, str) or action not in _ACTIONS:
        return None
    return _ACTIONS[action](job, asked)


def done(asked: Asked, act: Act) -> dict[str, Any]:
    """Do what was *asked* for; return what the page that asked is told of it."""
    error = ""
    try:
        act()
    except (OSError, ValueError, RuntimeError) as problem:
        error = str(problem)
    seq = number(asked.get("seq"))
    return {"kind": "done", "page": asked["page"], "seq": seq, "error": error}


def number(value: object) -> int | None:
    """Return *value* if it can count something, as JavaScript counts."""
    if type(value) is int and 0 <= value < 1 << 53:
        return value
    return None


def _to_all(sig: int) -> Callable[[Job, Asked], Act]:
    return lambda job, asked: partial(job.signal, sig, tree=True)


def _signal(job: Job, asked: Asked) -> Act | None:
    name, tree = asked.get("signal"), asked.get("tree") is True
    if not isinstance(name, str) or name not in SIGNALS:
        return None
    return partial(job.signal, SIGNALS[name], tree=tree)


def _send(job: Job, asked: Asked) -> Act | None:
    text = asked.get("text")
    if not isinstance(text, str) or len(text) > _LONGEST_INPUT:
        return None
    return partial(job.send, text.encode("utf-8", "replace"))


# Signals reach what the job started, too, as a terminal's Ctrl-C does; only ``signal``
# leaves that to the reader.
_ACTIONS: dict[str, Callable[[Job, Asked], Act | None]] = {
    "interrupt": _to_all(signal.SIGINT),
    "stop": _to_all(signal.SIGSTOP),
    "continue": _to_all(signal.SIGCONT),
    "kill": _to_all(signal.SIGKILL),
    "terminate": lambda job, asked: job.terminate,
    "signal": _signal,
    "send": _send,
    "close_stdin": lambda job, asked: job.close_stdin,
}
