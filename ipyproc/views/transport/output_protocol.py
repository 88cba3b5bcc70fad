"""What a page and the kernel say to each other about what a job printed.

See `protocol`. Offsets count both streams of a job in order of arrival.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

#: Which stream printed how many of the bytes that come along, in order.
Streams = list[tuple[str, int]]


# --- synced trait


class Tail(TypedDict):
    """``tail`` of a job's pane: the last of the output, from *offset* on."""

    offset: int
    streams: Streams
    data: bytes


# --- from the page


class Ready(TypedDict):
    """The page has all output up to *have*; ``begin`` says where it goes on.

    *terminal*: it feeds the output to a terminal.
    """

    action: Literal["ready"]
    page: str
    have: int | None
    seq: int
    terminal: NotRequired[bool]


class Ack(TypedDict):
    """The page has drawn all up to *offset*."""

    action: Literal["ack"]
    page: str
    offset: int


class Save(TypedDict):
    """The page wants what was captured from *offset* on.

    Or, with another *format* than ``txt``, what is made of it.
    """

    action: Literal["save"]
    page: str
    offset: int
    format: NotRequired[Literal["txt", "html", "cast"]]


class Read(TypedDict):
    """The page wants whole lines from *offset* on, or those *before* it."""

    action: Literal["read"]
    page: str
    seq: int
    offset: int
    before: bool
    times: bool


class Find(TypedDict):
    """The page looks for lines, and wants the first *lines* of them from *index* on.

    *text* is found in capitals or not; with *regex* it is a regular expression.
    """

    action: Literal["find"]
    page: str
    seq: int
    text: str
    regex: bool
    index: int
    lines: int


# --- from the kernel


class Begin(TypedDict):
    """Answers ``ready``: the output goes on at *offset*; *clock* is the kernel's.

    With *streams* the bytes draw a new screen as it is there; a terminal shows *above*
    lines more, and *before* bytes were not looked at. To a terminal of the page *modes*
    are escapes that bring it into the state that it has there, and up to *quiet* it
    must not answer: what was asked then, is not asked now.
    """

    kind: Literal["begin"]
    page: str
    seq: int | None
    clock: float
    offset: int
    streams: NotRequired[Streams]
    above: NotRequired[int]
    before: NotRequired[int]
    modes: NotRequired[str]
    quiet: NotRequired[int]


class Output(TypedDict):
    """Bytes from *offset* on for *pages*, which have all up to *after*.

    If something between is left out, *modes* are for a terminal, as in ``begin``.
    """

    kind: Literal["output"]
    pages: list[str]
    after: int
    offset: int
    streams: Streams
    modes: NotRequired[str]


class Saved(TypedDict):
    """Answers ``save``: *size* bytes from *offset* on, of *total*, deflated."""

    kind: Literal["saved"]
    page: str
    after: int
    offset: int
    size: int
    total: int


class Piece(TypedDict):
    """Answers ``read``: lines from *offset* on, of *total* bytes.

    *times* has for each when it came, in seconds since the start.
    """

    kind: Literal["piece"]
    page: str
    seq: int
    offset: int
    total: int
    streams: Streams
    times: NotRequired[list[float]]


class Found(TypedDict):
    """Answers ``find``, again and again until it is *over*: *count* lines match so far.

    *lines* are offset and text of those that are asked for.
    """

    kind: Literal["found"]
    page: str
    seq: int
    count: int
    over: bool
    index: int
    lines: list[tuple[int, str]]
    error: str
