"""What ``%spawn`` is to run: the words of a line or of a body, or a script."""

from __future__ import annotations

import argparse
import glob
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from IPython.core.error import UsageError

from ipyproc.magics.errors import shown, unknown
from ipyproc.magics.expansion import Expansion, as_text
from ipyproc.magics.options import ASSIGNMENT
from ipyproc.magics.parsing import Word, Words

# An odd number of backslashes ends the line.
_CONTINUED = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")
# The word that stands for the file of --script.
_SCRIPT = "script"


@dataclass(frozen=True, slots=True)
class User:
    """What a line can refer to: the *variables* of the user, and their *expansion*."""

    variables: Mapping[str, object]
    expansion: Expansion


def join_continued(line: str, body: str | None) -> tuple[str, str | None]:
    r"""Join a line that ends in a backslash and the lines of the body it continues in.

    >>> join_continued("--name x \\", "sort\npear\napple\n")
    ('--name x \\\nsort', 'pear\napple\n')
    """
    while body and _CONTINUED.search(line):
        first, newline, body = body.partition("\n")
        line, body = f"{line}\n{first}", body if newline else None
    return line, body


@dataclass(frozen=True, slots=True)
class Command:
    """What to run: the words of a program, or the text of a script for a shell.

    *shown* is the command as it was typed: values of expressions can be secrets.
    *input* is the standard input if the cell has it. *homes* are the indices of words
    that begin with a home directory of the machine that it runs on, and *file_words* of
    those that are the path of the *file* that is to be made there.
    """

    argv: list[str] | str
    shown: str
    input: str | None = None
    homes: tuple[int, ...] = ()
    file: bytes | None = None
    file_words: tuple[int, ...] = ()


def read_command(
    options: argparse.Namespace,
    words: Words,
    body: str | None,
    user: User,
    write_script: Callable[[str], str],
) -> Command:
    """Read what follows the options on the line, and the body of the cell.

    A ``K=V`` at the beginning of a body is added to *options*. *write_script* puts the
    text for --script into a file and returns its path. Input and scripts are expanded
    only with --expand.
    """
    on_line = bool(words.ahead)
    if options.shell:
        script, text = (words.rest, body) if on_line else (body or "", None)
        if not script.strip():
            raise _no_command()
        argv: list[str] | str = _expanded(script, options, user)
        return Command(argv, script, _expanded(text, options, user))
    file = None
    if options.script:
        typed, body = _with_body(words, body)
        code = _expanded(body, options, user)
        if options.on is None:
            path = write_script(code)
        else:
            path, file = f"@{_SCRIPT}", code.encode()
        user = replace(user, variables={**user.variables, _SCRIPT: [path]})
        text = None
    elif body is None or on_line:
        typed, text = [*words], _expanded(body, options, user)
    else:
        typed, text = [*_words_of(body, options, user)], None
    words_of, homes, file_words = _resolve(typed, options, user)
    shown = " ".join(word.source for word in typed)
    return Command(words_of, shown, text, homes, file, file_words)


def _no_command() -> UsageError:
    return UsageError("no command: write a program and its arguments")


_Text = TypeVar("_Text", str, "str | None")


def _expanded(text: _Text, options: argparse.Namespace, user: User) -> _Text:
    """Input or a script, which only --expand expands."""
    return user.expansion.expand(text) if text and options.expand else text


def _words_of(body: str, options: argparse.Namespace, user: User) -> Words:
    """The words of a body that is the command."""
    words = Words(body, user.expansion)
    while ASSIGNMENT.match(words.ahead):
        options.env.append(next(words))
    if words.ahead.startswith("-"):
        option = shown(next(words).source)
        raise UsageError(f"a command begins with its program, not with {option}")
    return words


def _with_body(words: Words, body: str | None) -> tuple[list[Word], str]:
    """The words of a program that runs the body; neither may be missing."""
    found = [*words]
    if body is None:
        raise UsageError("--script needs a body: write the script below the line")
    if not found:
        raise UsageError("no command: write the program that runs the script")
    return found, body


def _resolve(
    words: Sequence[Word], options: argparse.Namespace, user: User
) -> tuple[list[str], tuple[int, ...], tuple[int, ...]]:
    """The arguments that *words* stand for, and which of them the host has to finish.

    Those that begin with a home elsewhere, and those that are a file there.
    """
    _check_lines(words)
    if options.script and all(word.source != f"@{_SCRIPT}" for word in words):
        words = [*words, *Words(f"@{_SCRIPT}")]
    argv: list[str] = []
    homes: list[int] = []
    files: list[int] = []
    for word in words:
        if options.on is not None and options.script and word.source == f"@{_SCRIPT}":
            files.append(len(argv))
        if options.on is not None and word.has_home:
            homes.append(len(argv))
            argv.append(word.there)
        else:
            argv += _arguments(word, user.variables)
    if not argv:
        raise _no_command()
    if options.on is None:
        _tell_hints(words, options.dir)
    return argv, tuple(homes), tuple(files)


def _check_lines(words: Sequence[Word]) -> None:
    """Raise ``UsageError`` if a second command follows the first on another line."""
    begin = words[0].indent if words else None
    for word in words[1:]:
        if begin is None or word.indent is None or word.indent > begin:
            continue
        if word.source.startswith("-"):
            raise UsageError(f"a line begins with {shown(word.source)}: indent it")
        raise UsageError(
            f"{shown(word.source)} begins a second command: "
            "add --shell, or indent the line"
        )


def _tell_hints(words: Sequence[Word], folder: str | None) -> None:
    """Say on standard error what a user may expect to be replaced, and is not."""
    hints = [hint for word in words for hint in word.hints]
    for word in words:
        if word.has_wildcard and _matches(word.text, folder):
            hints.append(
                f"{shown(word.source)} stays as it is: with --shell it is the files"
            )
    for hint in hints:
        print(f"hint: {hint}", file=sys.stderr)


def _matches(pattern: str, folder: str | None) -> bool:
    """Whether a pattern matches files in the directory where the job starts."""
    with suppress(OSError, ValueError, re.error):
        root = os.path.expanduser(folder or ".")
        return any(glob.iglob(pattern, root_dir=root))
    return False


def _arguments(word: Word, variables: Mapping[str, object]) -> Iterator[str]:
    """Replace ``@VAR`` by the words in that variable, and ``@@`` by ``@``.

    What cannot be a variable, such as ``@types/node``, is a word like any other.
    """
    name = word.source.removeprefix("@")
    if word.source.startswith("@@"):
        yield word.text.removeprefix("@")
    elif word.source.startswith("@") and name.isidentifier():
        yield from _words_in(name, variables)
    else:
        yield word.text


def _words_in(name: str, namespace: Mapping[str, object]) -> list[str]:
    if name not in namespace:
        error = unknown("variable", name, namespace)
        raise UsageError(f"{error} (write @@{name} for the word @{name})")
    value = namespace[name]
    if isinstance(value, str):
        return [word.text for word in Words(value)]
    items = value if isinstance(value, list | tuple) else [value]
    return [_text(name, item) for item in items]


def _text(name: str, item: object) -> str:
    text = as_text(item)
    if text is None:
        kind = type(item).__name__
        raise UsageError(f"@{name}: expected a list of words, not of {kind}")
    return text
