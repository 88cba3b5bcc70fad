"""What a user reads when something cannot be done: one line, and never a traceback."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TypeVar

from IPython.core.error import UsageError

_Error = TypeVar("_Error", bound=BaseException)


def unknown(kind: str, word: str, names: Iterable[str]) -> UsageError:
    """Say that there is no *kind* of the name *word*, and which name is nearest.

    >>> unknown("job", "tran", ["train", "serve"])
    UsageError("no job 'tran': did you mean 'train'?")
    """
    known = {_plain(name): name for name in names}
    near = get_close_matches(_plain(word), known, n=1)
    hint = f": did you mean {known[near[0]]!r}?" if near else ""
    return UsageError(f"no {kind} {word!r}{hint}")


def _plain(name: str) -> str:
    # Dashes apart, or "--kill" would be nearest to "--all".
    return name.lower().lstrip("-")


def one_line(error: _Error, text: str | None = None) -> _Error:
    """Have IPython show *error* as one line: its class, and *text* or its own text.

    It stays the error that it is: it ends the cell, so that "Run all" stops, and a
    ``try`` around the magic can catch it by its class.
    """
    words = " ".join(str(error if text is None else text).split("\n"))
    line = f"{type(error).__name__}: {words}"
    # IPython asks the error itself first, before it draws a traceback.
    error._render_traceback_ = lambda: [line]  # type: ignore[attr-defined]
    return error
