"""What the kernel and the front end's extension, which writes the file, say.

It is part of the page's ``protocol.ts``, as `protocol` is.
"""

from __future__ import annotations

from typing import Literal, TypedDict


class Here(TypedDict):
    """Asks the pages to say which views their notebooks have."""

    kind: Literal["here"]


class Picture(TypedDict):
    """What an output is to be; *ran*: the client that ran it; *asks*: say ``heard``."""

    kind: Literal["picture"]
    token: str
    data: dict[str, str]
    final: bool
    ran: str
    asks: bool


class Unknown(TypedDict):
    """Of what a page has, these views are of another kernel: it has ended."""

    kind: Literal["unknown"]
    tokens: list[str]


class Running(TypedDict):
    """So many jobs of the kernel run."""

    kind: Literal["running"]
    count: int


class Hello(TypedDict):
    """The page has a notebook with these views, and can write it."""

    action: Literal["hello"]
    tokens: list[str]


class Heard(TypedDict):
    """The page hears the kernel."""

    action: Literal["heard"]


FromPageToFile = Hello | Heard
FromKernelToFile = Here | Picture | Unknown | Running
