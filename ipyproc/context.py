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
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

from ipyproc._process.threads import Event, start_thread
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

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def is_set(self) -> bool:
        """Whether the context has ended."""
        return self._ctx.err is not None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most *timeout* seconds for the end, and return whether it came.

        *timeout* is any number up to ``inf``.
        """
        give_up_at = math.inf if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            now = time.monotonic()
            if now >= give_up_at:
                return False
            self._ctx._ended.wait(min(give_up_at, self._ctx._ends_at) - now)
        return True


class Context:
    """A piece of work that may be given up (Go: ``context.Context``).

    ``background`` and the ``with_`` functions make one. Any thread may use it.
    """

    # No lock is in here: a signal handler may cancel what it interrupts, and a forked
    # child may ask. What must happen once is one call into C.

    def __init__(
        self, deadline: float | None = None, ends_at: float = math.inf
    ) -> None:
        self._deadline = deadline
        # The same on the monotonic clock. A thread ends the context then; in a forked
        # child there is none, and the first question after that time ends it.
        self._ends_at = ends_at
        self._ended = Event()
        self._outcome: dict[None, tuple[_Err, BaseException | None]] = {}
        self._at_end: set[_Order] = set()

    def __repr__(self) -> str:
        return f"<Context {self.err or 'not done'}, deadline {self.deadline}>"

    @property
    def done(self) -> Done:
        """The event that this context ends; a background's never comes.

        Go: ``Context.Done``.
        """
        return Done(self)

    @property
    def err(self) -> _Err | None:
        """Why it ended (Go: ``Context.Err``); ``None`` until then."""
        if not self._outcome and time.monotonic() >= self._ends_at:
            self._end(DeadlineExceededError())
        return self._outcome[None][0] if self._outcome else None

    @property
    def deadline(self) -> float | None:
        """When it ends at the latest (Go: ``Context.Deadline``); ``None`` is never.

        In seconds on the clock of ``time.time``.
        """
        return self._deadline

    def _end(self, err: _Err, cause: BaseException | None = None) -> None:
        """End this context and its children; only the first end counts."""
        self._outcome.setdefault(None, (err, cause))
        self._ended.set()
        self._carry_out()

    def _carry_out(self) -> None:
        """Do what was ordered for the end, each once, whichever thread does it."""
        # One by one: if an interrupt cuts this call short, the next call does the rest.
        while self._at_end:
            try:
                order = self._at_end.pop()
            except KeyError:  # another thread, or a handler, was faster
                return
            if order.fate.setdefault(None, True):
                order.action()

    def _when_done(self, action: Callable[[], object]) -> _Order:
        """Order *action* to be called at the end.

        The thread that ends the context calls it, so it must be short and never raise.
        """
        order = _Order(self, action)
        self._at_end.add(order)
        if self._outcome:  # it has ended, perhaps before it could know of this order
            self._carry_out()
        return order


class _Order:
    """An action ordered for the end of a context."""

    def __init__(self, ctx: Context, action: Callable[[], object]) -> None:
        self._ctx = ctx
        self.action = action
        #: Whether the action is carried out, once that is decided.
        self.fate: dict[None, bool] = {}

    def take_back(self) -> bool:
        """Cancel the order, and return whether that was in time."""
        carried_out = self.fate.setdefault(None, False)
        self._ctx._at_end.discard(self)
        return not carried_out


class _Background(Context):
    """The context that never ends, so it need not remember any order."""

    def _when_done(self, action: Callable[[], object]) -> _Order:
        order = _Order(self, action)
        order.take_back()
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
    err = ctx.err
    return ctx._outcome[None][1] or err if ctx._outcome else None


def after_func(ctx: Context, function: Callable[[], object]) -> Callable[[], bool]:
    """Call *function* in a thread of its own once *ctx* has ended.

    Go: ``context.AfterFunc``. Returns a function that cancels this order and returns
    whether it was in time, so that *function* will never run. Unlike Go's, it returns
    the same when it is called again.
    """

    def start() -> None:
        try:
            start_thread(function, "ipyproc-context")
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
    ctx = _child(parent, deadline, time.monotonic() + timeout)
    if ctx.err is None:
        start_thread(ctx.done.wait, "ipyproc-deadline")
    return Pair(ctx, lambda: ctx._end(CanceledError()))


def _child(
    parent: Context, deadline: float | None, ends_at: float = math.inf
) -> Context:
    ctx = Context(deadline, min(ends_at, parent._ends_at))

    def end_likewise() -> None:
        if parent._outcome:
            err, cause = parent._outcome[None]
            ctx._end(type(err)(), cause)

    # When it ends for another reason, its parent forgets it.
    ctx._when_done(parent._when_done(end_likewise).take_back)
    return ctx


def _checked(parent: Context) -> Context:
    if not isinstance(parent, Context):
        raise TypeError(f"parent: expected a Context, not {type(parent).__name__}")
    return parent
