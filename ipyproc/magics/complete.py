"""Completion of the magics' lines, and how IPython asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from IPython.core import completer

from ipyproc.magics import candidates
from ipyproc.magics.candidates import VALUES, Candidate, Namespace, Source
from ipyproc.magics.help import (
    PROCATTACH,
    PROCFIND,
    PROCKILL,
    PROCS,
    PROCWAIT,
    SPAWN,
)
from ipyproc.magics.options import ASSIGNMENT, Grammar, Option
from ipyproc.magics.parsing import Word, Words

Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Syntax:
    """What follows the options of a magic; after a *program* there are no more."""

    grammar: Grammar
    words: Source
    program: bool = False


_MAGICS = {
    "spawn": _Syntax(SPAWN, candidates.programs, program=True),
    "procwait": _Syntax(PROCWAIT, candidates.all_jobs),
    "prockill": _Syntax(PROCKILL, candidates.running_jobs),
    "procs": _Syntax(PROCS, candidates.nothing),
    "procfind": _Syntax(PROCFIND, candidates.pids),
    "procattach": _Syntax(PROCATTACH, candidates.detached_jobs),
}
#: The names of the magics whose lines are completed.
NAMES = tuple(_MAGICS)

_LINE = re.compile(rf"""(?:[^%"'#=]*=)?\s*%%?({"|".join(NAMES)})[ \t]+(.*)""", re.S)
_SPECIAL = re.compile(r"""[\s\\"']""")


@dataclass(frozen=True, slots=True)
class Completions:
    """What may replace *fragment*, the last characters before the cursor."""

    fragment: str
    candidates: list[Candidate]


def complete(before: str, namespace: Namespace) -> Completions | None:
    """Complete the line that begins with *before*, up to the cursor.

    ``None`` if it is not the line of one of our magics. Nothing is evaluated.
    """
    line = _LINE.fullmatch(before)
    if line is None:
        return None
    syntax, words = _MAGICS[line[1]], [*Words(line[2], partial=True)]
    last = words.pop() if words and line[2].endswith(words[-1].source) else None
    place = _walk(words, syntax)
    fragment, prefix = (last.source, last.text) if last else ("", "")
    name, equals, value = fragment.partition("=")
    option = syntax.grammar.options.get(name)
    if place.options and equals and option:
        place, fragment = _Place(value_of=option), value
        prefix = prefix.partition("=")[2]
    found = _candidates(place, prefix, syntax, namespace)
    written = [Candidate(_write(c.text, fragment), c.kind) for c in found]
    return Completions(fragment, written)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the cursor is: at the value of an option, or where a word begins."""

    value_of: Option | None = None
    options: bool = False
    others: int = 0
    given: frozenset[str] = frozenset()


def _walk(words: Iterable[Word], syntax: _Syntax) -> _Place:
    """The place that follows *words*."""
    value_of: Option | None = None
    options, others, given = True, 0, set()
    for word in words:
        name, equals, _ = word.text.partition("=")
        option = syntax.grammar.options.get(name)
        if value_of:
            value_of = None
        elif options and option:
            given.add(name)
            value_of = option if option.value and not equals else None
        elif options and word.text == "--":
            options = False
        elif syntax.program and not others and ASSIGNMENT.match(word.source):
            continue  # it sets a variable, and the program is still to come
        else:
            others += 1
            options = options and not syntax.program
    return _Place(value_of, options, others, frozenset(given))


def _candidates(
    place: _Place, prefix: str, syntax: _Syntax, namespace: Namespace
) -> list[Candidate]:
    if place.value_of:
        source = VALUES.get(str(place.value_of.value), candidates.nothing)
        return list(source(prefix, namespace))
    options = []
    if place.options and (not prefix or prefix.startswith("-")):
        options = [
            Candidate(name, "option")
            for name, option in syntax.grammar.options.items()
            if name.startswith(prefix) and (option.many or name not in place.given)
        ]
    source = candidates.arguments if syntax.program and place.others else syntax.words
    words = list(source(prefix, namespace))
    # There are thousands of programs, but few jobs.
    return options + words if syntax.program else words + options


def _write(word: str, fragment: str) -> str:
    """How *word* is written on the line, quoted as *fragment* is."""
    mark = fragment[:1]
    if mark == "'" and mark not in word:
        return mark + word + mark * (not word.endswith("/"))
    if mark == '"':
        escaped = re.sub(r'(["\\])', r"\\\1", word)
        return mark + escaped + mark * (not word.endswith("/"))
    return _SPECIAL.sub(lambda part: f"\\{part[0]}", word)


def install(ip: Any) -> Undo:
    """Make *ip* complete the lines of our magics; the function returned undoes it.

    IPython asks matchers from version 8.6 on, and before that a hook. Neither way is
    documented as a whole: ``Completer.custom_matchers`` and ``strdispatchers`` are used
    here and nowhere else.
    """
    if hasattr(completer, "context_matcher"):
        return _install_matcher(ip)
    return _install_hook(ip)


def _install_matcher(ip: Any) -> Undo:
    @completer.context_matcher(identifier="ipyproc", priority=1000)
    def match(context: Any) -> dict[str, Any]:
        found = complete(context.text_until_cursor, ip.user_ns)
        found = found or Completions(context.token, [])
        return {
            "completions": [
                completer.SimpleCompletion(c.text, type=c.kind)
                for c in found.candidates
            ],
            "matched_fragment": found.fragment,
            "suppress": bool(found.candidates),
            "ordered": True,
        }

    matchers = ip.Completer.custom_matchers
    matchers.append(match)
    return lambda: matchers.remove(match)


def _install_hook(ip: Any) -> Undo:
    def hook(_: object, event: SimpleNamespace) -> list[str]:
        found = complete(event.text_until_cursor, ip.user_ns)
        return _from_symbol(found, event.symbol) if found else []

    for key in _KEYS:
        ip.set_hook("complete_command", hook, str_key=key)
    return lambda: _remove_hook(ip, hook)


_KEYS = [mark + name for name in NAMES for mark in ("%", "%%")]


def _from_symbol(found: Completions, symbol: str) -> list[str]:
    """The candidates for *symbol*: IPython 7 replaces only the end of a word."""
    if not found.fragment.endswith(symbol):
        return []
    done = found.fragment.removesuffix(symbol)
    texts = [candidate.text for candidate in found.candidates]
    return [text.removeprefix(done) for text in texts if text.startswith(done)]


def _remove_hook(ip: Any, hook: object) -> None:
    table = ip.strdispatchers["complete_command"].strs
    for key in _KEYS:
        chain = table[key].chain
        chain[:] = [entry for entry in chain if entry[1].__func__ is not hook]
        if not chain:
            del table[key]
