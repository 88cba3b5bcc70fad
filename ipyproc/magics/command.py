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

    *input* is the standard input if the cell has it.
    """

    argv: list[str] | str
    input: str | None = None


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
    if body is not None and options.expand:
        body = user.expansion.expand(body)
    if options.script:
        return Command(_with_script(words, body, options, user, write_script))
    on_line = bool(words.ahead)
    if options.shell and on_line:
        script = words.rest
        return Command(
            user.expansion.expand(script) if options.expand else script, body
        )
    if options.shell:
        return Command(_checked(body or ""))
    if body is None or on_line:
        return Command(_resolve([*words], options, user), body)
    return Command(_resolve([*_words_of(body, options, user)], options, user))


def _checked(script: str) -> str:
    if not script.strip():
        raise _no_command()
    return script


def _no_command() -> UsageError:
    return UsageError("no command: write a program and its arguments")


def _words_of(body: str, options: argparse.Namespace, user: User) -> Words:
    """The words of a body that is the command."""
    words = Words(body, user.expansion)
    while ASSIGNMENT.match(words.ahead):
        options.env.append(next(words))
    if words.ahead.startswith("-"):
        option = shown(next(words).source)
        raise UsageError(f"a command begins with its program, not with {option}")
    return words


def _with_script(
    words: Words,
    body: str | None,
    options: argparse.Namespace,
    user: User,
    write_script: Callable[[str], str],
) -> list[str]:
    """The arguments of a program, with the path of a file that has the body."""
    if body is None:
        raise UsageError("--script needs a body: write the script below the line")
    found = [*words]
    if not found:
        raise UsageError("no command: write the program that runs the script")
    if all(word.source != f"@{_SCRIPT}" for word in found):
        found += Words(f"@{_SCRIPT}")
    variables = {**user.variables, _SCRIPT: [write_script(body)]}
    return _resolve(found, options, replace(user, variables=variables))


def _resolve(
    words: Sequence[Word], options: argparse.Namespace, user: User
) -> list[str]:
    """The arguments that *words* stand for."""
    _check_lines(words)
    argv = [text for word in words for text in _arguments(word, user.variables)]
    if not argv:
        raise _no_command()
    _tell_hints(words, options.dir)
    return argv


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
