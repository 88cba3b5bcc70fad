"""Contexts: when to give up a piece of work, and why.

Go's package ``context``, as far as processes need it. A context is made from a parent
and ends with it, or earlier:

>>> ctx, cancel = with_timeout(background(), 60)
>>> ctx.done.is_set()
False
>>> cancel()
>>> ctx.done.wait(), str(ctx.err)
(True, 'context canceled')

Call ``cancel`` as soon as the work is over, also where a deadline would end it: that
frees the timer. The pair is a context manager that calls it:

>>> with with_timeout(background(), 60) as ctx:
...     ctx.err
>>> print(ctx.err)
context canceled
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

from ipyproc.errors import CanceledError, DeadlineExceededError

__all__ = [
    "CanceledError",
    "Context",
    "DeadlineExceededError",
    "Done",
    "Pair",
    "after_func",
    "background",
    "cause",
    "with_cancel",
    "with_cancel_cause",
    "with_deadline",
    "with_timeout",
]


_Err = CanceledError | DeadlineExceededError


class Done:
    """The event that a context ends (Go: the channel of ``Context.Done``)."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def is_set(self) -> bool:
        """Whether the context has ended."""
        return self._event.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most *timeout* seconds for the end, and return whether it came."""
        return self._event.wait(timeout)


class Context:
    """A piece of work that may be given up (Go: ``context.Context``).

    ``background`` and the ``with_`` functions make one. Any thread may use it.
    """

    def __init__(self, deadline: float | None = None) -> None:
        self._deadline = deadline
        self._done = Done()
        self._err: _Err | None = None
        self._cause: BaseException | None = None
        self._lock = threading.RLock()  # a signal handler may cancel, too
        self._at_end: set[_Order] = set()

    def __repr__(self) -> str:
        return f"<Context {self.err or 'not done'}, deadline {self.deadline}>"

    @property
    def done(self) -> Done:
        """The event that this context ends; a background's never comes.

        Go: ``Context.Done``.
        """
        return self._done

    @property
    def err(self) -> _Err | None:
        """Why it ended (Go: ``Context.Err``); ``None`` until then."""
        return self._err

    @property
    def deadline(self) -> float | None:
        """When it ends at the latest (Go: ``Context.Deadline``); ``None`` is never.

        In seconds on the clock of ``time.time``.
        """
        return self._deadline

    def _end(self, err: _Err, cause: BaseException | None = None) -> None:
        """End this context and its children; only the first end counts."""
        with self._lock:
            if self._err is None:
                self._err, self._cause = err, cause
                self._done._event.set()
        # One by one: if an interrupt cuts this call short, the next call does the rest.
        while order := self._next_order():
            order.action()

    def _next_order(self) -> _Order | None:
        with self._lock:
            return self._at_end.pop() if self._at_end else None

    def _when_done(self, action: Callable[[], object]) -> _Order:
        """Order *action* to be called at the end.

        The thread that ends the context calls it, so it must be short and never raise.
        """
        order = _Order(self, action)
        with self._lock:
            if self._err is None:
                self._at_end.add(order)
                return order
        action()
        return order


class _Order:
    """An action ordered for the end of a context."""

    def __init__(self, ctx: Context, action: Callable[[], object]) -> None:
        self._ctx = ctx
        self.action = action
        self._taken_back = False

    def take_back(self) -> bool:
        """Cancel the order, and return whether that was in time."""
        with self._ctx._lock:
            if self in self._ctx._at_end:
                self._taken_back = True
                self._ctx._at_end.remove(self)
            return self._taken_back


class _Background(Context):
    """The context that never ends, so it need not remember any order."""

    def _when_done(self, action: Callable[[], object]) -> _Order:
        order = _Order(self, action)
        order._taken_back = True
        return order


_BACKGROUND = _Background()
_Cancel = TypeVar("_Cancel", bound=Callable[[], None])


class CancelCause(Protocol):
    """What ends a context and says why (Go: ``context.CancelCauseFunc``)."""

    def __call__(self, cause: BaseException | None = None) -> None:
        """End the context for *cause*; later calls do nothing."""


class Pair(NamedTuple, Generic[_Cancel]):
    """A context and its ``cancel``, which a ``with`` block calls at its end."""

    ctx: Context
    cancel: _Cancel

    def __enter__(self) -> Context:
        return self.ctx

    def __exit__(self, *_: object) -> None:
        self.cancel()


def background() -> Context:
    """Return the context that never ends, the parent of all others.

    Go: ``context.Background``.
    """
    return _BACKGROUND


def with_cancel(parent: Context) -> Pair[Callable[[], None]]:
    """Return a context that ends when ``cancel()`` is called, or with *parent*.

    Go: ``context.WithCancel``.
    """
    ctx, cancel = with_cancel_cause(parent)
    return Pair(ctx, lambda: cancel())


def with_cancel_cause(parent: Context) -> Pair[CancelCause]:
    """Return a context that ends when ``cancel(cause)`` is called, or with *parent*.

    Go: ``context.WithCancelCause``. The function ``cause`` returns that cause; the
    context's ``err`` is a ``CanceledError`` in any case.
    """
    ctx = _child(parent, _checked(parent).deadline)

    def cancel(cause: BaseException | None = None) -> None:
        ctx._end(CanceledError(), cause)

    return Pair(ctx, cancel)


def with_timeout(parent: Context, timeout: float) -> Pair[Callable[[], None]]:
    """Return a context that ends after *timeout* seconds (Go: ``context.WithTimeout``).

    Or earlier, with *parent*. *timeout* may be ``inf``. Setting the machine's clock
    does not change how long it lasts.
    """
    return _limited(parent, time.time() + timeout, timeout)


def with_deadline(parent: Context, deadline: float) -> Pair[Callable[[], None]]:
    """Return a context that ends at *deadline*, in seconds on ``time.time``'s clock.

    Go: ``context.WithDeadline``. An earlier deadline of *parent* wins.
    """
    return _limited(parent, deadline, deadline - time.time())


def cause(ctx: Context) -> BaseException | None:
    """Return the cause that *ctx* was cancelled with (Go: ``context.Cause``).

    Without a cause it is the context's ``err``.
    """
    return ctx._cause or ctx.err


def after_func(ctx: Context, function: Callable[[], object]) -> Callable[[], bool]:
    """Call *function* in a thread of its own once *ctx* has ended.

    Go: ``context.AfterFunc``. Returns a function that cancels this order and returns
    whether it was in time, so that *function* will never run. Unlike Go's, it returns
    the same when it is called again.
    """

    def start() -> None:
        thread = threading.Thread(target=function, name="ipyproc-context", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread can be started
            function()

    return ctx._when_done(start).take_back


def _limited(
    parent: Context, deadline: float, timeout: float
) -> Pair[Callable[[], None]]:
    if math.isnan(timeout):
        raise ValueError("a deadline must be a time, not NaN")
    earlier = _checked(parent).deadline
    if earlier is not None and earlier <= deadline:
        return with_cancel(parent)
    ctx = _child(parent, deadline)
    if timeout <= 0:
        ctx._end(DeadlineExceededError())
    elif ctx.err is None:
        _start_timer(ctx, timeout)
    return Pair(ctx, lambda: ctx._end(CanceledError()))


def _child(parent: Context, deadline: float | None) -> Context:
    ctx = Context(deadline)

    def end_likewise() -> None:
        if parent.err is not None:
            ctx._end(type(parent.err)(), parent._cause)

    # When it ends for another reason, its parent forgets it.
    ctx._when_done(parent._when_done(end_likewise).take_back)
    return ctx


def _start_timer(ctx: Context, timeout: float) -> None:
    seconds = min(timeout, threading.TIMEOUT_MAX)
    timer = threading.Timer(seconds, ctx._end, [DeadlineExceededError()])
    timer.name = "ipyproc-deadline"
    timer.daemon = True
    timer.start()
    ctx._when_done(timer.cancel)


def _checked(parent: Context) -> Context:
    if not isinstance(parent, Context):
        raise TypeError(f"parent: expected a Context, not {type(parent).__name__}")
    return parent
