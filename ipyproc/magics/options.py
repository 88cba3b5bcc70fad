"""The options of a magic, how its line is read, and its help."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from IPython.core.error import UsageError

from ipyproc.magics.errors import unknown
from ipyproc.magics.expansion import Expansion
from ipyproc.magics.parsing import Word, Words

_WIDTH = 80
#: The beginning of a word that sets a variable of the environment.
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


class HelpRequested(Exception):
    """The line of a magic has ``--help``."""


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


#: The option that every magic has.
HELP = Option("--help", "show this help")
#: The values of this option are kept as words: what they mean depends on each other.
ENV = "--env"
#: The option that names another machine, and those whose values are paths there.
ON = "--on"
_THERE = ("--dir", "--stdout", "--stderr")

# An option, and the word that is its value.
_Given = tuple[Option, Word | None]


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
        self.options = {option.name: option for option in (*options, HELP)}
        self._parser = _Parser(
            prog=magic,
            usage=usage.replace("%", "%%"),
            description=summary,
            epilog=notes,
            formatter_class=_Help,
            add_help=False,
            allow_abbrev=False,
        )
        for option in self.options.values():
            _declare(self._parser, option)

    @property
    def help(self) -> str:
        """The whole help, as ``%magic?`` shows it."""
        return self._parser.format_help()

    def parse_command(
        self, text: str, expansion: Expansion | None = None
    ) -> tuple[argparse.Namespace, Words]:
        """Read the options before a command; the words of the command are left.

        ``--`` ends the options, and a leading ``K=V`` is one. A mistake raises
        ``UsageError``. The command itself is not read yet: as a script for a shell it
        may be no sequence of words.
        """
        words = Words(text, expansion)
        given: list[_Given] = []
        ended = False
        while ahead := words.ahead:
            if ahead.startswith("-") and not ended:
                word = next(words)
                ended = word.source == "--"
                if not ended:
                    given.append(self._option(word, words))
            elif ASSIGNMENT.match(ahead) and not _runs_shell(given):
                given.append((self.options[ENV], next(words)))
            else:
                break
        return self._convert(given), words

    def parse(
        self, text: str, expansion: Expansion | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Read options and other words in any order; a number is never an option.

        After ``--`` no word is an option. A mistake raises ``UsageError``.
        """
        words = Words(text, expansion)
        given: list[_Given] = []
        others: list[str] = []
        for word in words:
            if word.source == "--":
                others += (word.text for word in words)
            elif word.source.startswith("-") and not word.source[1:].isdigit():
                given.append(self._option(word, words))
            else:
                others.append(word.text)
        return self._convert(given), others

    def find(self, name: str) -> Option:
        """The option called *name*; ``UsageError`` if there is none."""
        if name == "-h":
            return HELP
        if name in self.options:
            return self.options[name]
        if not name.startswith("--"):
            raise UsageError(f"no option {name!r}: {self.magic}? lists the options")
        raise unknown("option", name, self.options)

    def _option(self, word: Word, words: Words) -> _Given:
        """Read an option and its value, which may be the next of *words*.

        The name is what the user typed: no value of an expression becomes an option.
        """
        name, glued, _ = word.source.partition("=")
        option = self.find(name)
        if option is HELP:
            raise HelpRequested
        if glued:
            return option, word.removeprefix(f"{name}=")
        if option.value is None:
            return option, None
        value = next(words, None)
        if value is None or value.source.startswith("--"):
            raise UsageError(f"{name} needs a value: {name} {option.value}")
        return option, value

    def _convert(self, given: Iterable[_Given]) -> argparse.Namespace:
        given = [*given]
        is_there = any(option.name == ON for option, _ in given)
        options = self._parser.parse_args(
            [
                option.name
                if word is None
                else f"{option.name}={_value(option, word, is_there)}"
                for option, word in given
            ]
        )
        if ENV in self.options:
            options.env = [word for option, word in given if option.name == ENV]
        return options


def _value(option: Option, word: Word, is_there: bool) -> str:
    return word.there if is_there and option.name in _THERE else word.text


def _runs_shell(given: Iterable[_Given]) -> bool:
    return any(option.name == "--shell" for option, _ in given)


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
