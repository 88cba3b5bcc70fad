"""What a page may ask for: the messages that are heard, and what its buttons do.

Nothing that a page says is believed. A message that is not exactly one of the types of
the protocol is dropped, and fields that are unknown are ignored; what is left names an
entry of a table, and no more.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping
from functools import partial
from types import UnionType
from typing import (
    Any,
    Final,
    Literal,
    NotRequired,
    TypeAlias,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from ipyproc._jobs.job import Job
from ipyproc.views.render.bits import signal_name
from ipyproc.views.transport import protocol, worker
from ipyproc.views.transport.protocol import (
    Asked,
    Done,
    EndElder,
    FromPage,
    Send,
    Signal,
)

Act: TypeAlias = Callable[[], object]

#: All signals that a page can name.
SIGNALS: Final = {signal_name(sig): sig for sig in sorted(signal.Signals)}
#: The signals that have a button, by the action that it asks for.
BUTTONS: Final = {
    "interrupt": signal.SIGINT,
    "terminate": signal.SIGTERM,
    "kill": signal.SIGKILL,
    "stop": signal.SIGSTOP,
    "continue": signal.SIGCONT,
}
#: All actions that change something, so that the kernel answers with `Done`.
ACTIONS: Final = frozenset(
    {
        *BUTTONS,
        "again",
        "end_all",
        "end_elder",
        "signal",
        "send",
        "close_stdin",
        "take",
        "attach",
        "forget",
        "wait",
        "release",
    }
    | {"keys", "fits"}
)

_LONGEST_INPUT = 1 << 20
_BUSY = "too much is asked of the kernel: try again"
_NAME = re.compile("[0-9a-z]{1,32}")
# JavaScript counts no further.
_LARGEST = 1 << 53


def read(content: object) -> FromPage | None:
    """Return the request that a page sent; None if it is none.

    >>> read({"action": "ack", "page": "a", "offset": 7, "more": []})
    {'action': 'ack', 'page': 'a', 'offset': 7}
    >>> read({"action": "ack", "page": "a", "offset": -7})
    """
    if not isinstance(content, dict):
        return None
    action = content.get("action")
    if not isinstance(action, str) or action not in _FIELDS:
        return None
    fields = _FIELDS[action]
    if not all(_fits(content, name, hint) for name, hint in fields.items()):
        return None
    return cast(FromPage, {k: v for k, v in content.items() if k in fields})


def is_name(page: object) -> bool:
    """Whether *page* can be the name that a page chose for itself."""
    return isinstance(page, str) and _NAME.fullmatch(page) is not None


def perform(asked: Asked, act: Act, answer: Callable[[Done], None]) -> None:
    """Do what was *asked* for on the worker's thread, and *answer* how it went."""
    if not worker.shared.do(lambda: answer(_done(asked, act))):
        answer(_answer(asked, _BUSY))


def act(job: Job, asked: Asked) -> Act | None:
    """Return what does to *job* what is *asked*; None if that is impossible."""
    match asked["action"]:
        case "again" | "end_all" | "attach" | "forget":
            return None  # for the view of a job, or of jobs
        case "wait" | "release" | "keys" | "fits":
            return None  # for the view of a job, of jobs, or of a life
        case "signal":
            return _signal(job, asked)
        case "send":
            return _send(job, asked)
        case "end_elder":
            return _end_elder(job, asked)
        case "terminate":
            return job.terminate
        case "close_stdin":
            return job.close_stdin
        case "take":
            return job.take_keyboard
        case "interrupt" if job.terminal is not None:
            # The group in its foreground, which the job's signal does not know of.
            return job.terminal.interrupt
    # Whom a button reaches is the job's to know; ``signal`` leaves it to the reader.
    return partial(job.signal, BUTTONS[asked["action"]])


def _end_elder(job: Job, asked: EndElder) -> Act | None:
    found = [elder for elder in job.elders if elder.number == asked["number"]]
    return found[0].terminate if found else None


def _signal(job: Job, asked: Signal) -> Act | None:
    if asked["signal"] not in SIGNALS:
        return None
    return partial(job.signal, SIGNALS[asked["signal"]], tree=asked["tree"])


def _send(job: Job, asked: Send) -> Act | None:
    if len(asked["text"]) > _LONGEST_INPUT:
        return None
    return partial(job.send, asked["text"].encode("utf-8", "replace"))


def _done(asked: Asked, act: Act) -> Done:
    try:
        act()
    except (OSError, ValueError, RuntimeError) as problem:
        return _answer(asked, str(problem))
    return _answer(asked, "")


def _answer(asked: Asked, error: str) -> Done:
    return {"kind": "done", "page": asked["page"], "seq": asked["seq"], "error": error}


def _fits(content: Mapping[str, object], name: str, hint: Any) -> bool:
    if get_origin(hint) is NotRequired:
        return name not in content or _fits(content, name, get_args(hint)[0])
    if name not in content:
        return False
    value = content[name]
    return is_name(value) if name == "page" else _is_a(value, hint)


def _is_a(value: object, hint: Any) -> bool:
    if isinstance(hint, UnionType):
        return any(_is_a(value, one) for one in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is int:
        return type(value) is int and 0 <= value < _LARGEST
    return type(value) is hint


def _fields() -> dict[str, dict[str, Any]]:
    """Return the fields of each request, by its action."""
    fields = {}
    for kind in get_args(protocol.FromPage):
        hints = get_type_hints(kind, include_extras=True)
        fields.update(dict.fromkeys(get_args(hints["action"]), hints))
    return fields


_FIELDS = _fields()


def answer_where_asked(comm: object) -> None:
    """Make ipykernel handle a page's messages in the sub-shell that the page names.

    ipykernel 7.4 handles them on the thread that last published on the comm, which is
    the main one even while that is busy. ``_reply_subshell_for`` is private to
    ipykernel: without it clicks wait for the end of the cell.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda data, default: default
