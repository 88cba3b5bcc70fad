"""What happens to a running command when its context is done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ipyproc.context import Context, after_func
from ipyproc.errors import ProcessDoneError, WaitDelayError
from ipyproc.exec.copying import Copying
from ipyproc.process import Process


class Watch:
    """Cancels a command when its context is done, and kills it if that does not help.

    All of it happens in a thread that exists only from then on, whether or not
    anybody waits for the command.
    """

    def __init__(
        self,
        ctx: Context,
        cancel: Callable[[], object] | None,
        delay: float,
        process: Process,
        copying: Copying,
    ) -> None:
        self._ctx = ctx
        self._cancel = cancel
        self._delay = delay
        self._process = process
        self._copying = copying
        self._reaped = threading.Event()
        self._settled = threading.Event()
        #: What the end of the context makes of a command that succeeded.
        self.error: BaseException | None = None
        #: When the delay is over that began with the end of the context, if it did.
        self.deadline: float | None = None
        self._stop = after_func(ctx, self._run)

    def settle(self) -> None:
        """Take note that the process was waited for, and let no more happen.

        May be called again after an interrupt.
        """
        self._reaped.set()
        if not self._stop():
            self._settled.wait()

    def _run(self) -> None:
        try:
            self.error = self._cancelled()
            if self._delay and not self._reaped_within_delay():
                self._force()
        finally:
            self._settled.set()

    def _cancelled(self) -> BaseException | None:
        """Cancel, and give the error for a command that ends well all the same."""
        if self._cancel is None:
            return None
        try:
            self._cancel()
        except BaseException as error:  # noqa: BLE001 - the user's may raise anything
            return None if _says_done(error) else _wrapped("canceling", error)
        return self._ctx.err and type(self._ctx.err)()

    def _reaped_within_delay(self) -> bool:
        deadline = time.monotonic() + self._delay
        if not self._reaped.wait(self._delay):
            return False
        self.deadline = deadline  # what is left of it is for the pipes
        return True

    def _force(self) -> None:
        killed = self._kill()
        if not self._copying:
            return
        if not self._copying.ended.is_set():
            # Only now, so that the process dies of the signal and not of a closed pipe.
            self._copying.give_up()
            self.error = self.error or WaitDelayError()
        elif not killed:
            self.error = self.error or self._copying.error
        self._copying.discount()

    def _kill(self) -> bool:
        try:
            self._process.kill()
        except ProcessDoneError:
            return False
        except OSError as error:
            self.error = _wrapped("killing", error)
            return False
        return True


def _says_done(error: BaseException | None) -> bool:
    """Whether *error* is, or was caused by, the command's having ended by itself."""
    while error is not None and not isinstance(error, ProcessDoneError):
        error = error.__cause__
    return error is not None


def _wrapped(doing: str, error: BaseException) -> OSError:
    wrapped = OSError(f"exec: {doing} Cmd: {error}")
    wrapped.__cause__ = error
    return wrapped
