"""Showing jobs, processes and states as widgets, HTML and text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from IPython import get_ipython
from IPython.display import display

from ipyproc._agent.records import Record
from ipyproc._jobs.job import Job
from ipyproc.session import jobs
from ipyproc.state import ProcessState
from ipyproc.views.process import ForeignProcess
from ipyproc.views.render import console, detached, html
from ipyproc.views.transport import document, pictures, rate_limiter, reading, worker
from ipyproc.views.widgets.detached import DetachedView
from ipyproc.views.widgets.job import JobView
from ipyproc.views.widgets.jobs import MOST, JobsView
from ipyproc.views.widgets.process import ProcessView
from ipyproc.views.widgets.rows import RowsView
from ipyproc.views.widgets.running import shared as running


def show(job: Job, height: int | None = None, notify: bool = False) -> None:
    """Show *job* in the current cell; where there is no notebook, print one line.

    With *height* so many lines of its output are in view; *notify* tells of its end.
    """
    hide(job)
    shell = get_ipython()
    if getattr(shell, "kernel", None) is None:
        print(console.spawned(job))
        return
    view = _view(job)
    if height is not None:
        view.height = height
    view.notify = notify
    view.display(shell)
    running.look()


def hide(job: Job) -> None:
    """Do not draw *job* if it is the value of the current cell (``Out[n]``).

    In a terminal its ``repr`` is printed, for IPython has already written the prompt.
    """
    shell = get_ipython()
    if shell is not None:
        _session.remember(shell, job)


def show_jobs(every: bool = False) -> None:
    """Show the table of jobs in the current cell; *every*: all that ended, too."""
    display(_session.table(None if every else MOST))


def show_detached(records: Sequence[Record] | None = None) -> None:
    """Show the table of detached jobs in the current cell.

    Those of this machine, live; or the *records* of another one, as they are now.
    """
    if getattr(get_ipython(), "kernel", None) is None:
        print(detached.text(jobs.detached() if records is None else records))
    elif records is None:
        display(_session.detached())
    else:
        page, text = detached.html(records), detached.text(records)
        display({"text/plain": text, "text/html": page}, raw=True)


def show_process(process: ForeignProcess) -> None:
    """Show any process in the current cell."""
    display(_session.add(ProcessView(process)))


def close() -> None:
    """Close the tables and the processes: they stay as they are, and change no more."""
    _session.close()


def retire(timeout: float) -> bool:
    """End the threads that serve views; return whether each ended in *timeout* seconds.

    The front end is told nothing more. The next view starts everything anew.
    """
    done = worker.shared.retire(timeout)  # what it does wakes the others
    done = reading.shared.retire(timeout) and done
    done = pictures.shared.retire(timeout) and done
    done = rate_limiter.shared.retire(timeout) and done
    document.shared.close()
    return done


def _view(job: Job) -> JobView:
    view = job.widget
    assert isinstance(view, JobView)
    return view


class _Session:
    """What was shown: in which cell a job, and the tables and processes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cells: WeakKeyDictionary[Job, int] = WeakKeyDictionary()
        # One widget however often it is shown; by how many rows it may have.
        self._tables: dict[int | None, JobsView] = {}
        self._detached: DetachedView | None = None
        self._processes: list[ProcessView] = []

    def remember(self, shell: Any, job: Job) -> None:
        """Note that *job* needs no drawing any more in the current cell."""
        self._cells[job] = shell.execution_count

    def is_shown(self, shell: Any, job: Job) -> bool:
        """Whether *job* is not to be drawn in the current cell."""
        return self._cells.get(job) == shell.execution_count

    def table(self, most: int | None) -> JobsView:
        """Return the table, or another one if somebody closed it."""
        with self._lock:
            view = self._tables.get(most)
            if view is None or view.comm is None:
                view = self._tables[most] = JobsView(most)
            return view

    def detached(self) -> DetachedView:
        """Return the table of detached jobs, or another one if somebody closed it."""
        with self._lock:
            if self._detached is None or self._detached.comm is None:
                self._detached = DetachedView()
            return self._detached

    def add(self, view: ProcessView) -> ProcessView:
        """Keep *view* until it is closed with the others."""
        with self._lock:
            self._processes = [view, *(v for v in self._processes if not v.final)]
        return view

    def close(self) -> None:
        """Close the tables and the processes."""
        with self._lock:
            views: list[RowsView] = [*self._tables.values(), *self._processes]
            if self._detached is not None:
                views.append(self._detached)
            self._tables, self._detached, self._processes = {}, None, []
        for view in views:
            view.close()


_session = _Session()


def register(shell: Any) -> None:
    """Let *shell* display jobs as panes and states as their text and table."""
    _formatters.add(shell)


def unregister(shell: Any) -> None:
    """Restore what `register` replaced."""
    _formatters.remove(shell)


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
            return repr(job) if _session.is_shown(shell, job) else console.job(job)

        plain, page = (formatter.formatters[f"text/{k}"] for k in ("plain", "html"))
        follows = getattr(shell, "kernel", None) is not None
        self._before[shell] = [
            *([running.follow(shell)] if follows else []),
            _replace(formatter.ipython_display_formatter, Job, draw),
            _replace(plain, Job, _printer(printed)),
            _replace(plain, ProcessState, _printer(str)),
            _replace(page, ProcessState, html.state),
        ]

    def remove(self, shell: Any) -> None:
        """Restore what was there."""
        for restore in self._before.pop(shell, []):
            restore()


_formatters = _Formatters()


def _replace(formatter: Any, kind: type, printer: Any) -> Callable[[], None]:
    """Register *printer*; return a function that restores what was there."""
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
