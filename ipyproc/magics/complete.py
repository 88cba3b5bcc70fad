"""Completing the line of a magic, whatever front end asks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ipyproc.magics import candidates
from ipyproc.magics.candidates import VALUES, Candidate, Namespace, Source
from ipyproc.magics.grammar import Grammar, Option
from ipyproc.magics.help import PROCFIND, PROCKILL, PROCS, PROCWAIT, SPAWN
from ipyproc.magics.parsing import split


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
}
#: The names of the magics whose lines are completed.
NAMES = tuple(_MAGICS)

_LINE = re.compile(rf"""(?:[^%"'#=]*=)?\s*%%?({"|".join(NAMES)})[ \t]+(.*)""", re.S)
_WORD = re.compile(r"""(?:[^\s\\"']|\\.?|"(?:[^"\\]|\\.?)*"?|'[^']*'?)+""", re.S)
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
    syntax, fragment = _MAGICS[line[1]], _last_word(line[2])
    place = _walk(split(line[2].removesuffix(fragment)), syntax)
    name, equals, value = fragment.partition("=")
    option = syntax.grammar.options.get(name)
    if place.options and equals and option:
        place, fragment = _Place(value_of=option), value
    found = _candidates(place, _read(fragment), syntax, namespace)
    written = [Candidate(_write(c.text, fragment), c.kind) for c in found]
    return Completions(fragment, written)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the cursor is: at the value of an option, or where a word begins."""

    value_of: Option | None = None
    options: bool = False
    others: int = 0
    given: frozenset[str] = frozenset()


def _walk(words: list[str], syntax: _Syntax) -> _Place:
    """Find out where a line stands after *words*."""
    value_of: Option | None = None
    options, others, given = True, 0, set()
    for word in words:
        name, equals, _ = word.partition("=")
        option = syntax.grammar.options.get(name)
        if value_of:
            value_of = None
        elif options and option:
            given.add(name)
            value_of = option if option.value and not equals else None
        elif options and word == "--":
            options = False
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


def _last_word(text: str) -> str:
    """Give the word that ends at the end of *text*, as it is written."""
    words = list(_WORD.finditer(text))
    return words[-1][0] if words and words[-1].end() == len(text) else ""


def _read(fragment: str) -> str:
    """Give what a written word means so far; its quotation mark may be open."""
    return re.sub(r"""\\(.)|["']""", lambda part: part[1] or "", fragment)


def _write(word: str, fragment: str) -> str:
    """Write *word* as it must stand on the line, quoted as *fragment* is."""
    mark = fragment[:1]
    if mark == "'" and mark not in word:
        return mark + word + mark * (not word.endswith("/"))
    if mark == '"':
        escaped = re.sub(r'(["\\])', r"\\\1", word)
        return mark + escaped + mark * (not word.endswith("/"))
    return _SPECIAL.sub(lambda part: f"\\{part[0]}", word)
