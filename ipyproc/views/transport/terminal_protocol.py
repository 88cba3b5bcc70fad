"""What a page with a terminal and the kernel say to each other, besides output.

It is part of the page's ``protocol.ts``, as `protocol` is.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

#: A terminal's size: rows and columns.
Size = tuple[int, int]


class Library(TypedDict):
    """The page has *have* bytes of a library, and wants the others.

    Without a *name* it is the terminal's.
    """

    action: Literal["library"]
    page: str
    have: int
    name: NotRequired[Literal["terminal", "reader"]]


class Keys(TypedDict):
    """What was typed; or what the terminal itself *answers* to the program."""

    action: Literal["keys"]
    page: str
    seq: int
    answers: bool
    text: str


class Fits(TypedDict):
    """So much fits into the page's terminal; *focused*: it has the keyboard."""

    action: Literal["fits"]
    page: str
    seq: int
    rows: int
    columns: int
    focused: bool


class Part(TypedDict):
    """Bytes of a library from *offset* on, of *total*."""

    kind: Literal["part"]
    page: str
    offset: int
    total: int
    name: NotRequired[Literal["terminal", "reader"]]
