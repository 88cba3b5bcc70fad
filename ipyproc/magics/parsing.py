"""Splitting a line into words, as a shell does it, and expanding them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from IPython.core.error import UsageError

from ipyproc.magics.errors import shown
from ipyproc.magics.expansion import Expansion

_BLANK = " \t\r\n"
_BARE = re.compile(r"""[^ \t\r\n\\'"{$]+""")
_IN_DOUBLE = re.compile(r'[^"\\{$]+')
#: What a backslash takes the meaning from between double quotes.
_ESCAPABLE = {'"', "\\", "$", "`"}
# What only a shell gives a meaning.
_OPERATORS = tuple("|&;")
_REDIRECTION = re.compile(r"\d?[<>]")
_SUBSTITUTION = re.compile(r"\$\(|`")
_WILDCARD = re.compile(r"[*?]|\[[^\]]+\]")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a word that is quoted in one way, or the value of an expression.

    *quote* is ``'``, ``"``, a backslash, or empty for what is not quoted. *name* is the
    name in a ``$name``, whether or not it is a variable of the user. *home* is what was
    typed if the text begins with a home directory.
    """

    text: str
    quote: str = ""
    expanded: bool = False
    name: str = ""
    home: str = ""
    refusal: str = ""
    hint: str = ""

    @property
    def is_literal(self) -> bool:
        """Whether the user typed the text as it is, without quotes."""
        return not self.quote and not self.expanded


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a line: what it means, in parts, and how it was written.

    *indent* counts the blanks before the first word of a line; other words have none.
    """

    parts: tuple[Part, ...]
    source: str
    indent: int | None = None

    @property
    def text(self) -> str:
        """What the word means."""
        return "".join(part.text for part in self.parts)

    @property
    def there(self) -> str:
        """What the word means on another machine, whose home directories differ."""
        first, *others = self.parts
        return "".join([first.home or first.text, *(part.text for part in others)])

    @property
    def has_home(self) -> bool:
        """Whether it begins with a home directory."""
        return bool(self.parts and self.parts[0].home)

    @property
    def hints(self) -> list[str]:
        """Why parts of the word stay as they were typed, where that may surprise."""
        return [part.hint for part in self.parts if part.hint]

    @property
    def has_wildcard(self) -> bool:
        """Whether a shell would replace the word by the files that match it."""
        return any(p.is_literal and _WILDCARD.search(p.text) for p in self.parts)

    def removeprefix(self, prefix: str) -> Word:
        """The word without a *prefix* that its text has."""
        parts = []
        left = len(prefix)
        for part in self.parts:
            cut = min(left, len(part.text))
            left -= cut
            kept = (
                replace(part, text=part.text[cut:], name="", home="") if cut else part
            )
            if kept.text or not cut:
                parts.append(kept)
        return Word(tuple(parts), self.source.removeprefix(prefix), self.indent)


class Words(Iterator[Word]):
    r"""The words of a text one by one, and the rest of it as it was written.

    Quotation marks, backslashes, ``~`` and ``#`` mean what they do in a shell, and a
    newline separates words as a space does. What a shell would run, such as a pipe, is
    a ``UsageError``. An *expansion* replaces expressions; its values are never split.

    A *partial* text is what stands before a cursor: it can end within a word, and
    nothing in it is replaced or refused.

    >>> words = Words("--name 'my job' echo 'a  b' # and so on")
    >>> next(words).text, next(words).text, words.rest
    ('--name', 'my job', "echo 'a  b' # and so on")
    >>> [word.text for word in words]
    ['echo', 'a  b']
    """

    def __init__(
        self, text: str, expansion: Expansion | None = None, *, partial: bool = False
    ) -> None:
        self._text = text
        self._expansion = expansion
        self._partial = partial
        self._position = 0

    @property
    def rest(self) -> str:
        """What follows the words that were taken, with its quotation marks."""
        return self._text[self._position :].strip()

    @property
    def ahead(self) -> str:
        """The text from the next word on; empty if no word follows."""
        position = self._position
        self._skip_blanks()
        ahead = self._text[self._position :]
        self._position = position
        return ahead

    def __next__(self) -> Word:
        indent = self._skip_blanks()
        if not self._char:
            raise StopIteration
        start = self._position
        parts: list[Part] = []
        while self._char not in {"", *_BLANK}:
            _append(parts, self._read_part())
        source = self._text[start : self._position]
        if not self._partial:
            _check(parts, source)
            _replace_home(parts)
        return Word(tuple(parts), source, indent)

    @property
    def _char(self) -> str:
        return self._text[self._position : self._position + 1]

    def _skip_blanks(self) -> int | None:
        """Skip to the next word; return its indent if it is the first on a line."""
        line = 0 if self._position == 0 else None
        while char := self._char:
            if char == "#":
                end = self._text.find("\n", self._position)
                self._position = len(self._text) if end < 0 else end
            elif self._text.startswith("\\\n", self._position):
                self._position += 2
            elif char in _BLANK:
                self._position += 1
                line = self._position if char == "\n" else line
            else:
                break
        return None if line is None else self._position - line

    def _read_part(self) -> Iterator[Part]:
        if self._char == "\\":
            yield from self._read_escaped()
        elif self._char == "'":
            yield self._read_single()
        elif self._char == '"':
            yield from self._read_double()
        else:
            yield self._read_expanded("") or Part(self._take(_BARE))

    def _read_escaped(self) -> Iterator[Part]:
        self._position += 1
        char = self._char
        if not char and not self._partial:
            raise self._error("a backslash ends the line")
        self._position += 1
        if char != "\n":  # the two continue the line
            yield Part(char + self._brace_after(char), "\\")

    def _read_single(self) -> Part:
        start = self._position + 1
        end = self._text.find("'", start)
        if end < 0:
            end = self._end_of_open()
        self._position = end + 1
        return Part(self._text[start:end], "'")

    def _read_double(self) -> Iterator[Part]:
        self._position += 1
        if self._char == '"':
            yield Part("", '"')
        while self._char != '"':
            if not self._char:
                self._end_of_open()
                break
            if self._char == "\\":
                yield Part(self._read_backslash(), '"')
            else:
                yield self._read_expanded('"') or Part(self._take(_IN_DOUBLE), '"')
        self._position += 1

    def _read_backslash(self) -> str:
        """What a backslash and the next character mean between double quotes."""
        char = self._text[self._position + 1 : self._position + 2]
        self._position += 1 + len(char)
        if char == "\n":
            return ""
        escaped = char if char in _ESCAPABLE else "\\" + char
        return escaped + self._brace_after(char)

    def _brace_after(self, escaped: str) -> str:
        """The brace of an escaped ``${name}``: it begins no expression."""
        if escaped != "$" or self._char != "{":
            return ""
        self._position += 1
        return "{"

    def _read_expanded(self, quote: str) -> Part | None:
        """Read an expression, or the brace or dollar that begins none."""
        if self._char not in {"{", "$"}:
            return None
        start = self._position
        found = None
        if self._expansion:
            found = self._expansion.read(self._text, start, quoted=bool(quote))
        if found is None:
            self._position += 1
            return Part(self._text[start], quote)
        self._position = found.end
        typed = self._text[start : found.end]
        # A name that stays as it was typed is text like any other.
        expanded = found.text != typed
        return Part(
            found.text,
            quote,
            expanded,
            found.name,
            refusal=found.refusal,
            hint=found.hint,
        )

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
        return UsageError(f"{reason}: {shown(self._text)}")


def _append(parts: list[Part], found: Iterable[Part]) -> None:
    """Add parts to those of a word; plain text of one quoting is one part."""
    for part in found:
        last = parts[-1] if parts else None
        plain = Part(part.text, part.quote) == part
        if last and plain and last == Part(last.text, part.quote):
            parts[-1] = Part(last.text + part.text, part.quote)
        else:
            parts.append(part)


def _check(parts: Sequence[Part], source: str) -> None:
    """Raise ``UsageError`` for a word that has no meaning without a shell."""
    if len(parts) == 1 and parts[0].refusal:
        raise UsageError(parts[0].refusal)
    literal = [part.text if part.is_literal else "" for part in parts]
    redirects = _REDIRECTION.match(literal[0])
    if not (
        redirects
        or literal[0].startswith(_OPERATORS)
        or literal[-1].endswith(_OPERATORS)
        or any(map(_SUBSTITUTION.search, literal))
    ):
        return
    instead = "use --stdin, --stdout or --stderr, " if redirects else ""
    quoted = "\\;" if source == ";" else shlex.quote(shown(source))
    raise UsageError(
        f"no shell runs, so {shown(source)} means nothing: {instead}add --shell, "
        f"or write {quoted} for the word"
    )


def _replace_home(parts: list[Part]) -> None:
    """Replace ``~`` or ``~user`` at the beginning of a word that is not quoted."""
    user, slash, _ = parts[0].text.partition("/")
    if parts[0].is_literal and user[:1] == "~" and (slash or len(parts) == 1):
        text = home(user) + parts[0].text[len(user) :]
        parts[0] = replace(parts[0], text=text, home=parts[0].text)


def home(user: str) -> str:
    """The home directory that ``~`` or ``~user`` stands for, or *user* as it is."""
    try:
        return os.path.expanduser(user)
    except ValueError:  # a NUL byte
        return user
