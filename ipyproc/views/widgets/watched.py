"""Tables that are measured while a page looks at them, and cost nothing else.

What is said between the page (``frontend/src/rows.ts``) and the kernel, besides what
``twin.py`` says:

* The synced trait ``first`` has the rows as they were when they were last displayed, by
  key, for a page that hears nothing else. What a page writes to it is ignored.
* The page sends custom messages ``{action, page, ...}``: *action* is ``look`` (*number*
  of the last message that it has, or null), which holds for ``watch.LEASE`` seconds,
  ``away`` (it is out of sight), ``leave``, or one of the widget's own (with *seq*).
* The kernel sends ``{kind: "rows", clock, number, rows, ...}``: of each row only what
  changed, *gone*: keys of rows that are no more, or *keys*: those of all that there
  are; *notes*: what is said of all. ``{kind: "done", page, seq, error}`` answers the
  widget's own actions.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Any, ClassVar

import traitlets

from ipyproc.views.subshells import answer_where_asked
from ipyproc.views.transport import actions
from ipyproc.views.transport.actions import Act, Asked, number
from ipyproc.views.transport.rate_limiter import OVERHEAD, Publisher
from ipyproc.views.transport.row_changes import Board, Fields, Rows
from ipyproc.views.transport.viewers import is_name
from ipyproc.views.transport.watch import GLANCE, Watch
from ipyproc.views.widgets.base import Place, Twin
from ipyproc.views.widgets.job import shared

# Other views have their turn after measuring has used so many seconds.
_SLICE = 0.01
# Measuring takes at most one part in so many of the time.
_RARELY = 10
# The least that a message of rows may take.
_ROOM = 48 * 1024
# Seconds between two updates of what a saved notebook shows.
_SAVED_EVERY = 10.0
# A message may be on its way for so long before it counts as lost.
_ON_ITS_WAY = 3.0
_MOST_REPLIES = 64

Actions = dict[str, Callable[[Any, Asked], None]]


class Watched(Twin):
    """A widget that shows rows of facts, by key, and measures them while it is seen.

    All is sent from the publisher's thread; whatever may be called here may be called
    from any thread.
    """

    first = traitlets.Dict().tag(sync=True)

    #: All that a page can ask for, besides looking.
    ACTIONS: ClassVar[Actions] = {}

    def __init__(self, publisher: Publisher = shared) -> None:
        self._watch = Watch()
        self._board = Board()
        self._replies: deque[Fields] = deque(maxlen=_MOST_REPLIES)
        self._round: Iterator[None] | None = None
        self._rest = self._spent = self._told_at = self._saved_at = 0.0
        self._tells = self._is_stale = self._was_lost = False
        self._unsaved: Iterator[Place] = iter(())
        self._gist: Hashable = None
        #: Held while rows are found out.
        self.finding = threading.RLock()
        self._glance()
        super().__init__(publisher, first=self._snapshot())
        answer_where_asked(self.comm)

    def survey(self, measure: bool) -> Iterator[Rows | None]:
        """Find out the rows, step by step; the last step gives them.

        Without *measure* only what costs nothing. ``finding`` is held in each step.
        """
        raise NotImplementedError

    def notes(self) -> Fields:
        """Return what there is to say of all rows."""
        return {}

    def gist(self) -> Hashable:
        """Return what of the rows is worth a new text in a saved notebook."""
        raise NotImplementedError

    @property
    def quiet(self) -> bool:
        """Whether nothing will happen to the rows that there are."""
        raise NotImplementedError

    @property
    def rows(self) -> Rows:
        """The rows as they were found last."""
        return self._board.rows

    def catch_up(self) -> None:
        """Find out what happened in the cell that has just ended."""
        self._glance()
        self.changed()

    def set_state(self, sync_data: dict[str, object]) -> None:
        """Ignore what a page writes to the state: it shows, and decides nothing."""

    def act(self, asked: Asked, act: Act) -> None:
        """Do what a page asked for, soon, and tell it how that went."""

        def done() -> None:
            self._replies.append(actions.done(asked, act))
            self._rest = 0.0  # what came of it is to be seen at once
            self.changed()

        self._publisher.call(done)  # to find all that a job started may take a while

    def publish(self, room: int) -> int:
        """Send what is most urgent; return its size, or 0 if there is nothing."""
        return self._send_reply() or self._send_rows(room) or self._send_static()

    def due(self) -> float | None:
        """Say when there may be something to send, on ``time.monotonic()``."""
        saves = self._is_stale and self._places
        times = [self._saved_at + _SAVED_EVERY] if saves else []
        if self._round is not None or self._tells:
            times.append(time.monotonic())
        elif (pause := self._pause()) is not None:
            times.append(self._rest + pause)
        return min(times, default=None)

    def _ipython_display_(self) -> None:
        """Show it in the current cell, or print it where there is no notebook."""
        self._glance()
        if self.first["rows"] != self.rows:
            self.first = self._snapshot()
        super()._ipython_display_()
        if any(not place.headless for place in self._places):
            self._watch.expect()
            self.changed()

    def _snapshot(self) -> Fields:
        clock, number = time.time(), self._board.number
        rows, notes = self.rows, self._board.notes
        return {"clock": clock, "number": number, "rows": rows, "notes": notes}

    def _glance(self) -> None:
        """Find out, at once, what costs nothing."""
        with self.finding:
            for found in self.survey(measure=False):
                self._take(found)

    def _take(self, found: Rows | None) -> None:
        if found is None:
            return
        self._board.rows, self._board.notes = found, self.notes()
        gist = self.gist()
        self._is_stale |= gist != self._gist
        self._gist = gist

    def _pause(self) -> float | None:
        """Seconds from one round to the next; ``None`` if there is to be none."""
        if (pause := self._watch.pause) is not None:
            return max(pause, _RARELY * self._spent)
        return GLANCE if self._watch.heard and not self.quiet else None

    def _send_reply(self) -> int:
        return self._say(self._replies.popleft()) if self._replies else 0

    def _send_rows(self, room: int) -> int:
        if not self._tells and not self._go_round():
            return 0
        told = self._board.next(max(room, _ROOM))
        self._tells = told is not None
        if told is None:
            return 0
        self._told_at = time.monotonic()
        return self._say({"kind": "rows", "clock": time.time(), **told})

    def _say(self, content: Fields) -> int:
        self.send(content)
        return len(json.dumps(content)) + OVERHEAD

    def _go_round(self) -> bool:
        """Go on finding rows out; tell whether all are found that a page waits for."""
        if self._round is None:
            pause = self._pause()
            if pause is None or time.monotonic() < self._rest + pause:
                return False
            self._round, self._spent = self._measured(), 0.0
        # The processor's time: where that is scarce we do not measure any less often.
        begin = time.thread_time()
        for _ in self._round:
            if time.thread_time() - begin > _SLICE:
                self._spent += time.thread_time() - begin
                return False
        self._spent += time.thread_time() - begin
        self._round, self._rest = None, time.monotonic()
        if self._was_lost:
            self._was_lost = False
            self._board.restart()
        return self._watch.pause is not None

    def _measured(self) -> Iterator[None]:
        steps = self.survey(measure=self._watch.pause is not None)
        while True:
            with self.finding:
                try:
                    self._take(next(steps))
                except StopIteration:
                    return
            yield

    def _send_static(self) -> int:
        """Show, in one of the places, what shall be saved."""
        late = time.monotonic() - self._saved_at >= _SAVED_EVERY
        if self._is_stale and late:
            self._is_stale, self._saved_at = False, time.monotonic()
            # Each place once: what is saved says how long jobs run, and is never done.
            self._unsaved = iter(self._places)
        return self._update(self._unsaved)

    def _heard(self, widget: object, content: object, buffers: object) -> None:
        """Do what a page asks for, if it is an entry of a table."""
        super()._heard(widget, content, buffers)
        if isinstance(content, dict) and content.get("action") == "settle":
            self._is_stale, self._saved_at = True, 0.0
        if not isinstance(content, dict) or not is_name(content.get("page")):
            return
        action = content.get("action")
        table = _LOOKING | self.ACTIONS
        if isinstance(action, str) and action in table:
            table[action](self, content)

    def _look(self, asked: Asked) -> None:
        is_new = self._watch.look(asked["page"])
        lost = self._board.number - (number(asked.get("number")) or 0)
        # One message may have met this one on the way.
        if lost > 1 or (lost and time.monotonic() - self._told_at > _ON_ITS_WAY):
            self._was_lost = True
        if is_new or lost:
            self.changed()


_LOOKING: Actions = {
    "look": Watched._look,
    "away": lambda view, asked: view._watch.away(asked["page"]),
    "leave": lambda view, asked: view._watch.leave(asked["page"]),
}
