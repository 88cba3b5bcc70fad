"""A live widget of rows that are measured only while a page shows them.

The synced trait ``first`` has the rows as they were when they were displayed last, for
a page that gets no messages. What changes after that is sent in messages of kind
``rows`` (see `transport.protocol`).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Hashable, Iterator
from functools import partial
from typing import Any, ClassVar

import traitlets

from ipyproc.views.transport import document, viewers
from ipyproc.views.transport.output_feed import Message
from ipyproc.views.transport.protocol import Done, First, Look, Settle
from ipyproc.views.transport.rate_limiter import Publisher, shared
from ipyproc.views.transport.row_changes import Fields, RowChanges, Rows
from ipyproc.views.widgets.base import LiveWidget, Requests
from ipyproc.views.widgets.pace import RATE, Pace
from ipyproc.views.widgets.place import Bundle, Place

# Other views have their turn after measuring has used so many seconds.
_SLICE = 0.01
# Measuring takes at most one part in so many of the time.
_RARELY = 10
# The least that a message of rows may take.
_ROOM = 48 * 1024
# Seconds between two updates of the output in pages that do not write the file.
_SAVED_EVERY = 5.0
# Seconds that a message may be under way before it counts as lost.
_UNDER_WAY = 3.0


class RowsView(LiveWidget):
    """A widget that shows rows of facts, by key, and measures them while it is seen.

    The rows are replaced as a whole, by the thread that sends or after a cell, with a
    lock held. All else belongs to the thread that sends.
    """

    first = traitlets.Dict().tag(sync=True)

    def __init__(self, publisher: Publisher = shared) -> None:
        self._finding = threading.RLock()
        #: The rows as they were found last, and what there is to say of all of them.
        self.rows: Rows = {}
        self._notes: Fields = {}
        #: When they were found so first.
        self.taken = time.time()
        self._changes = RowChanges()
        self._round: Iterator[None] | None = None
        # When the last round ended, and the processor's seconds that it took.
        self._measured_at, self._spent = -math.inf, 0.0
        self._is_round_due = self._is_telling = self._has_lost = False
        self._told_at = self._saved_at = -math.inf
        self._saved: Hashable = None
        self._unsaved: list[Place] = []
        self._newest: Bundle | None = None
        self._pace = Pace()
        # Any thread sets it; the one that sends clears it, and then looks.
        self._is_outdated = False
        self._poll()
        super().__init__(publisher, first=self._as_first())

    # --- what subclasses say

    def measure(self) -> Iterator[None]:
        """Measure what costs something, step by step; the lock is held in each step."""
        raise NotImplementedError

    def poll(self) -> tuple[Rows, Fields]:
        """Return all rows as they are now, and notes on them, without measuring."""
        raise NotImplementedError

    def summary(self) -> Hashable:
        """Return the part of the rows whose change is worth saving again."""
        raise NotImplementedError

    def details(self) -> Hashable:
        """Return what is saved besides the summary, and may be older."""
        return None

    @property
    def quiet(self) -> bool:
        """Whether nothing will happen to the rows that there are."""
        raise NotImplementedError

    # --- life

    def catch_up(self) -> None:
        """Look for changes, for a cell has just ended."""
        self._poll()
        self.changed()

    def display(self, shell: Any) -> None:
        """Show it in the current cell of *shell*, as it is now."""
        self._poll()
        if self.first["rows"] != self.rows:
            self.first = dict(self._as_first())
        told = self.summary(), self.details()
        super().display(shell)  # tells the file, too
        self._post(partial(self._told, told))
        if not self._places[-1].headless:
            self._post(self._expect)

    def refresh(self, room: int) -> int:
        """Send the rows, and now and then what is saved; return the size."""
        return self._send_rows(room) or self._to_file() or self._save()

    def update(self, places: list[Place]) -> int:
        """Show what will be saved in the next place that is not up to date."""
        while self._unsaved:
            if size := super().update([self._unsaved.pop(0)]):
                return size
        return 0

    def due(self) -> float | None:
        """Return when there may be something to send, on ``time.monotonic()``."""
        saves = self._places and self.summary() != self._saved
        times = [self._save_due] if saves else []
        if (due := self._file_due()) is not None:
            times.append(due)
        if self._round or self._is_round_due or self._is_telling:
            times.append(time.monotonic())
        elif (pause := self._pause()) is not None:
            times.append(self._measured_at + pause)
        return min(times, default=None)

    def _poll(self) -> None:
        with self._finding:
            rows, notes = self.poll()
            if (rows, notes) != (self.rows, self._notes):
                self.taken = time.time()
            self.rows, self._notes = rows, notes

    def _as_first(self) -> First:
        # The number comes first: then the rows are at least as new.
        number = self._changes.number
        return {
            "clock": time.time(),
            "number": number,
            "rows": self.rows,
            "notes": self._notes,
        }

    # --- measuring and sending, on the thread that sends

    def _pause(self) -> float | None:
        """Return the seconds between two rounds; None if there is to be none."""
        if (pause := self._viewers.pause) is not None:
            return max(pause, _RARELY * self._spent)
        return viewers.POLL if self._viewers.are_away and not self.quiet else None

    def _send_rows(self, room: int) -> int:
        if not self._is_telling and not self._go_round():
            return 0
        room, clock = max(room, _ROOM), time.time()
        message = self._changes.next(self.rows, self._notes, clock, room)
        self._is_telling = message is not None
        if message is None:
            return 0
        self._told_at = time.monotonic()
        return self.say(Message(message))

    def _go_round(self) -> bool:
        """Go on measuring; return whether all that a page waits for is measured."""
        if self._round is None and not self._begin_round():
            return False
        if not self._measure_a_while():
            return False
        # The rows are of one moment: after the last step, in which anything may happen.
        self._poll()
        self._round, self._measured_at = None, time.monotonic()
        if self._has_lost:
            self._has_lost = False
            self._changes.restart()
        return self._viewers.pause is not None

    def _begin_round(self) -> bool:
        """Begin a round if one is due; a later request needs another round."""
        pause = self._pause()
        is_time = pause is not None and time.monotonic() >= self._measured_at + pause
        if not is_time and not (self._is_round_due and pause is not None):
            self._is_round_due = False
            return False
        self._is_round_due = False
        self._round = self.measure() if self._viewers.pause is not None else iter(())
        self._spent = 0.0
        return True

    def _measure_a_while(self) -> bool:
        """Measure for a slice of time; return whether the round is over."""
        assert self._round is not None
        # The processor's time: where it is scarce this measures no less often.
        begin = time.thread_time()
        try:
            while time.thread_time() - begin <= _SLICE:
                with self._finding:
                    next(self._round)
        except StopIteration:
            return True
        finally:
            self._spent += time.thread_time() - begin
        return False

    # --- the file, on the thread that sends

    def outdated(self) -> None:
        """Look for changes as soon as the file can be told of them; any thread."""
        self._is_outdated = True
        self.changed()

    @property
    def is_told(self) -> bool:
        """Whether the file was told of all that was found; any thread."""
        is_new = self._is_outdated or bool(self._requests)
        return not is_new and self._pace.knows(self.summary(), self.details())

    def _told(self, told: tuple[Hashable, Hashable]) -> int:
        self._pace.told(*told, self._places[-1].size if self._places else 0)
        return 0

    def _file_due(self) -> float | None:
        """Return when the file is to be told, on ``time.monotonic()``."""
        if not self._places or not document.shared.is_heard:
            return None
        if self._is_outdated:
            return self._pace.soon
        return self._pace.due(self.summary(), self.details())

    def _to_file(self) -> int:
        """Update the file with what changed; the document sends it, so this is 0."""
        due = self._file_due()
        if due is None or due > time.monotonic():
            return 0
        if self._is_outdated:
            self._is_outdated = False
            self._poll()
        with self._finding:
            told, static = (self.summary(), self.details()), self.static()
        self._newest = static  # no place is to show less than the file has
        self.to_file(static, final=False)
        self._pace.told(*told, sum(map(len, static.values())))
        return 0

    def _save(self) -> int:
        """Begin to show, in each place once, what is to be saved.

        Only once, for the text says how long jobs run and so changes all the time.
        """
        late = time.monotonic() >= self._save_due
        if late and (summary := self.summary()) != self._saved:
            self._saved, self._saved_at = summary, time.monotonic()
            self._unsaved, self._newest = list(self._places), self.static()
        return 0

    @property
    def _save_due(self) -> float:
        size = sum(place.size for place in self._places)
        return self._saved_at + max(_SAVED_EVERY, size / RATE)

    def newest(self) -> Bundle | None:
        """Return what is to be saved, the same for all places."""
        return self._newest or self.static()

    # --- what pages ask for

    def _tell(self, done: Done) -> int:
        """Send a page the outcome of its button, and new rows at once."""
        self._is_round_due = True
        return super()._tell(done)

    def _expect(self) -> int:
        self._viewers.expect()
        return 0

    def _look(self, asked: Look) -> int:
        self._viewers.look(asked["page"])
        lost = self._changes.number - (asked.get("number") or 0)
        # One message may have met the request on the way.
        if lost > 1 or (lost and time.monotonic() - self._told_at > _UNDER_WAY):
            self._has_lost = True
        return 0

    def _settle(self, asked: Settle) -> int:
        self._saved, self._saved_at = None, -math.inf  # as they are now, and soon
        for place in self._places:
            place.settled = True
        return 0

    REQUESTS: ClassVar[Requests] = LiveWidget.REQUESTS | {
        "look": _look,
        "settle": _settle,
    }
