"""Exercises that check themselves: the notebooks of this folder import this module.

It stands beside them, not in the package, because it speaks their language: the Chinese
notebooks have a module of the same name, so their code is the same.
"""

from __future__ import annotations

import reprlib
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress

from ipyproc import Cmd, find_process

#: What is said, by the occasion.
TEXTS = {
    "blank": "Not yet: fill in the blank above, run it, and then run this cell again.",
    "missing": "Not yet: run the cell above first, then this one again.",
    "right": "Right!",
    "wrong": "Not quite: {what} is {got}.",
    "raised": "Not quite: {what} raises {got}.",
    "odd": "Not quite: {what} is {answer}. Checking it raised {got}.",
    "late": "Not quite: {what} was not done after {seconds:g} seconds.",
    "hints": "There are two hints below.",
    "some": "{solved} of {all} exercises are solved. Still to do: {rest}.",
    "all": "All {all} exercises of this chapter are solved. Well done!",
}
#: An answer that takes longer is interrupted, in seconds.
PATIENCE = 10.0

#: What was looked at, in Python's words; what it is; what it would be if all is right.
Finding = tuple[str, object, object]
Judge = Callable[..., Iterable[Finding]]

_solved: set[str] = set()
_short = reprlib.Repr()
_short.maxstring = _short.maxother = 100


class _TooLongError(BaseException):
    """The answer takes too long; no ``except Exception`` of the answer stops it."""


class _Blank(Exception):
    """The blank was not filled in."""


def check(name: str, judge: Judge) -> None:
    """Say whether the answer with this *name* is right; never raises.

    *judge* is called with the answer, and returns or yields what it looked at. The
    first finding that is not as wanted is told. ``...`` stands for a blank.
    """
    scope = sys._getframe(1).f_globals
    if name not in scope:
        print(TEXTS["missing"])
        return
    said = _verdict(name, scope[name], judge)
    if said == TEXTS["right"]:
        _solved.add(name)
    elif said != TEXTS["blank"]:
        said += "\n" + TEXTS["hints"]
    print(said)


def tidy(*left: object) -> None:
    """End processes, commands and jobs that an exercise may have left running.

    A number is a pid. What has ended, or is nothing of that kind, is ignored.
    """
    for each in left:
        with suppress(Exception):
            process = find_process(each) if isinstance(each, int) else each
            process = process.process if isinstance(process, Cmd) else process
            for end in ("kill", "wait"):
                with suppress(Exception):
                    getattr(process, end)()


def progress(*names: str) -> None:
    """Say how many of the chapter's exercises are solved."""
    rest = [name for name in names if name not in _solved]
    said = TEXTS["some" if rest else "all"]
    counts = {"solved": len(names) - len(rest), "all": len(names)}
    print(said.format(**counts, rest=", ".join(rest)))


def _verdict(name: str, answer: object, judge: Judge) -> str:
    if answer is ... or _is_blank(answer):
        return TEXTS["blank"]
    try:
        with _limit(PATIENCE):
            return _first_wrong(judge(answer)) or TEXTS["right"]
    except _Blank:
        return TEXTS["blank"]
    except _TooLongError:
        return TEXTS["late"].format(what=name, seconds=PATIENCE)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever an answer raises
        said = TEXTS["raised" if callable(answer) else "odd"]
        return said.format(what=name, answer=_short.repr(answer), got=_raised(error))


def _first_wrong(findings: Iterable[Finding]) -> str | None:
    """Look at what was found, up to the first that is not as wanted."""
    found = iter(findings)
    # What a judge started is ended by its ``finally``, now and not at some later time.
    with closing(found) if hasattr(found, "close") else nullcontext():
        for what, got, wanted in found:
            if got is ...:
                raise _Blank
            if isinstance(got, BaseException):
                return TEXTS["raised"].format(what=what, got=_raised(got))
            if got != wanted:
                return TEXTS["wrong"].format(what=what, got=_short.repr(got))
    return None


def _raised(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _blank():
    return ...


def _is_blank(answer: object) -> bool:
    """Whether it is a function that does nothing but ``return ...``."""
    code, blank = getattr(answer, "__code__", None), _blank.__code__
    return bool(
        code and (code.co_code, code.co_consts) == (blank.co_code, blank.co_consts)
    )


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer, where a signal can: in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(*_: object) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGALRM, late)
    # Again and again, for an answer may catch the first one.
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
