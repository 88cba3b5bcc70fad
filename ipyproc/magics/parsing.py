"""How a line falls into words: like a shell's, but nothing in it is expanded."""

from __future__ import annotations

import io
import re
import shlex
import textwrap
from collections.abc import Iterator

from IPython.core.error import UsageError

_REASONS = {"No closing quotation": "a quotation mark is not closed"}
_ALONE = "a backslash ends the line"
_PARTS = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*"|\\[^\n]|(\\\n)""", re.DOTALL)


class Words(Iterator[str]):
    r"""The words of a text one by one, and what is left of it as it was written.

    Quotation marks and backslashes group as in a shell; ``#`` is nothing special.

    >>> words = Words("--name 'my job' echo 'a  b' | wc")
    >>> next(words), next(words), words.rest
    ('--name', 'my job', "echo 'a  b' | wc")
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._stream = io.StringIO(text)
        self._lexer = shlex.shlex(self._stream, posix=True)
        self._lexer.whitespace_split = True
        self._lexer.commenters = ""

    @property
    def rest(self) -> str:
        """What follows the words that were taken, with its quotation marks."""
        return self._text[self._stream.tell() :].strip()

    def __next__(self) -> str:
        try:
            word = self._lexer.get_token()
        except ValueError as error:
            reason = _REASONS.get(str(error), _ALONE)
            shown = textwrap.shorten(self._text, 60, placeholder=" ...")
            raise UsageError(f"{reason}: {shown}") from None
        if word is None:
            raise StopIteration
        return word


def split(text: str) -> list[str]:
    r"""Split *text* into words; a newline parts them as a space does.

    Within quotation marks a newline is kept; after a backslash it is nothing.

    >>> split("python3 -c 'import sys\nprint(1)' \\\n --seed 3")
    ['python3', '-c', 'import sys\nprint(1)', '--seed', '3']
    """
    return list(Words(_PARTS.sub(lambda part: "" if part[1] else part[0], text)))
