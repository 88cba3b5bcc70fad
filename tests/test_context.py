"""Contexts end once, with their parents, and keep nothing."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress

import pytest

from ipyproc import context
from ipyproc.context import (
    CanceledError,
    Context,
    DeadlineExceededError,
    after_func,
    background,
    cause,
    with_cancel,
    with_cancel_cause,
    with_deadline,
    with_timeout,
)

FAR = 3600.0


def timers() -> list[threading.Thread]:
    """List the timers that run."""
    return [t for t in threading.enumerate() if t.name == "ipyproc-deadline"]


def test_background_never_ends() -> None:
    """The background has no end, no deadline and no cause."""
    ctx = background()

    assert ctx is background()
    assert not ctx.done.is_set()
    assert not ctx.done.wait(0)
    assert (ctx.err, ctx.deadline, cause(ctx)) == (None, None, None)


def test_cancel_ends_the_context_once() -> None:
    """Cancelling ends it with CanceledError; again does nothing."""
    ctx, cancel = with_cancel(background())
    assert ctx.err is None

    cancel()
    first = ctx.err
    cancel()

    assert ctx.done.is_set()
    assert isinstance(first, CanceledError)
    assert ctx.err is first
    assert cause(ctx) is first
    assert str(first) == "context canceled"


def test_children_end_with_their_parent() -> None:
    """The end goes down the tree, with its error and its cause, and never up."""
    why = RuntimeError("why")
    parent, cancel = with_cancel_cause(background())
    child, cancel_child = with_cancel(parent)
    grandchild, _ = with_timeout(child, FAR)
    other, cancel_other = with_cancel(parent)

    cancel_other()
    assert parent.err is None

    cancel(why)

    for ctx in (parent, child, grandchild):
        assert isinstance(ctx.err, CanceledError)
        assert cause(ctx) is why
    assert not isinstance(cause(other), RuntimeError)
    cancel_child()
    assert cause(child) is why
    for timer in timers():
        timer.join(30)
        assert not timer.is_alive()


def test_child_of_an_ended_parent_has_ended() -> None:
    """A context made too late is over at once."""
    parent, cancel = with_cancel(background())
    cancel()

    for ctx, _ in (with_cancel(parent), with_timeout(parent, FAR)):
        assert ctx.done.is_set()
        assert isinstance(ctx.err, CanceledError)
    assert timers() == []


def test_the_first_cause_stays() -> None:
    """The first cancellation decides the cause, which may be missing."""
    ctx, cancel = with_cancel_cause(background())
    cancel()
    cancel(RuntimeError("late"))

    assert isinstance(cause(ctx), CanceledError)


def test_timeout_ends_the_context() -> None:
    """A time-out ends it with DeadlineExceededError, which is a TimeoutError."""
    ctx, cancel = with_timeout(background(), 0.01)

    assert ctx.done.wait(30)
    cancel()
    assert isinstance(ctx.err, DeadlineExceededError)
    assert isinstance(ctx.err, TimeoutError)
    assert str(ctx.err) == "context deadline exceeded"


@pytest.mark.parametrize("seconds", [0, -1, -math.inf])
def test_deadline_in_the_past(seconds: float) -> None:
    """A deadline that has passed ends the context at once, without a timer."""
    ctx, cancel = with_deadline(background(), time.time() + seconds)

    assert isinstance(ctx.err, DeadlineExceededError)
    cancel()
    assert isinstance(ctx.err, DeadlineExceededError)


@pytest.mark.parametrize("seconds", [FAR, 1e18, math.inf])
def test_cancel_stops_the_timer(seconds: float) -> None:
    """However far the deadline is, cancelling gives the timer back."""
    ctx, cancel = with_timeout(background(), seconds)
    [timer] = timers()

    cancel()
    timer.join(30)

    assert not timer.is_alive()
    assert isinstance(ctx.err, CanceledError)


def test_earlier_deadline_of_the_parent_wins() -> None:
    """A child cannot last longer than its parent, and then needs no timer."""
    now = time.time()
    parent, cancel = with_deadline(background(), now + FAR)
    later, _ = with_deadline(parent, now + 2 * FAR)
    earlier, cancel_earlier = with_deadline(parent, now + FAR / 2)

    assert parent.deadline == later.deadline == now + FAR
    assert earlier.deadline == now + FAR / 2
    assert len(timers()) == 2

    cancel_earlier()
    assert later.err is None
    cancel()
    assert isinstance(later.err, CanceledError)


def test_deadline_is_inherited() -> None:
    """A child without a deadline of its own has its parent's."""
    parent, cancel = with_timeout(background(), FAR)
    with with_cancel(parent) as child:
        assert child.deadline == parent.deadline
    cancel()


def test_pair_is_a_context_manager() -> None:
    """The with statement gives the context and cancels it on the way out."""
    with suppress(KeyError), with_timeout(background(), FAR) as ctx:
        assert ctx.err is None
        raise KeyError

    assert isinstance(ctx.err, CanceledError)


def test_parent_forgets_an_ended_child() -> None:
    """A long-lived parent does not collect the children that ended before it."""
    parent, cancel = with_cancel(background())
    before = len(parent._at_end)
    for _ in range(10):
        with with_cancel(parent):
            pass
    with_timeout(parent, 0)

    assert len(parent._at_end) == before
    cancel()


def test_after_func_runs_once_at_the_end() -> None:
    """The function runs in a thread of its own, and is too late to stop then."""
    ran = threading.Event()
    threads = []

    def note() -> None:
        threads.append(threading.current_thread())
        ran.set()

    ctx, cancel = with_cancel(background())
    stop = after_func(ctx, note)
    cancel()

    assert ran.wait(30)
    assert stop() is False
    assert threads != [threading.current_thread()]
    assert len(threads) == 1


def test_after_func_taken_back() -> None:
    """A function taken back in time never runs."""
    ran = threading.Event()
    ctx, cancel = with_cancel(background())
    stop = after_func(ctx, ran.set)

    assert stop() is True
    cancel()
    assert stop() is True
    assert not ran.is_set()
    assert after_func(background(), ran.set)() is True


def test_after_func_without_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no thread can be started, the function runs in the one that cancels."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    ran = threading.Event()
    ctx, cancel = with_cancel(background())
    after_func(ctx, ran.set)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    cancel()

    assert ran.is_set()


def test_done_wakes_a_waiting_thread() -> None:
    """The end can be waited for in another thread."""
    ctx, cancel = with_cancel(background())
    thread = threading.Thread(target=ctx.done.wait)
    thread.start()

    cancel()
    thread.join(30)

    assert not thread.is_alive()


@pytest.mark.parametrize("make", [with_cancel, with_cancel_cause])
def test_parent_must_be_a_context(make: object) -> None:
    """Go panics for a nil parent; here it is a TypeError."""
    with pytest.raises(TypeError, match="expected a Context, not NoneType"):
        make(None)  # type: ignore[operator]
    with pytest.raises(TypeError, match="expected a Context"):
        with_timeout(None, 1)  # type: ignore[arg-type]


def test_deadline_must_be_a_time() -> None:
    """NaN is no time."""
    with pytest.raises(ValueError, match="NaN"):
        with_timeout(background(), math.nan)


def test_repr_tells_what_is_known() -> None:
    """A context shows whether and why it ended."""
    with with_cancel(background()) as ctx:
        assert repr(ctx) == "<Context not done, deadline None>"
    assert repr(ctx) == "<Context context canceled, deadline None>"
    assert isinstance(ctx, Context)
    assert context.background() is background()
