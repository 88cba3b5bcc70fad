"""A job's terminal on the kernel's side: when it is shown, how large, and who types.

A job on a pseudo-terminal is shown as a log while it only prints, and as a terminal
once it draws on the alternate screen, or reads keys. All pages show the same terminal.
Its size is that of the pane that has the keyboard; that page alone answers what the
program asks its terminal, for else there would be as many answers as pages.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from ipyproc._jobs.job import Job
from ipyproc.errors import ProcessDoneError
from ipyproc.views.terminal.modes import Reader
from ipyproc.views.transport import worker
from ipyproc.views.transport.nudge import Nudge
from ipyproc.views.transport.output_feed import Message
from ipyproc.views.transport.output_protocol import Ready
from ipyproc.views.transport.pauses import Pauses
from ipyproc.views.transport.protocol import Done
from ipyproc.views.transport.terminal_protocol import Fits, Keys, Size

#: The smallest and the largest size that a page can ask for: rows and columns.
LEAST: Final[Size] = (5, 20)
LARGEST: Final[Size] = (500, 1000)
#: The longest text of one message, and how much may wait until the program reads it.
LONGEST: Final = 1 << 16
MOST_WAITING: Final = 1 << 20

_MOST_PAGES: Final = 16

_ELSEWHERE: Final = "read only: another session has the keyboard"

# Seconds after its output at which a terminal is looked at again: nothing tells us that
# it reads keys from now on, or a password.
_LOOKS: Final = (0.05, 3.0, 1.0)
_MOST_LOOKS: Final = 4
# What a program asked of its terminal before there was a page is answered so soon only.
_FRESH: Final = 3.0
# A program that placed its cursor within the last bytes draws the whole screen.
_NEAR: Final = 1 << 16


class Desk:
    """Who has the keyboard of a terminal, and its size.

    It belongs to the thread that does what pages ask; only *size* is read on others.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._owner: str | None = None
        # How much fits into each page.
        self._room: dict[str, Size] = {}
        # Rows and columns, but for a nudge.
        self._size: Size = LEAST
        if job.terminal is not None:
            self._size = job.terminal.rows, job.terminal.columns

    @property
    def size(self) -> Size:
        """Rows and columns; another session may decide them."""
        terminal = self._job.terminal
        if terminal is not None and not self._job.has_keyboard:
            return terminal.rows, terminal.columns
        return self._size

    def take(self) -> None:
        """Take the keyboard from another session, with the size."""
        self._size = self.size
        self._job.take_keyboard()
        if self._owner is not None:
            self._take(self._owner)

    def act(self, asked: Keys | Fits) -> Callable[[], None]:
        """Return what does what a page asks."""
        if asked["action"] == "fits":
            return lambda: self._fit(asked)
        return lambda: self._type(asked)

    def left(self, page: str) -> None:
        """Note that a page is gone; another one, the last that had a size, follows."""
        self._room.pop(page, None)
        if self._owner == page:
            self._owner = None
            if self._room:
                self._take(next(reversed(self._room)))

    def nudge(self) -> None:
        """Change the size a little, so that the program draws all anew."""
        rows, columns = self.size
        self._resize(rows - 1, columns)

    def settle(self) -> None:
        """Change the size back."""
        self._resize(*self.size)

    def _fit(self, asked: Fits) -> None:
        wanted = asked["rows"], asked["columns"]
        rows, columns = (
            max(least, min(want, most))
            for least, want, most in zip(LEAST, wanted, LARGEST, strict=True)
        )
        terminal = self._job.terminal
        if terminal is not None and not self._room:
            # Another session may have changed it meanwhile.
            self._size = terminal.rows, terminal.columns
        self._room.pop(asked["page"], None)
        self._room[asked["page"]] = rows, columns
        if len(self._room) > _MOST_PAGES:
            self._room.pop(next(iter(self._room)))
        if asked["focused"] or self._owner in (None, asked["page"]):
            self._take(asked["page"])

    def _take(self, page: str) -> None:
        """Note that a page has the keyboard; the size is what fits into it."""
        self._owner = page
        size = self._room.get(page, self.size)
        if self._job.has_keyboard and self._size != size:
            self._size = size
            self._resize(*size)

    def _type(self, asked: Keys) -> None:
        """Type what a page says; ``ValueError`` if that is too much.

        What comes when another session has the keyboard is not typed: a page has to
        take it first.
        """
        if not self._job.has_keyboard:
            raise ValueError("" if asked["answers"] else _ELSEWHERE)
        if asked["answers"] and self._owner not in (None, asked["page"]):
            return
        data = asked["text"].encode("utf-8", "replace")
        terminal = self._job.terminal
        waiting = terminal.typed_ahead if terminal else 0
        if len(asked["text"]) > LONGEST or waiting + len(data) > MOST_WAITING:
            raise ValueError("too much is typed: the program does not read it")
        if not asked["answers"] and self._owner != asked["page"]:
            self._take(asked["page"])
        self._job.send(data)

    def _resize(self, rows: int, columns: int) -> None:
        if not self._job.has_keyboard:
            return
        try:
            self._job.resize(rows, columns)
        except ProcessDoneError:
            return  # nobody is there to draw


class TerminalFeed:
    """What the pages of one job are to know of its terminal, if it has one.

    It belongs to the thread that sends.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        #: What is typed and how much fits.
        self.desk = Desk(job)
        #: The modes of the output.
        self.modes = Reader(job.as_utf8)
        self._looks = Pauses(*_LOOKS)
        self._left = 0
        # Since when it is shown, and from where on the program's questions count.
        self._since: float | None = None
        self._asked = 0
        self._masked = False
        self._has_joined = False
        self._wants_nudge = False
        self._nudge = Nudge(lambda: job.as_utf8.total, self._resized)
        self._typed: dict[str, Done] = {}

    @property
    def is_shown(self) -> bool:
        """Whether it is to be shown as a terminal."""
        return self._since is not None

    def look(self) -> None:
        """See what the terminal is like now."""
        terminal = self._job.terminal
        if terminal is None:
            return
        before = self.modes.offset
        self.modes.read()
        if self.modes.offset != before:
            self._left = _MOST_LOOKS
            self._looks.restart()
        elif self._left and self._looks.over:
            self._left -= 1
            self._looks.begin()
        self._masked = terminal.password_prompt
        entered = self.modes.entered
        if self._since is None and (entered is not None or terminal.reads_keys):
            self._since = time.monotonic()
            self._asked = before if entered is None else min(before, entered)

    def state(self) -> dict[str, object]:
        """Return what the pane's state says of it."""
        shown = self.desk.size if self.is_shown else None
        return {"terminal": shown, "masked": self._masked}

    def joined(self, asked: Ready, offset: int) -> int:
        """Note that a page with a terminal goes on at *offset*.

        Returns up to where that must not answer the program.
        """
        is_fresh = time.monotonic() - (self._since or 0.0) < _FRESH
        is_first = not self._has_joined and is_fresh
        self._has_joined = True
        self._wants_nudge |= offset != asked["have"] and not is_first
        return self._asked if is_first else self._job.as_utf8.total

    def skipped(self) -> None:
        """Note that a page was not sent everything."""
        self._wants_nudge = self.is_shown

    def left(self, page: str) -> None:
        """Note that a page is gone."""
        if self.is_shown:
            worker.shared.do(lambda: self.desk.left(page))

    def typed(self, done: Done) -> None:
        """Note what became of what a page typed."""
        self._typed[done["page"]] = done

    def answer(self) -> Message | None:
        """Return the answer to what a page typed, to all of it at once."""
        if not self._typed:
            return None
        return Message(self._typed.pop(next(iter(self._typed))))

    def nudge(self) -> None:
        """Make a program draw anew that draws the whole screen, once that is needed."""
        if self._wants_nudge and self._nudge.due is None:
            self._wants_nudge = False
            if self._draws_all:
                self._nudge.begin()
        self._nudge.step(time.monotonic())

    def due(self) -> float | None:
        """Return when to look again, on ``time.monotonic()``."""
        times = [self._looks.next] if self._left else []
        if (nudge := self._nudge.due) is not None:
            times.append(nudge)
        return min(times, default=None)

    def _resized(self, small: bool) -> bool:
        return worker.shared.do(self.desk.nudge if small else self.desk.settle)

    @property
    def _draws_all(self) -> bool:
        """Whether the program draws the whole screen."""
        terminal, placed = self._job.terminal, self.modes.placed
        if self._job.ended_at is not None or terminal is None:
            return False
        is_near = placed is not None and self.modes.offset - placed < _NEAR
        return self.modes.now.is_alternate or (is_near and terminal.reads_keys)
