"""The pane of a process that is not ours: what it is, what it uses, and signals."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from functools import partial
from html import escape

import traitlets

from ipyproc._jobs.procinfo.usage import Usage
from ipyproc.views import assets
from ipyproc.views.process import ForeignProcess, Snapshot
from ipyproc.views.render import format, html, styles
from ipyproc.views.transport.actions import BUTTONS, SIGNALS, Act
from ipyproc.views.transport.protocol import Asked, ProcessFields, ProcessUsage
from ipyproc.views.transport.rate_limiter import Publisher, shared
from ipyproc.views.transport.row_changes import Fields, Rows
from ipyproc.views.transport.usage_feed import Curve, branch
from ipyproc.views.widgets.rows import RowsView

_KEY = "process"
#: What is said of the end of a process that is no child of ours.
UNKNOWN = "how it ended only its parent was told"


class ProcessView(RowsView):
    """Shows one process that was found by its pid, and signals it and no other."""

    _esm = assets.script("process")
    _css = assets.style("process")

    signals: traitlets.List[str] = traitlets.List().tag(sync=True)

    def __init__(self, process: ForeignProcess, publisher: Publisher = shared) -> None:
        self._process = process
        self._curve = Curve()
        self._usage: ProcessUsage | None = None
        super().__init__(publisher)
        self.signals = list(SIGNALS)

    @property
    def final(self) -> bool:
        """Whether the process is gone."""
        return self._process.gone_at is not None

    @property
    def quiet(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.final

    def measure(self) -> Iterator[None]:
        """Measure what the process and those below it use."""
        usage = self._process.usage()
        self._usage = None if usage is None else self._used(usage)
        yield

    def poll(self) -> tuple[Rows, Fields]:
        """Return the facts, and notes on what cannot be done or known."""
        row = self._row(self._process.poll())
        end = UNKNOWN if self.final else None
        return {_KEY: dict(row)}, {"refusal": self._process.refusal, "end": end}

    def summary(self) -> Hashable:
        """Return what does not change all the time."""
        row = self.rows[_KEY]
        return row["state"], row["command"], row["parent"]

    def text(self) -> str:
        """Return a line for each fact."""
        facts = [f"{label:<8} {value}" for label, value in self._facts()]
        return "\n".join([*facts, self._as_of])

    @property
    def _as_of(self) -> str:
        return format.as_of(self.taken)

    def html(self) -> str:
        """Return the facts as HTML that needs nothing else."""
        row = self.rows[_KEY]
        colour = styles.badge(row["state"])
        return (
            f'<abbr class="ipyproc-found {styles.NO_MATHS}" role="region" '
            f'aria-label="Process {row["pid"]}" data-pid="{row["pid"]}" '
            f'data-status="{row["state"]}" style="{html.FRAME}">'
            f'<b class="ipyproc-status" style="color:{colour}">'
            f"{escape(row['status'])}</b> <b>{escape(row['name'])}</b>"
            f"{html.listed('ipyproc-process', self._facts(), self._as_of)}</abbr>"
        )

    def act(self, asked: Asked) -> Act | None:
        """Return what sends the signal of a button, or the one that is named."""
        if asked["action"] == "signal":
            sig = SIGNALS.get(asked["signal"])
        else:
            sig = BUTTONS.get(asked["action"])
        return None if sig is None else partial(self._process.signal, sig)

    def _row(self, snapshot: Snapshot) -> ProcessFields:
        process = self._process
        parent, name = snapshot.parent
        return {
            "pid": process.pid,
            "name": format.plain(snapshot.name),
            "command": _command(snapshot),
            "status": snapshot.status,
            "state": _STATES.get(snapshot.status, snapshot.status),
            "started": process.started_at,
            "since": time.strftime("%F %T", time.localtime(process.started_at)),
            "ended": process.gone_at,
            "user": format.plain(snapshot.user or "unknown"),
            "parent": f"{parent} {format.plain(name)}".strip(),
            "threads": snapshot.threads,
            "usage": None if process.gone_at else self._usage,
        }

    def _used(self, usage: Usage) -> ProcessUsage:
        return {
            "memory": usage.total_memory,
            "processes": sum(1 for _ in usage),
            "tree": branch(usage),
            "cpu": self._curve.add(usage),
        }

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


# The states that share the colour of another one.
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


def _command(snapshot: Snapshot) -> str:
    # A process of the kernel has no words, but a name.
    argv = snapshot.argv
    return format.line(argv) if argv else f"[{format.plain(snapshot.name)}]"
