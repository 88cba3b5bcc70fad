"""Errors of the magics: a user reads one line, never a traceback."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TypeVar

from IPython.core.error import UsageError

# Sources are cut to this length in a message.
_LONGEST = 60
_Error = TypeVar("_Error", bound=BaseException)


def unknown(kind: str, word: str, names: Iterable[str]) -> UsageError:
    """The error for a *kind* without one called *word*; it names the nearest match.

    >>> unknown("job", "tran", ["train", "serve"])
    UsageError("no job 'tran': did you mean 'train'?")
    """
    known = {_plain(name): name for name in names}
    near = get_close_matches(_plain(word), known, n=1)
    hint = f": did you mean {known[near[0]]!r}?" if near else ""
    return UsageError(f"no {kind} {word!r}{hint}")


def shown(source: str) -> str:
    """How a message shows what the user typed: one line of printable characters.

    >>> shown("echo 'a\\n b")
    "echo 'a b"
    """
    line = textwrap.shorten(source, _LONGEST, placeholder=" ...")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def _plain(name: str) -> str:
    # With the dashes "--all" would be the nearest match of "--kill".
    return name.lower().lstrip("-")


def one_line(error: _Error, text: str | None = None) -> _Error:
    """Make IPython show *error* as one line: its class, and *text* or its own text.

    The error keeps its class: it ends the cell, so that "Run all" stops, and a ``try``
    around the magic can catch it.
    """
    words = " ".join(str(error if text is None else text).split("\n"))
    line = f"{type(error).__name__}: {words}"
    # IPython asks an error for this method before it formats a traceback. It is not
    # documented; an IPython without it would show the traceback, and nothing breaks.
    error._render_traceback_ = lambda: [line]  # type: ignore[attr-defined]
    return error
