"""Starting the job that the line and the body of ``%spawn`` describe."""

from __future__ import annotations

import argparse
import glob
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from errno import EINVAL
from pathlib import Path

from IPython.core.error import UsageError

from ipyproc._jobs.job import Job
from ipyproc._jobs.request import PIPE, Source
from ipyproc._text import errno_text
from ipyproc.attr import SysProcAttr
from ipyproc.magics.errors import one_line, unknown
from ipyproc.magics.expansion import Expansion, as_text
from ipyproc.magics.options import ASSIGNMENT
from ipyproc.magics.parsing import Part, Word, Words
from ipyproc.session import spawn

# An odd number of backslashes ends the line.
_CONTINUED = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")
# A home directory at the beginning of a value, as in a shell's assignment, and later.
_HOME = re.compile(r"(?:^|(?<=:))~[^/:]*")
_LATER_HOME = re.compile(r"(?<=:)~[^/:]*")
# Options that exclude each other, and why.
_EXCLUSIVE = {
    ("stdin", "no_stdin"): "there is one standard input",
    ("body", "no_stdin"): "the body of the cell is the standard input",
    ("body", "stdin"): "the body of the cell is the standard input",
    ("out", "stdout"): "what goes to a file is not captured",
    ("err", "stderr"): "what goes to a file is not captured",
    ("err", "merge"): "standard error goes to standard output",
    ("stderr", "merge"): "standard error goes to standard output",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a job: seconds between SIGTERM and SIGKILL, and bytes of output."""

    grace: float
    memory: int
    output: int


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


def start(
    options: argparse.Namespace,
    command: Words,
    body: str | None,
    user: User,
    limits: Limits,
) -> Job:
    """Start the job that the line and the body of a cell describe.

    *command* is what follows the options on the line. Raises ``UsageError`` for a
    mistake, and the ``OSError`` of the system, shown as one line, for what the system
    refuses; then nothing was started.
    """
    if body is not None and not command.ahead:
        command, body = _command_in(body, options, user), None
    _exclude({**vars(options), "body": body})
    argv = command.rest if options.shell else _resolve(command, options, user)
    if not argv or (options.shell and not command.ahead):
        raise UsageError("no command: write a program and its arguments")
    try:
        return spawn(
            argv,
            name=options.name,
            dir=options.dir,
            env=_environment(options.env, options.clear_env),
            clear_env=options.clear_env,
            stdin=_stdin(options) if body is None else body,
            stdout=_file(options.stdout),
            stderr=_file(options.stderr),
            merge=options.merge,
            shell=options.shell,
            timeout=options.timeout,
            detach=options.detach,
            sys=_system(options),
            grace=limits.grace,
            memory_limit=limits.memory,
            output_limit=limits.output,
        )
    except OSError as error:
        raise one_line(error) from None
    except ValueError as error:
        raise UsageError(_explained(error)) from None


def _command_in(body: str, options: argparse.Namespace, user: User) -> Words:
    """The command that a body is; for a shell it is a script as it stands there."""
    if options.shell:
        return Words(body)
    words = Words(body, user.expansion)
    while ASSIGNMENT.match(words.ahead):
        options.env.append(next(words))
    if words.ahead.startswith("-"):
        option = next(words).source
        raise UsageError(f"a command begins with its program, not with {option}")
    return words


def _resolve(
    words: Iterable[Word], options: argparse.Namespace, user: User
) -> list[str]:
    """The arguments that *words* stand for."""
    found = list(words)
    _check_lines(found)
    argv = [text for word in found for text in _arguments(word, user.variables)]
    _tell_hints(found, options.dir)
    return argv


def _check_lines(words: Sequence[Word]) -> None:
    """Raise ``UsageError`` if a second command follows the first on another line."""
    begin = words[0].indent if words else None
    for word in words[1:]:
        if begin is None or word.indent is None or word.indent > begin:
            continue
        if word.source.startswith("-"):
            raise UsageError(f"a line begins with {word.source}: indent it")
        raise UsageError(
            f"{word.source} begins a second command: add --shell, or indent the line"
        )


def _tell_hints(words: Sequence[Word], folder: str | None) -> None:
    """Say on standard error what a user may expect to be replaced, and is not."""
    hints = [hint for word in words for hint in word.hints]
    for word in words:
        if word.has_wildcard and _matches(word.text, folder):
            hints.append(f"{word.source} stays as it is: with --shell it is the files")
    for hint in hints:
        print(f"hint: {hint}", file=sys.stderr)


def _matches(pattern: str, folder: str | None) -> bool:
    """Whether a pattern matches files in the directory where the job starts."""
    root = os.path.expanduser(folder or ".")
    with suppress(OSError, ValueError, re.error):
        return any(glob.iglob(pattern, root_dir=root))
    return False


def _environment(words: Iterable[Word], clear: bool) -> dict[str, str]:
    """The variables that ``K=V`` words set; ``$K`` in a value is the job's own."""
    known = {} if clear else dict(os.environ)
    added = {}
    for word in words:
        key, *_ = word.text.partition("=")
        value = word.removeprefix(f"{key}=")
        added[key] = known[key] = "".join(_values(value.parts, known))
    return added


def _values(parts: Iterable[Part], known: Mapping[str, str]) -> Iterator[str]:
    begins = True
    for part in parts:
        if part.is_literal and not part.name:
            pattern = _HOME if begins else _LATER_HOME
            yield pattern.sub(lambda found: os.path.expanduser(found[0]), part.text)
        else:
            yield known.get(part.name, part.text)
        begins = False


def _arguments(word: Word, variables: Mapping[str, object]) -> Iterator[str]:
    """Replace ``@VAR`` by the words in that variable, and ``@@`` by ``@``.

    What cannot be a variable, such as ``@types/node``, is a word like any other.
    """
    name = word.source.removeprefix("@")
    if word.source.startswith("@@"):
        yield word.text.removeprefix("@")
    elif word.source.startswith("@") and name.isidentifier():
        yield from _listed(name, variables)
    else:
        yield word.text


def _listed(name: str, namespace: Mapping[str, object]) -> list[str]:
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


def _exclude(given: Mapping[str, object]) -> None:
    for names, why in _EXCLUSIVE.items():
        if all(given[name] for name in names):
            options = (f"--{n.replace('_', '-')}" for n in names if n != "body")
            raise UsageError(f"leave out {' or '.join(options)}: {why}")


def _stdin(options: argparse.Namespace) -> Source:
    return None if options.no_stdin else _file(options.stdin) or PIPE


def _file(path: str | None) -> Path | None:
    return None if path is None else Path(os.path.expanduser(path))


def _system(options: argparse.Namespace) -> SysProcAttr | None:
    """The attributes of a job that another user runs; it leads a session as all do."""
    if options.user is None:
        return None
    return SysProcAttr(setsid=True, credential=options.user)


def _explained(error: ValueError) -> str:
    nul = "NUL" in str(error)
    return f"{error}: {errno_text(EINVAL)}" if nul else str(error)
