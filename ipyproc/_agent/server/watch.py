"""Waiting until a job prints something or listens, step by step on the event loop."""

from __future__ import annotations

import re

from ipyproc._agent.protocol.attachment import Found
from ipyproc._agent.protocol.frames import Body, Fields
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.io.timers import Timer
from ipyproc._jobs.output.find import compiled
from ipyproc._jobs.runner import Check, Runner

# How much around a match goes with it: what the pattern looks at beside it.
_AROUND = 4096
_LONGEST_MATCH = 256 << 10


class Watch:
    """One thing that a client waits for; *found* is called once, with what is there.

    That is a match, a port, or that the job has ended without.
    """

    def __init__(
        self, runner: Runner, kind: Kind, fields: Fields, found: Found
    ) -> None:
        self._runner = runner
        self._found = found
        self._loop = event_loop()
        self._timer: Timer | None = None
        self.is_over = False
        self._check: Check[re.Match[str]] | Check[int]
        if kind == Kind.UNTIL:
            pattern, flags = fields.text("pattern"), fields.number("flags", 0)
            self._check = runner.printed(compiled(pattern, flags))
        else:
            port = fields.number("port", 0, most=1 << 16) or None
            self._check = runner.listening(port)

    def begin(self) -> None:
        """Look for the first time, soon."""
        self._timer = self._loop.call_later(0, self._step)

    def soon(self) -> None:
        """Look again: something has happened."""
        if not self.is_over and self._timer is None:
            self._timer = self._loop.call_later(0, self._step)

    def cancel(self) -> None:
        """Stop waiting."""
        self.is_over = True
        if self._timer:
            self._timer.cancel()

    def _step(self) -> None:
        self._timer = None
        if self.is_over:
            return
        over = self._runner.ended_at is not None
        found = self._check.look(over)
        pause = self._check.pause
        if found is not None:
            self._end(_body_of(found))
        elif over and pause != 0:
            self._end({"ended": True})
        elif pause is not None:
            self._timer = self._loop.call_later(pause, self._step)

    def _end(self, body: Body) -> None:
        self.is_over = True
        self._found(body)


def _body_of(found: re.Match[str] | int) -> Body:
    if isinstance(found, int):
        return {"port": found}
    first = max(0, found.start() - _AROUND)
    last = min(found.end(), found.start() + _LONGEST_MATCH) + _AROUND
    text = found.string[first:last]
    return {"text": text, "start": found.start() - first, "whole": found[0][:_AROUND]}
