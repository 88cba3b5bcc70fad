"""The grammar of a magic's line: its options, what follows them, and its help."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from IPython.core.error import UsageError

from ipyproc.magics.errors import unknown
from ipyproc.magics.parsing import Words

_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a magic.

    *value* is what the help calls its value, which also tells what completes it;
    ``None`` makes it a switch. *convert* reads the value and raises
    ``argparse.ArgumentTypeError``. One that may be given *many* times gives a list.
    """

    name: str
    help: str
    value: str | None = None
    convert: Callable[[str], object] = str
    many: bool = False


class Grammar:
    """What may stand on the line of a magic, and the help that says so.

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

    def parse_command(self, text: str) -> tuple[argparse.Namespace, str]:
        """Read the options before a command; the command is given as it was written.

        ``--`` ends the options. All that is wrong raises ``UsageError``.
        """
        words = Words(text)
        given: list[str] = []
        while (command := words.rest).startswith("-"):
            word = next(words)
            if word == "--":
                return self._convert(given), words.rest
            given.append(self._option(word, words))
        return self._convert(given), command

    def parse(self, text: str) -> tuple[argparse.Namespace, list[str]]:
        """Read options and other words in any order; a number is never an option.

        After ``--`` no word is an option. All that is wrong raises ``UsageError``.
        """
        words = Words(text)
        given: list[str] = []
        others: list[str] = []
        for word in words:
            if word == "--":
                others += words
            elif word.startswith("-") and not word[1:].isdigit():
                given.append(self._option(word, words))
            else:
                others.append(word)
        return self._convert(given), others

    def find(self, name: str) -> Option:
        """Give the option called *name*; ``UsageError`` if there is none."""
        if name in self.options:
            return self.options[name]
        if not name.startswith("--"):
            raise UsageError(f"no option {name!r}: {self.magic}? shows those there are")
        raise unknown("option", name, self.options)

    def _option(self, word: str, words: Words) -> str:
        """Give an option and its value, taken from *words* if need be, as one word."""
        name, glued, _ = word.partition("=")
        option = self.find(name)
        if glued or option.value is None:
            return word
        value = next(words, None)
        if value is None or value.startswith("--"):
            raise UsageError(f"{name} needs a value: {name} {option.value}")
        return f"{name}={value}"

    def _convert(self, given: list[str]) -> argparse.Namespace:
        return self._parser.parse_args(given)


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are usage errors; it never ends the interpreter."""

    #: From Python 3.14 on help is coloured, but IPython shows a docstring as it is.
    color = False

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong as ``UsageError``."""
        raise UsageError(message.removeprefix("argument "))


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help that is as wide everywhere, however wide the terminal is."""

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
