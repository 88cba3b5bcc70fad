"""Starting the job that the line and the body of ``%spawn`` describe."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from errno import EINVAL
from pathlib import Path

from IPython.core.error import UsageError
from IPython.utils.text import DollarFormatter

from ipyproc._jobs.job import Job
from ipyproc._jobs.request import PIPE, Source
from ipyproc._text import errno_text
from ipyproc.attr import SysProcAttr
from ipyproc.magics.errors import one_line, unknown
from ipyproc.magics.parsing import Word, Words
from ipyproc.session import spawn

# A private-use character, which nobody types.
_NEWLINE = "\uf8ff"
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


def start(
    options: argparse.Namespace,
    command: Words,
    body: str | None,
    namespace: dict[str, object],
    limits: Limits,
) -> Job:
    """Start the job that the line and the body of a cell describe.

    *command* is what follows the options on the line. Raises ``UsageError`` for a
    mistake, and the ``OSError`` of the system, shown as one line, for what the system
    refuses; then nothing was started.
    """
    if body is not None and not command.rest:
        text = body if options.shell else _expand(body, namespace)
        command, body = Words(text), None
    _exclude({**vars(options), "body": body})
    argv = command.rest if options.shell else _resolve(command, namespace)
    if not argv:
        raise UsageError("no command: write a program and its arguments")
    try:
        return spawn(
            argv,
            name=options.name,
            dir=options.dir,
            env=dict(options.env or ()),
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


def _expand(text: str, namespace: dict[str, object]) -> str:
    """Expand ``{expr}`` and ``$var`` as IPython does on the line of a magic."""
    # IPython's formatter drops what precedes a newline.
    line = text.replace("\n", _NEWLINE)
    try:
        expanded = DollarFormatter().vformat(line, [], namespace)
    except Exception:  # noqa: BLE001 - IPython then leaves the line alone, as we do
        return text
    return str(expanded).replace(_NEWLINE, "\n")


def _resolve(words: Iterable[Word], namespace: Mapping[str, object]) -> list[str]:
    """The arguments that *words* stand for."""
    return [text for word in words for text in _arguments(word.text, namespace)]


def _arguments(word: str, namespace: Mapping[str, object]) -> Iterator[str]:
    """Replace ``@VAR`` by the words in that variable, and ``@@`` by ``@``.

    What cannot be a variable, such as ``@types/node``, is a word like any other.
    """
    name = word.removeprefix("@")
    if word.startswith("@@"):
        yield name
    elif word.startswith("@") and name.isidentifier():
        yield from _listed(name, namespace)
    else:
        yield word


def _listed(name: str, namespace: Mapping[str, object]) -> list[str]:
    if name not in namespace:
        error = unknown("variable", name, namespace)
        raise UsageError(f"{error} (write @@{name} for the word @{name})")
    value = namespace[name]
    items = value if isinstance(value, list | tuple) else [value]
    for item in items:
        if not isinstance(item, str | bytes | int | float | os.PathLike):
            kind = type(item).__name__
            raise UsageError(f"@{name}: expected a list of words, not of {kind}")
    return [_text(item) for item in items]


def _text(item: object) -> str:
    return os.fsdecode(item) if isinstance(item, bytes | os.PathLike) else str(item)


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
