"""Waiting for a far job to be ready: the agent looks, and answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Generic, TypeVar

from ipyproc._agent.protocol.asked import Answer
from ipyproc._agent.protocol.errors import error_of
from ipyproc._agent.protocol.frames import Body, Fields
from ipyproc._agent.protocol.kinds import STREAMS, Kind
from ipyproc._agent.remote.link import Link
from ipyproc._jobs.io.timers import Once

_Found = TypeVar("_Found")
# The job has ended, and the agent may still look at the last that it printed.
_NAP: Final = 0.05


class FarCheck(Generic[_Found]):
    """What is waited for; *read* makes it of the agent's answer.

    An answer overtakes output: it counts once *arrived* says of the offsets in it that
    what was printed by then is here.
    """

    def __init__(
        self,
        link: Link,
        kind: Kind,
        body: Body,
        read: Callable[[Fields], _Found],
        arrived: Callable[[list[int]], bool],
        changed: Callable[[], None],
        missed: Callable[[float], str],
    ) -> None:
        self.pause: float | None = None
        self.is_behind = False
        self._link = link
        self._kind = kind
        self._body = body
        self._read = read
        self._arrived = arrived
        self._changed = changed
        self._missed = missed
        self._numbers: list[int] = []
        self._answer: Answer | None = None
        self._answered = Once()
        self._is_asked = False

    def look(self, over: bool) -> _Found | None:
        """Return what the agent has found, if it has; it is asked the first time."""
        if not self._is_asked:
            self._is_asked = True
            self._link.post(self._ask)
        if over and not self._answered.wait(_NAP) and not self._link.silence:
            self.pause = 0
            return None
        self.pause = None
        if self._answer is None:
            return None
        if self._answer.failed:
            raise error_of(self._answer.fields)
        fields = self._answer.fields
        if fields.flag("ended") or not self._is_here(fields):
            return None
        return self._read(fields)

    def _is_here(self, fields: Fields) -> bool:
        if "offsets" not in fields.body:
            return True
        return self._arrived(fields.numbers("offsets", STREAMS))

    def close(self) -> None:
        """Let the agent stop looking."""
        with suppress(RuntimeError):  # the event loop has ended
            self._link.post(lambda: [*map(self._link.cancel, self._numbers)])

    def missed(self, timeout: float) -> str:
        """Say that it was not there after so many seconds."""
        return self._missed(timeout)

    def _ask(self) -> None:
        number = self._link.request(self._kind, self._body, self._take)
        self._numbers.append(number)

    def _take(self, answer: Answer) -> None:
        self._answer = answer
        self._answered.set()
        self._changed()


def match_of(pattern: re.Pattern[str], fields: Fields) -> re.Match[str]:
    """Find again, in what came of the output, what the agent has found there."""
    text, start = fields.text("text"), fields.number("start")
    found = pattern.match(text, start) or pattern.search(text)
    if found is None:  # it looks further around itself than what came
        found = re.search(re.escape(fields.text("whole")), text)
    if found is None:
        raise OSError("the agent's match cannot be found again")
    return found
