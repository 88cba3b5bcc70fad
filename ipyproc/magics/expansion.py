"""Expansion of ``{expr}`` and ``$name``: the values of the user's variables as text."""

from __future__ import annotations

import ast
import builtins
import datetime
import numbers
import os
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import CodeType

#: Names that IPython defines for the user.
_IPYTHONS = {"In", "Out", "exit", "quit"}
_NAME = re.compile(r"\$(?:(?P<name>[^\W\d]\w*)|\{(?P<braced>[^\W\d]\w*)\})")
_BARE = re.compile(r"\{([^\W\d]\w*)\}")
_CONVERSION = re.compile(r"!([rsa])\Z")
_CONVERSIONS: dict[str, Callable[[object], str]] = {"r": repr, "s": str, "a": ascii}
#: What a backslash protects between double quotes.
_ESCAPED = re.compile(r'\\(["\\$`])')
# An expression longer than this, or with more braces, is none: each brace is tried.
_LONGEST, _MOST_BRACES = 2000, 24


@dataclass(frozen=True, slots=True)
class Expanded:
    """What stands for a piece of text that ends at *end*.

    *name* is that of a ``$name``. *refusal* says why the piece must not be a word by
    itself, and *hint* why it stays as it was typed.
    """

    text: str
    end: int
    name: str = ""
    refusal: str = ""
    hint: str = ""


class Expansion:
    """Expands expressions and names that use the variables of a user.

    An expression counts if it uses one of them, other than *hidden* ones, and if its
    value is text, bytes, a number, a path, a date or a time. Everything else is text
    and stays as it was typed.

    >>> Expansion({"n": 3}).expand("{n * 7} $n {m} {print} {{n}} ${n}.txt")
    '21 3 {m} {print} {n} 3.txt'
    """

    def __init__(
        self, namespace: Mapping[str, object], hidden: Collection[str] = ()
    ) -> None:
        self._namespace = dict(namespace)
        self._hidden = frozenset(hidden) | _IPYTHONS

    def expand(self, text: str) -> str:
        """Expand all that counts in *text*, where no quotation mark means anything."""
        return "".join(self._pieces(text))

    def read(self, text: str, start: int, *, quoted: bool = False) -> Expanded | None:
        """Read what begins at *start* with ``{`` or ``$``; ``None`` if that is text.

        If it stands between double quotes, *quoted*, an expression can have backslashes
        before its own quotes.
        """
        if text[start] == "$":
            return self._read_name(text, start)
        return self._read_braces(text, start, quoted)

    def _pieces(self, text: str) -> Iterator[str]:
        position = 0
        while position < len(text):
            found = None
            if text[position] in "{$":
                found = self.read(text, position)
            yield found.text if found else text[position]
            position = found.end if found else position + 1

    def _read_name(self, text: str, start: int) -> Expanded | None:
        if text.startswith("$$", start):
            found = self._read_name(text, start + 1)
            if found is None or self._text(found.name) is None:
                return None
            return Expanded(text[start + 1 : found.end], found.end)
        match = _NAME.match(text, start)
        if match is None:
            return None
        name = match["name"] or match["braced"]
        value = self._text(name)
        if value is not None:
            return Expanded(value, match.end(), name)
        return Expanded(match[0], match.end(), name, refusal=self._refusal(name))

    def _read_braces(self, text: str, start: int, quoted: bool) -> Expanded | None:
        doubled = self._read_doubled(text, start, quoted)
        if doubled is not None:
            return doubled
        found = self._read_expression(text, start, quoted)
        bare = _BARE.match(text, start)
        if found is not None or bare is None or text[start - 1 : start] == "{":
            return found
        name = bare[1]
        # Between quotes it is often Python, with f-strings of its own.
        hint = "" if quoted else self._hint(name)
        return Expanded(bare[0], bare.end(), refusal=self._refusal(name), hint=hint)

    def _read_doubled(self, text: str, start: int, quoted: bool) -> Expanded | None:
        """Read ``{{x}}``, which is ``{x}`` where ``{x}`` would be replaced."""
        opening = re.compile(r"\{+").match(text, start)
        count = len(opening[0]) if opening else 0
        if count < 2:
            return None
        inner = start + count - 1
        found = self._read_expression(text, inner, quoted)
        if found is None or not text.startswith("}" * (count - 1), found.end):
            return None
        kept = found.text if count % 2 else text[inner : found.end]
        pairs = (count - 1) // 2
        return Expanded("{" * pairs + kept + "}" * pairs, found.end + count - 1)

    def _read_expression(self, text: str, start: int, quoted: bool) -> Expanded | None:
        for end in _closings(text, start):
            body = text[start + 1 : end]
            parsed = _parse(body)
            if parsed is None and quoted:
                parsed = _parse(_ESCAPED.sub(r"\1", body))
            if parsed is not None:
                value = self._evaluate(parsed)
                return None if value is None else Expanded(value, end + 1)
        return None

    def _evaluate(self, parsed: _Parsed) -> str | None:
        if not any(map(self._is_users, parsed.names)):
            return None
        try:
            value = eval(parsed.code, self._namespace)
            if parsed.conversion:
                value = _CONVERSIONS[parsed.conversion](value)
            text = as_text(value)
            if text is None or not parsed.spec:
                return text
            # A path has no format of its own, and bytes have none for text.
            formatted = value if isinstance(value, _WITH_FORMAT) else text
            return format(formatted, self.expand(parsed.spec))
        except Exception:  # noqa: BLE001 - it was no expression, but text with braces
            return None

    def _text(self, name: str) -> str | None:
        return as_text(self._namespace[name]) if self._is_users(name) else None

    def _is_users(self, name: str) -> bool:
        return (
            name in self._namespace
            and not name.startswith("_")
            and name not in self._hidden
        )

    def _refusal(self, name: str) -> str:
        """Why a word that is only this variable is a mistake; empty if it is not."""
        if not self._is_users(name):
            return ""
        value = self._namespace[name]
        if isinstance(value, list | tuple):
            return f"{name} is a {type(value).__name__}: write @{name}"
        return f"{name} is a {type(value).__name__}, which is no text"

    def _hint(self, name: str) -> str:
        if self._is_users(name):
            kind = type(self._namespace[name]).__name__
            return f"{{{name}}} stays as it is: it is a {kind}"
        if name in self._hidden or hasattr(builtins, name):
            return ""
        near = get_close_matches(name, filter(self._is_users, self._namespace), n=1)
        meant = f"; did you mean {{{near[0]}}}?" if near else ""
        return f"{{{name}}} stays as it is: there is no variable {name!r}{meant}"


_WITH_FORMAT = (str, numbers.Number, datetime.date, datetime.time, datetime.timedelta)


def as_text(value: object) -> str | None:
    """The text that a value is on a command line; ``None`` if it is no such value.

    >>> as_text(3), as_text(b"a"), as_text([3])
    ('3', 'a', None)
    """
    if isinstance(value, _WITH_FORMAT):
        return str(value)
    if isinstance(value, bytes | os.PathLike):
        return os.fsdecode(value)
    return None


@dataclass(frozen=True, slots=True)
class _Parsed:
    """An expression, the names that it uses, and how its value is formatted."""

    code: CodeType
    names: frozenset[str]
    conversion: str = ""
    spec: str = ""


def _closings(text: str, start: int) -> Iterator[int]:
    """Where an expression that begins with the brace at *start* can end."""
    line_end = text.find("\n", start)
    limit = min(len(text) if line_end < 0 else line_end, start + _LONGEST)
    end = start
    for _ in range(_MOST_BRACES):
        end = text.find("}", end + 1, limit)
        if end < 0:
            return
        yield end


def _parse(body: str) -> _Parsed | None:
    """Read what stands between two braces as an f-string does."""
    for source, format_spec in _splits(body):
        if format_spec.count("{") != format_spec.count("}"):
            continue
        conversion = _CONVERSION.search(source)
        if conversion:
            source = source[: conversion.start()]
        compiled = _compile(source)
        if compiled is not None:
            code, names = compiled
            kind = conversion[1] if conversion else ""
            return _Parsed(code, names, kind, format_spec)
    return None


def _splits(body: str) -> Iterator[tuple[str, str]]:
    """All ways in which *body* can be an expression, a colon and a format."""
    yield body, ""
    for colon in re.finditer(":", body):
        yield body[: colon.start()], body[colon.end() :]


def _compile(source: str) -> tuple[CodeType, frozenset[str]] | None:
    if not source.strip():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "is" with a literal, a bad escape, ...
        try:
            tree = ast.parse(source.strip(), mode="eval")
            code = compile(tree, "<expression>", "eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return None
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    return code, frozenset(node.id for node in names) - bound
