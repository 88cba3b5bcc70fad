"""Reading the line of a magic: its words, as a shell splits them, and its options."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from IPython.core.error import UsageError

from ipyproc.magics.errors import unknown

_WIDTH = 80
_BLANK = " \t\r\n"
_BARE = re.compile(r"""[^ \t\r\n\\'"]+""")
_IN_DOUBLE = re.compile(r'[^"\\]+')


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a word that is quoted in one way.

    *quote* is ``'``, ``"``, a backslash, or empty for what is not quoted.
    """

    text: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a line: what it means, in parts, and how it was written."""

    parts: tuple[Part, ...]
    source: str

    @property
    def text(self) -> str:
        """What the word means."""
        return "".join(part.text for part in self.parts)


class Words(Iterator[Word]):
    r"""The words of a text one by one, and the rest of it as it was written.

    Quotation marks and backslashes group as in a shell, and a newline separates words
    as a space does; ``#`` is nothing special. A *partial* text may end within a word:
    it is what stands before a cursor.

    >>> words = Words("--name 'my job' echo 'a  b' | wc")
    >>> next(words).text, next(words).text, words.rest
    ('--name', 'my job', "echo 'a  b' | wc")
    """

    def __init__(self, text: str, *, partial: bool = False) -> None:
        self._text = text
        self._partial = partial
        self._position = 0

    @property
    def rest(self) -> str:
        """What follows the words that were taken, with its quotation marks."""
        return self._text[self._position :].strip()

    def __next__(self) -> Word:
        self._skip_blanks()
        start = self._position
        parts: list[Part] = []
        while self._char not in {"", *_BLANK}:
            parts += self._read_part()
        if start == self._position or not parts:
            raise StopIteration
        return Word(tuple(parts), self._text[start : self._position])

    @property
    def _char(self) -> str:
        return self._text[self._position : self._position + 1]

    def _skip_blanks(self) -> None:
        while self._char in {*_BLANK} or self._text.startswith("\\\n", self._position):
            self._position += 1 if self._char in _BLANK else 2

    def _read_part(self) -> Iterator[Part]:
        if self._char == "\\":
            yield from self._read_escaped()
        elif self._char == "'":
            yield self._read_single()
        elif self._char == '"':
            yield self._read_double()
        else:
            yield Part(self._take(_BARE))

    def _read_escaped(self) -> Iterator[Part]:
        self._position += 1
        char = self._char
        if not char and not self._partial:
            raise self._error("a backslash ends the line")
        self._position += 1
        if char != "\n":  # in a shell, too, the two continue the line
            yield Part(char, "\\")

    def _read_single(self) -> Part:
        start = self._position + 1
        end = self._text.find("'", start)
        if end < 0:
            end = self._end_of_open()
        self._position = end + 1
        return Part(self._text[start:end], "'")

    def _read_double(self) -> Part:
        self._position += 1
        text = ""
        while self._char != '"':
            if not self._char:
                self._end_of_open()
                break
            if self._char == "\\":
                text += self._read_backslash()
            else:
                text += self._take(_IN_DOUBLE)
        self._position += 1
        return Part(text, '"')

    def _read_backslash(self) -> str:
        """What a backslash and the next character mean between double quotes."""
        pair = self._text[self._position : self._position + 2]
        self._position += 2
        return pair[1] if pair in ('\\"', "\\\\") else pair

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._position)
        assert found is not None
        self._position = found.end()
        return found[0]

    def _end_of_open(self) -> int:
        if not self._partial:
            raise self._error("a quotation mark is not closed")
        return len(self._text)

    def _error(self, reason: str) -> UsageError:
        shown = textwrap.shorten(self._text, 60, placeholder=" ...")
        return UsageError(f"{reason}: {shown}")


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a magic.

    *value* is the name of its value in the help, which also selects what completes it;
    ``None`` makes it a switch. *convert* reads the value and raises
    ``argparse.ArgumentTypeError``. With *many* it can be repeated and gives a list.
    """

    name: str
    help: str
    value: str | None = None
    convert: Callable[[str], object] = str
    many: bool = False


class Grammar:
    """What the line of a magic may contain, and the help that says so.

    *usage* has a line for each form of the magic; *notes* follow the options.
    """

    def __init__(
        self,
        magic: str,
        *,
        usage: str,
        summary: str,
        options: Sequence[Option] = (),
        notes: str = "",
    ) -> None:
        self.magic = magic
        self.options = {option.name: option for option in options}
        self._parser = _Parser(
            prog=magic,
            usage=usage.replace("%", "%%"),
            description=summary,
            epilog=notes,
            formatter_class=_Help,
            add_help=False,
            allow_abbrev=False,
        )
        for option in options:
            _declare(self._parser, option)

    @property
    def help(self) -> str:
        """The whole help, as ``%magic?`` shows it."""
        return self._parser.format_help()

    def parse_command(self, text: str) -> tuple[argparse.Namespace, Words]:
        """Read the options before a command; the words of the command are left.

        ``--`` ends the options. A mistake raises ``UsageError``. The command itself is
        not read yet: as a script for a shell it may be no sequence of words.
        """
        words = Words(text)
        given: list[str] = []
        while words.rest.startswith("-"):
            word = next(words)
            if word.source == "--":
                break
            given.append(self._option(word, words))
        return self._convert(given), words

    def parse(self, text: str) -> tuple[argparse.Namespace, list[str]]:
        """Read options and other words in any order; a number is never an option.

        After ``--`` no word is an option. A mistake raises ``UsageError``.
        """
        words = Words(text)
        given: list[str] = []
        others: list[str] = []
        for word in words:
            if word.text == "--":
                others += (word.text for word in words)
            elif word.text.startswith("-") and not word.text[1:].isdigit():
                given.append(self._option(word, words))
            else:
                others.append(word.text)
        return self._convert(given), others

    def find(self, name: str) -> Option:
        """The option called *name*; ``UsageError`` if there is none."""
        if name in self.options:
            return self.options[name]
        if not name.startswith("--"):
            raise UsageError(f"no option {name!r}: {self.magic}? lists the options")
        raise unknown("option", name, self.options)

    def _option(self, word: Word, words: Words) -> str:
        """An option and its value as one word; the value may be the next of *words*."""
        name, glued, _ = word.text.partition("=")
        option = self.find(name)
        if glued or option.value is None:
            return word.text
        value = next(words, None)
        if value is None or value.text.startswith("--"):
            raise UsageError(f"{name} needs a value: {name} {option.value}")
        return f"{name}={value.text}"

    def _convert(self, given: list[str]) -> argparse.Namespace:
        return self._parser.parse_args(given)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are usage errors; it never ends the interpreter."""

    #: From Python 3.14 on help is coloured, but IPython shows a docstring as it is.
    color = False

    def error(self, message: str) -> NoReturn:
        """Raise ``UsageError``."""
        raise UsageError(message.removeprefix("argument "))


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help of the same width everywhere, however wide the terminal is."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=20, width=_WIDTH)


def _declare(parser: argparse.ArgumentParser, option: Option) -> None:
    if option.value is None:
        parser.add_argument(option.name, action="store_true", help=option.help)
        return
    parser.add_argument(
        option.name,
        action="append" if option.many else "store",
        metavar=option.value,
        type=option.convert,
        help=option.help,
    )
