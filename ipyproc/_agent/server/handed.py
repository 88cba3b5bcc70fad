"""Open files that a client hands over for a job that it starts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from ipyproc._agent.protocol.frames import Fields
from ipyproc._jobs.request import STREAMS, Request


class Bearer(Protocol):
    """A connection on which open files may have come."""

    @property
    def handed(self) -> str:
        """The word for them; empty if there are none."""

    @property
    def files(self) -> list[int]:
        """Their descriptors, which are closed with the connection."""


def with_files(request: Request, kept: Fields, bearers: Iterable[Bearer]) -> Request:
    """Return *request* with the open files that *kept* names, for its start only.

    ``ConnectionError`` if their connection has ended.
    """
    handed = kept.fields("handed")
    if not handed.body:
        return request
    word = handed.text("word")
    for bearer in bearers:
        if bearer.handed == word:
            files, names = bearer.files, [n for n in STREAMS if n in handed.body]
            given = {n: files[handed.number(n, most=len(files))] for n in names}
            return replace(request, **given)  # type: ignore[arg-type]
    raise ConnectionError("its open files did not arrive")
