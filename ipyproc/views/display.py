"""Putting jobs and states on display: as widget, HTML and text, whatever is there.

While a job runs, its pane is a widget's view. When it has ended, the output of the cell
becomes static HTML and text, for a notebook that is saved, exported or opened without
its kernel shows no widget; as long as the kernel is there, the pane moves into that
HTML (see ``frontend/src/job.ts``), so that nobody notices.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from IPython import get_ipython

from ipyproc._jobs.job import Job
from ipyproc.state import ProcessState
from ipyproc.views.render import html, text
from ipyproc.views.widgets.job import JobView

Bundle = dict[str, Any]


def show(job: Job, height: int | None = None) -> None:
    """Show *job* in the current cell; where there is no notebook, print one line.

    With *height* its pane has room for so many lines of output.
    """
    hide(job)
    shell = get_ipython()
    if getattr(shell, "kernel", None) is None:
        print(text.spawned(job))
        return
    if height is not None:
        _view(job).height = height
    _Display(shell, job).begin()


def hide(job: Job) -> None:
    """Do not draw *job* if it is the value of the current cell (``Out[n]``).

    In a terminal its ``repr`` stands there, for IPython has written the prompt.
    """
    shell = get_ipython()
    if shell is not None:
        _session.remember(shell, job)


class _Display:
    """One place in a notebook where a job is shown."""

    def __init__(self, shell: Any, job: Job) -> None:
        self._job = job
        self._view = _view(job)
        self._id = secrets.token_hex(16)
        # Where it was shown first it is updated, also while a cell captures its output.
        self._publisher = shell.display_pub
        self._headless = not asks(shell)

    def begin(self) -> None:
        """Show the job as it is now, and see to it that its end is shown."""
        over = self._job.finished  # asked once: it may end at any moment
        widget, metadata = ({}, {}) if over else self._widget()
        static = self._static()
        self._publish(widget | static, metadata)
        self._view.shown(size_of(static))
        if over:
            self._retire()
        elif self._headless:
            _session.update_later(self)
        else:
            self._view.at_end(self.end)

    @property
    def ended(self) -> bool:
        """Whether the job is over, so that its end can be shown."""
        return self._job.finished

    def end(self) -> int:
        """Show how it ended, without a widget; return about how much was sent."""
        bundle = self._static()
        self._publish(bundle, {}, update=True)
        self._retire()
        return size_of(bundle)

    def _widget(self) -> tuple[Bundle, Bundle]:
        bundle = self._view._repr_mimebundle_() if self._view.comm else None
        data, metadata = bundle or ({}, {})
        return {kind: data[kind] for kind in data if kind != "text/plain"}, metadata

    def _static(self) -> Bundle:
        page = html.job(self._job, self._view.height)
        page = f'<div id="ipyproc-{self._view.token}">{page}</div>'
        return {"text/plain": text.job(self._job), "text/html": page}

    def _publish(self, data: Bundle, metadata: Bundle, update: bool = False) -> None:
        transient = {"display_id": self._id}
        self._publisher.publish(data, metadata, transient=transient, update=update)

    def _retire(self) -> None:
        """Where nobody looks, leave no widget: it would be saved with the notebook."""
        if self._headless and not self._view.watched:
            self._view.retire()


def size_of(bundle: Bundle) -> int:
    """About how many bytes it takes to display *bundle*."""
    return sum(map(len, bundle.values()))


def _view(job: Job) -> JobView:
    view = job.widget
    assert isinstance(view, JobView)
    return view


class _Session:
    """What was shown in which cell, and what is to be updated between cells."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cells: WeakKeyDictionary[Job, int] = WeakKeyDictionary()
        self._running: list[_Display] = []

    def remember(self, shell: Any, job: Job) -> None:
        """Take down that *job* needs no drawing any more in the current cell."""
        self._cells[job] = shell.execution_count

    def is_shown(self, shell: Any, job: Job) -> bool:
        """Tell whether *job* is not to be drawn in the current cell."""
        return self._cells.get(job) == shell.execution_count

    def update_later(self, display: _Display) -> None:
        """Have *display* show its end at the next beginning or end of a cell.

        What runs a notebook without a front end listens only while a cell runs.
        """
        with self._lock:
            self._running.append(display)

    def update(self, *_: object) -> None:
        """Show the end of all jobs that have ended."""
        with self._lock:
            ended = [display for display in self._running if display.ended]
            self._running = [d for d in self._running if d not in ended]
        for display in ended:
            display.end()


_session = _Session()


def asks(shell: Any) -> bool:
    """Tell whether somebody sits in front: then input can be asked for."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return bool(parent.get("content", {}).get("allow_stdin", True))


def register(shell: Any) -> None:
    """Have *shell* display jobs as panes and states as their text and table."""
    _formatters.add(shell)
    for event in _EVENTS:
        shell.events.register(event, _session.update)


def unregister(shell: Any) -> None:
    """Restore what `register` replaced."""
    if _formatters.remove(shell):
        for event in _EVENTS:
            shell.events.unregister(event, _session.update)


_EVENTS = ("pre_run_cell", "post_run_cell")


class _Formatters:
    """How a shell's formatters display our types, and what they did before."""

    def __init__(self) -> None:
        self._before: WeakKeyDictionary[Any, list[Callable[[], None]]]
        self._before = WeakKeyDictionary()

    def add(self, shell: Any) -> None:
        """Register ours, once."""
        if shell in self._before:
            return
        formatter = shell.display_formatter

        def draw(job: Job) -> None:
            if getattr(shell, "kernel", None) is None:
                raise NotImplementedError  # no notebook: as text, below
            if not _session.is_shown(shell, job):
                show(job)

        def printed(job: Job) -> str:
            return repr(job) if _session.is_shown(shell, job) else text.job(job)

        plain, page = (formatter.formatters[f"text/{k}"] for k in ("plain", "html"))
        self._before[shell] = [
            _replace(formatter.ipython_display_formatter, Job, draw),
            _replace(plain, Job, _printer(printed)),
            _replace(plain, ProcessState, _printer(text.state)),
            _replace(page, ProcessState, html.state),
        ]

    def remove(self, shell: Any) -> bool:
        """Restore what was there; tell whether ours were registered."""
        before = self._before.pop(shell, [])
        for restore in before:
            restore()
        return bool(before)


_formatters = _Formatters()


def _replace(formatter: Any, kind: type, printer: Any) -> Callable[[], None]:
    """Register *printer*; the function that comes back restores what was there."""
    printers = formatter.type_printers
    before = printers.get(kind)

    def restore() -> None:
        if before is None:
            printers.pop(kind, None)
        else:
            printers[kind] = before

    formatter.for_type(kind, printer)
    return restore


def _printer(render: Callable[[Any], str]) -> Callable[[Any, Any, bool], None]:
    return lambda value, printer, cycle: printer.text(render(value))
