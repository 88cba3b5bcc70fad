"""What is searched for in the output of a job that is kept elsewhere, and found."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ipyproc._agent.protocol.frames import Body, Fields, ProtocolError
from ipyproc._jobs.output.find import Expression, Matcher, Words, compiled

#: The most lines of one answer, and the most characters of all of them.
LINES: Final = 20_000
CHARACTERS: Final = 64 << 10


class Wanted(NamedTuple):
    """Lines that match, of a part of a stream that begins with a line.

    The last line of the part need not end there if it is *final*. Of each line that was
    found there are at most *longest* characters.
    """

    matcher: Matcher
    start: int
    end: int
    final: bool
    longest: int = 0
    most: int = LINES


class Found(NamedTuple):
    """Where lines begin, their texts, and how far that goes.

    All was searched up to *at*, where a line begins; *upto* is behind what was looked
    at of that line, which has not ended there.
    """

    lines: list[int]
    texts: list[str]
    at: int
    upto: int


def body_of_wanted(wanted: Wanted) -> Body:
    """Return how that travels."""
    body = {
        "start": wanted.start,
        "end": wanted.end,
        "final": wanted.final,
        "longest": wanted.longest,
        "most": wanted.most,
    }
    match wanted.matcher:
        case Words(text=text):
            return body | {"words": text}
        case Expression(compiled=pattern):
            flags = int(pattern.flags & ~re.DEBUG)
            return body | {"pattern": pattern.pattern, "flags": flags}
    raise TypeError(f"{wanted.matcher!r} does not travel")


def wanted_of(fields: Fields) -> Wanted:
    """Make the same here; ``ValueError`` if its pattern is none."""
    words = fields.optional("words")
    return Wanted(
        Expression(compiled(fields.text("pattern"), fields.number("flags", 0)))
        if words is None
        else Words(words),
        fields.number("start", most=1 << 63),
        fields.number("end", most=1 << 63),
        fields.flag("final"),
        fields.number("longest", 0, most=CHARACTERS + 1),
        fields.number("most", LINES, most=LINES + 1),
    )


def body_of_found(found: Found) -> Body:
    """Return how that travels."""
    return found._asdict()


def found_of(fields: Fields) -> Found:
    """Make the same here."""
    lines, texts = fields.numbers("lines"), fields.texts("texts")
    if len(texts) != len(lines):
        raise ProtocolError("texts: expected one for each line")
    return Found(lines, texts, fields.number("at"), fields.number("upto"))
