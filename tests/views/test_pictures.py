"""The thread that draws what is to be in the file, and when it does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from ipyproc.views.render.recent import Recent
from ipyproc.views.transport import pictures
from ipyproc.views.transport.pictures import NAME, Pictures
from ipyproc.views.widgets import saved
from ipyproc.views.widgets.saved import Drawn, Saved, Stage
from tests.views.fakes import FakeJob


class View:
    """A view that notes on which thread it was drawn."""

    def __init__(self, order: list[View], act: Callable[[], object] = int) -> None:
        self.order, self.act = order, act
        self.threads: list[str] = []

    def draw(self) -> None:
        """Note it."""
        self.threads.append(threading.current_thread().name)
        self.order.append(self)
        self.act()


def test_it_is_drawn_on_a_thread_of_its_own() -> None:
    """Neither cells nor buttons nor what is sent waits for a picture."""
    drawing, view, go = Pictures(), View([]), threading.Event()
    drawing.ask(View([], lambda: go.wait(20)))

    assert drawing.ask(view)
    assert drawing.ask(view, time.monotonic() + 1000)  # earlier wins

    go.set()
    assert drawing.retire(20)
    assert view.threads == [NAME]


def test_what_is_urgent_comes_first() -> None:
    """The end of a job does not wait for pictures of others that run."""
    drawing, order = Pictures(), []
    is_held, go = threading.Event(), threading.Event()

    def hold() -> None:
        is_held.set()
        go.wait(20)

    first, later, urgent = View(order, hold), View(order), View(order)
    drawing.ask(first)
    assert is_held.wait(20)
    drawing.ask(later, time.monotonic())
    drawing.ask(urgent)
    go.set()

    assert drawing.retire(20)
    assert order == [first, urgent, later]


def test_what_can_wait_takes_a_tenth_of_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After drawing what is not urgent there is a rest, but not for what is."""
    spent = iter(range(0, 100_000, 1000))
    monkeypatch.setattr(pictures.time, "thread_time", lambda: next(spent))
    drawing, order = Pictures(), []
    done = threading.Event()
    slow, next_one, urgent = View(order, done.set), View(order), View(order)
    drawing.ask(slow, time.monotonic())
    assert done.wait(20)
    drawing.ask(next_one, time.monotonic())
    drawn = threading.Event()
    urgent.act = drawn.set
    drawing.ask(urgent)

    assert drawn.wait(20)
    assert order == [slow, urgent]
    drawing.forget(next_one)
    assert drawing.retire(20)
    assert order == [slow, urgent]


def test_a_failure_harms_no_other() -> None:
    """A view that cannot be drawn does not keep others from it."""
    drawing, order = Pictures(), []

    def fail() -> None:
        raise LookupError("an intended failure")

    drawing.ask(View(order, fail))
    drawing.ask(View(order))

    assert drawing.retire(20)
    assert len(order) == 2


class Shown:
    """A job, and what was drawn of it."""

    def __init__(self) -> None:
        self.job = FakeJob()
        self.drawing = Pictures()
        self.drawn: list[Drawn] = []
        self.times: list[float | None] = []
        self.saved = Saved(
            self.job,  # type: ignore[arg-type]
            self._make,
            self.drawn.append,
            self.drawing,
        )

    def _make(self, last: Recent, taken: float | None) -> dict[str, str]:
        self.times.append(taken)
        return {"text": "\n".join(run[0] for line in last.lines for run in line)}

    def draw(self) -> Drawn:
        """Have drawn what waits; return the last."""
        assert self.drawing.retire(20)
        return self.drawn[-1]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """A job whose picture is drawn only when the test says so, or at its end."""
    monkeypatch.setattr(saved, "EVERY", 1000.0)
    monkeypatch.setattr(saved, "_SOON", 1000.0)
    return Shown()


def test_a_running_job_is_drawn_some_seconds_later(shown: Shown) -> None:
    """What it prints meanwhile is drawn with it, and the time is said."""
    begin = time.monotonic()
    for line in (b"a\n", b"b\n"):
        shown.job.prints(line)
        shown.saved.ask()

    (due,) = shown.drawing._due.values()
    assert due - begin >= saved.EVERY
    assert shown.draw().bundle == {"text": "a\nb"}
    assert shown.times[0] is not None
    assert [drawn.stage for drawn in shown.drawn] == [Stage.RUNS]
    shown.saved.ask()
    shown.draw()
    assert len(shown.times) == 1  # nothing is new


def test_the_end_is_drawn_at_once(shown: Shown) -> None:
    """The end waits for nothing, and has no time, for nothing will change."""
    shown.saved.ask()
    shown.job.prints(b"a\n")
    shown.job.ends()
    shown.saved.ask()
    assert list(shown.drawing._due.values()) in ([0.0], [])  # or it is drawn already

    assert shown.draw().stage == Stage.IS_OVER
    assert shown.times == [None]
    assert shown.saved.end is shown.drawn[-1]
    assert shown.saved.is_drawn


def test_output_that_stays_open_is_drawn_on(shown: Shown) -> None:
    """When the process ended that is drawn, and again when all is over."""
    shown.job.ends()
    shown.job.finished = False
    shown.saved.ask()
    assert shown.draw().stage == Stage.IS_OPEN
    first = shown.saved.end
    shown.job.prints(b"late\n")
    shown.saved.ask()
    shown.draw()
    assert shown.saved.end is first
    shown.job.finished = True
    assert not shown.saved.is_drawn
    shown.saved.ask()

    assert shown.draw().bundle == {"text": "late"}
    assert shown.saved.end is shown.drawn[-1]
    assert [bool(taken) for taken in shown.times] == [True, True, False]


def test_it_is_drawn_without_a_thread_too(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no thread can start, who asks for it draws it."""
    monkeypatch.setattr(shown.drawing._thread, "_start", lambda: False)

    shown.saved.ask()

    assert [drawn.stage for drawn in shown.drawn] == [Stage.RUNS]
