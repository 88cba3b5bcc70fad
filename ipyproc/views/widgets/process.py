"""The pane of a process that is not ours: what it is, what it uses, and signals."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Hashable, Iterator
from functools import partial
from html import escape
from signal import SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM
from typing import ClassVar

import traitlets

from ipyproc._jobs.procinfo.usage import Usage
from ipyproc.views import assets
from ipyproc.views.process import GONE, Found, Sight
from ipyproc.views.render import format
from ipyproc.views.transport.actions import SIGNALS, Asked
from ipyproc.views.transport.rate_limiter import Publisher
from ipyproc.views.transport.row_changes import Fields, Rows
from ipyproc.views.transport.usage_feed import branch
from ipyproc.views.widgets.job import shared
from ipyproc.views.widgets.watched import Actions, Watched

# The signals that have a button, by what a page calls it.
_BUTTONS = {
    "interrupt": SIGINT,
    "terminate": SIGTERM,
    "kill": SIGKILL,
    "stop": SIGSTOP,
    "continue": SIGCONT,
}
_KEY = "process"
_SAMPLES = 60
#: What is said of the end of a process that is no child of ours.
UNKNOWN = "how it ended only its parent was told"

_FRAME = "border:1px solid #8886;border-radius:4px;padding:4px 10px;text-align:left"
_TABLE = "margin:4px 0 0;border:0;font-size:12px;line-height:1.35"
_ROWS = "display:flex;flex-wrap:wrap;gap:2px 20px"
_ROW = "display:block;background:none"
_FACT = "display:block;padding:0;text-align:left;font-weight:normal"
_COLOURS = {"stopped": "#a07000", "zombie": "#a64fc0", GONE: "#7d8590"}
_RUNNING = "#3b78d8"


class FoundView(Watched):
    """Shows one process that was found by its pid, and signals it and no other."""

    _esm = assets.script("process")
    _css = assets.style("process")

    signals: traitlets.List[str] = traitlets.List().tag(sync=True)

    def __init__(self, found: Found, publisher: Publisher = shared) -> None:
        self._found = found
        self._shares: deque[int] = deque(maxlen=_SAMPLES)
        self._usage: Fields | None = None
        super().__init__(publisher)
        self.signals = list(SIGNALS)

    @property
    def final(self) -> bool:
        """Whether the process is gone."""
        return self._found.gone_at is not None

    @property
    def quiet(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.final

    def survey(self, measure: bool) -> Iterator[Rows | None]:
        """Look at the process; with *measure* at what it uses, too."""
        sight = self._found.look()
        if measure:
            self._measure()
        yield {_KEY: self._row(sight)}

    def notes(self) -> Fields:
        """Return why it must not be signalled, and what is not known of its end."""
        return {"refusal": self._found.refusal, "end": UNKNOWN if self.final else None}

    def gist(self) -> Hashable:
        """Return what does not change all the time."""
        row = self.rows[_KEY]
        return row["state"], row["command"], row["parent"]

    def text(self) -> str:
        """Return a line for each fact."""
        return "\n".join(f"{label:<8} {value}" for label, value in self._facts())

    def html(self) -> str:
        """Return the facts as HTML that needs nothing else."""
        row = self.rows[_KEY]
        colour = _COLOURS.get(row["state"], _RUNNING)
        drawn = "".join(
            f'<tr style="{_ROW}"><th scope="row" style="{_FACT};opacity:.7">{label}'
            f'</th><td style="{_FACT}">{escape(value)}</td></tr>'
            for label, value in self._facts()
        )
        return (
            f'<section class="ipyproc-found tex2jax_ignore mathjax_ignore" '
            f'aria-label="Process {row["pid"]}" data-pid="{row["pid"]}" '
            f'data-status="{row["state"]}" style="{_FRAME}">'
            f'<span class="ipyproc-status" style="color:{colour}"><b>'
            f"{escape(row['status'])}</b></span> <b>{escape(row['name'])}</b>"
            f'<table class="ipyproc-process" style="{_TABLE}"><tbody style="{_ROWS}">'
            f"{drawn}</tbody></table></section>"
        )

    def _row(self, sight: Sight) -> Fields:
        found = self._found
        parent, name = sight.parent
        return {
            "pid": found.pid,
            "name": format.plain(sight.name),
            "command": _command(sight),
            "status": sight.status,
            "state": _STATES.get(sight.status, sight.status),
            "started": found.started_at,
            "since": time.strftime("%F %T", time.localtime(found.started_at)),
            "ended": found.gone_at,
            "user": format.plain(sight.user or "unknown"),
            "parent": f"{parent} {format.plain(name)}".strip(),
            "threads": sight.threads,
            "usage": None if found.gone_at else self._usage,
        }

    def _measure(self) -> None:
        usage = self._found.usage()
        if usage is None:
            self._usage = None
            return
        self._shares.append(round(usage.total_cpu_percent))
        self._usage = _drawn(usage) | {"cpu": list(self._shares)}

    def _facts(self) -> list[tuple[str, str]]:
        row = self.rows[_KEY]
        end = f"; {UNKNOWN}" if self.final else ""
        return [
            ("PID", str(row["pid"])),
            ("Command", row["command"]),
            ("Status", row["status"] + end),
            ("Parent", row["parent"]),
            ("User", row["user"]),
            ("Started", row["since"]),
        ]

    def _asked(self, asked: Asked) -> None:
        action, name = asked["action"], asked.get("signal")
        named = SIGNALS.get(name) if isinstance(name, str) else None
        sig = named if action == "signal" else _BUTTONS[action]
        if sig is not None:
            self.act(asked, partial(self._found.signal, sig))

    ACTIONS: ClassVar[Actions] = dict.fromkeys((*_BUTTONS, "signal"), _asked)


# What the kernel says in more words than a reader needs to see a colour.
_STATES = {
    "sleeping": "running",
    "disk-sleep": "running",
    "idle": "running",
    "parked": "running",
    "waking": "running",
    "wake-kill": "running",
    "tracing-stop": "stopped",
    "dead": "zombie",
}


def _command(sight: Sight) -> str:
    # A process of the kernel has no words, but a name.
    return format.line(sight.argv) if sight.argv else f"[{format.plain(sight.name)}]"


def _drawn(usage: Usage) -> Fields:
    return {
        "memory": usage.total_memory,
        "processes": sum(1 for _ in usage),
        "tree": branch(usage),
    }
