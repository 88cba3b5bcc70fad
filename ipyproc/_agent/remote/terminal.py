"""The terminal of a job on another machine, as far as that is known here."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from ipyproc._agent.protocol.asked import Answer
from ipyproc._agent.protocol.frames import Body, Fields
from ipyproc._agent.protocol.kinds import Kind
from ipyproc._agent.remote.keyboard import FarKeyboard
from ipyproc._agent.remote.source import Source
from ipyproc._jobs.output.interleaved import Output
from ipyproc._jobs.sized import Sized, check_room
from ipyproc.errors import ProcessDoneError

# How old what is known may be before it is asked for again, in seconds.
_FRESH: Final = 0.05


class Typed(Protocol):
    """What a terminal needs to know of its job."""

    output: Output
    keyboard: FarKeyboard
    ended_at: float | None

    def contact(self) -> None:
        """Pass on that there is news of it."""


class FarTerminal(Sized):
    """What the agent told of it last; to ask refreshes that, and never blocks.

    Its sizes are from when they were asked for.
    """

    def __init__(self, source: Source, size: tuple[int, int], job: Typed) -> None:
        super().__init__(size)
        self._source = source
        self._job = job
        self._reads_keys = self._hides_line = False
        # What the agent told, and the size that it was asked for and has not set yet.
        self._told = size
        self._wanted: tuple[int, int] | None = None
        # How much was typed in all; how much of it the agent had when it was asked
        # last, and how much of that the program had not read.
        self._typed = self._had = self._ahead = 0
        self._asked = 0.0

    @property
    def reads_keys(self) -> bool:
        """Whether each key is the program's at once, as far as is known."""
        self._look()
        return self._reads_keys and not self._is_over

    @property
    def password_prompt(self) -> bool:
        """Whether a line is read that is not to be seen, as far as is known."""
        self._look()
        return self._hides_line and not self._is_over

    @property
    def typed_ahead(self) -> int:
        """How many bytes were typed that it has not read, as far as is known."""
        return self._ahead + self._typed - self._had

    def type(self, data: bytes) -> None:
        """Type *data*; ``BlockingIOError`` if the program has read nothing for long."""
        job = self._source.job
        self._look()
        check_room(self.typed_ahead, data)
        if job is not None:
            self._typed += len(data)
            self._source.link.write(job, data)

    def interrupt(self) -> None:
        """Send SIGINT to its foreground group; ``ProcessDoneError`` after the end."""
        self._post(Kind.INTERRUPT, lambda _: None)

    def resize(self, rows: int, columns: int) -> None:
        """Change its size, once checked; ``ProcessDoneError`` after the end."""
        self._job.keyboard.ask()
        size = rows, columns
        self._wanted = size
        answered = partial(self._size_set, size)
        self._post(Kind.RESIZE, answered, rows=rows, columns=columns)
        self._resized(size, self._now)

    def type_end(self) -> None:
        """Type the end of the input; ``OSError`` if the program reads no lines."""
        if not self._is_over:
            self._job.keyboard.ask()
            self._source.ask(Kind.TYPE_END)

    def told(self, fields: Fields) -> None:
        """Take over what the agent tells."""
        before = self._reads_keys, self._hides_line, self._size
        self._reads_keys = fields.flag("keys")
        self._hides_line = fields.flag("prompt")
        if "size" in fields.body:
            rows, columns = fields.numbers("size", 2)
            self._told = rows, columns
        if self._wanted is None:
            self._resized(self._told, self._now)
        if before != (self._reads_keys, self._hides_line, self._size):
            self._job.contact()

    @property
    def _is_over(self) -> bool:
        return self._job.ended_at is not None

    @property
    def _now(self) -> tuple[float, int]:
        """Seconds since the start, and how much was printed, as far as it is here."""
        output = self._job.output
        return output.stdout.timeline.elapsed, output.total

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._asked > _FRESH and self._source.job and not self._is_over:
            self._asked = now
            had = self._typed - self._source.job.input.waiting
            self._ask(Kind.PROMPT, {}, lambda answer: self._answered(answer, had))

    def _answered(self, answer: Answer, had: int) -> None:
        if not answer.failed:
            self._had, self._ahead = had, answer.fields.number("ahead")
            self.told(answer.fields)

    def _size_set(self, size: tuple[int, int], answer: Answer) -> None:
        if self._wanted == size:
            self._wanted = None
            if answer.failed:
                self._resized(self._told, self._now)
            else:
                self._told = size

    def _post(
        self, kind: Kind, answered: Callable[[Answer], None], **body: object
    ) -> None:
        if self._is_over or self._source.job is None:
            raise ProcessDoneError
        self._ask(kind, body, answered)

    def _ask(self, kind: Kind, body: Body, answered: Callable[[Answer], None]) -> None:
        job = self._source.job
        if job is not None:
            self._source.link.ask(kind, {"number": job.number, **body}, answered)
