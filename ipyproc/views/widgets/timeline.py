"""The life line of a process: what happened to it, and to its ``Process``, and when."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any, ClassVar

import traitlets

from ipyproc._jobs.job import Job
from ipyproc._jobs.procinfo.lifecycle import Observer, observer
from ipyproc._jobs.procinfo.tree import refusal
from ipyproc.process import Process
from ipyproc.views import assets
from ipyproc.views.render import timeline
from ipyproc.views.render.timeline import LETTERS, Cell, History, Moment
from ipyproc.views.render.words import Words
from ipyproc.views.transport import actions
from ipyproc.views.transport.actions import Act
from ipyproc.views.transport.protocol import Asked, TimelineState
from ipyproc.views.widgets.base import LiveWidget, size_of


class LifeLine(LiveWidget):
    """Shows the life of one process, live, and changes it only by its buttons.

    It polls about 25 times a second, and after each cell: a shorter phase may be
    missing. While it is shown it keeps what it watches; ``close`` ends that.
    """

    #: The buttons and what they ask for. A job is waited for by the library.
    BUTTONS: ClassVar[dict[str, str]] = {
        "Stop": "stop",
        "Continue": "continue",
        "Interrupt": "interrupt",
        "Kill": "kill",
        "Wait": "wait",
        "Release": "release",
    }

    _esm = assets.script("timeline")
    _css = assets.style("timeline")

    state = traitlets.Dict().tag(sync=True)

    def __init__(
        self, subject: Process | Job, lang: str | None = None, **given: Any
    ) -> None:
        self._words = Words(lang)
        watched = observer(subject)
        self._observer: Observer | None = watched
        self._subject: Process | Job | None = subject
        pid = subject.pid or 0  # of a job that is queued
        self._history = History(watched.title, watched.started_at, self._words, pid)
        self._is_job = isinstance(subject, Job)
        self._refusal = refusal(pid)
        self._polling = threading.RLock()
        self._poll()
        super().__init__(state=self._drawn(), **given)
        self._unwatch = watched.watch(self.catch_up)
        self._poll()

    @property
    def moments(self) -> tuple[Moment, ...]:
        """What happened so far."""
        return self._history.moments

    @property
    def final(self) -> bool:
        """Whether the process is gone, so that nothing more can happen."""
        return self._history.over

    def catch_up(self) -> None:
        """Poll the process now."""
        if self._poll():
            self.changed()

    def close(self) -> None:
        """Stop watching; what is shown stays."""
        if hasattr(self, "_unwatch"):  # else the beginning failed
            with self._polling:
                self._let_go()
        super().close()

    def text(self) -> str:
        """Return what happened, a line for each moment."""
        return timeline.text(self._history)

    def html(self) -> str:
        """Return the same as a table."""
        return timeline.html(self._history)

    def act(self, asked: Asked) -> Act | None:
        """Return what a button does; a job has none that waits or releases."""
        subject, action = self._subject, asked["action"]
        if subject is None or action not in self.BUTTONS.values():
            return None
        if isinstance(subject, Job):
            return actions.act(subject, asked)
        if action == "wait":
            return partial(self._wait, subject)
        if action == "release":
            return subject.release
        return partial(self._signal, subject, actions.BUTTONS[action])

    def _signal(self, process: Process, sig: int) -> None:
        if self._refusal:
            raise PermissionError(self._refusal)
        process.signal(sig)

    def _wait(self, process: Process) -> None:
        """Take the outcome if there is one; the page's requests wait for nobody."""
        try:
            process.wait(timeout=0)
        except TimeoutError:
            text = "it still runs: to wait would take until it ends"
            raise TimeoutError(self._words(text)) from None

    def _poll(self) -> bool:
        """Poll the process; return whether there is news."""
        with self._polling:
            before = self._history.moments, self._history.letter
            if self._observer and (sighting := self._observer.look()):
                self._history.add(sighting, time.time())
            if self.final and hasattr(self, "_unwatch"):
                self._let_go()
            return (self._history.moments, self._history.letter) != before

    def _let_go(self) -> None:
        self._unwatch()
        self._observer = self._subject = None

    def refresh(self, room: int) -> int:
        """Send what happened since the last time."""
        drawn = self._drawn()
        if {**drawn, "lasted": 0} == {**self.state, "lasted": 0}:
            return 0
        self.state = dict(drawn)
        return size_of(drawn)

    def _drawn(self) -> TimelineState:
        """Return all that a page needs, as JSON."""
        history, words = self._history, self._words
        return {
            "title": history.title,
            "summary": history.summary,
            "rows": [(row.heading, _as_json(row.cells)) for row in history.rows()],
            "lasted": max(0.0, time.time() - history.since),
            "pid": history.pid,
            "letter": history.letter,
            "letters": [(key, words(text)) for key, text in LETTERS.items()],
            "buttons": [
                (words(name), action)
                for name, action in self.BUTTONS.items()
                if not (self._is_job and action in ("wait", "release"))
            ],
            "final": history.over,
            "lost": words("the kernel is gone: this is how it was"),
        }


def life(subject: Process | Job, lang: str | None = None) -> LifeLine:
    """Show the life of a process: running, stopped, a zombie, waited for.

    *subject* is a ``Process`` or a ``Job``. Beside its life stands the status of its
    ``Process``: ok, done or released. It is live until the process is gone, and never
    waits for the process itself; its buttons do. *lang* is ``en`` or ``zh``.

    >>> from ipyproc import start_process
    >>> p = start_process("/bin/sleep", ["sleep", "60"])
    >>> view = life(p)  # at the end of a cell it is shown
    >>> p.kill()
    >>> print(p.wait())
    signal: killed
    >>> view.close()
    """
    return LifeLine(subject, lang)


def _as_json(cells: tuple[Cell, ...]) -> list[tuple[str, str, int, str | None]]:
    return [(cell.text, cell.kind, cell.span, cell.lasted) for cell in cells]
