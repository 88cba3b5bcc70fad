"""The pane: a widget that shows one job.

The synced traits ``state`` and ``tail`` (the last of the output) are for a page that
gets no messages. The messages between page and kernel are in `transport.protocol`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, cast

import traitlets

from ipyproc._jobs.io.event_loop import event_loop
from ipyproc._jobs.job import Job
from ipyproc.views import assets
from ipyproc.views.render import console, format, html
from ipyproc.views.render.format import snapshot
from ipyproc.views.render.recent import Recent
from ipyproc.views.terminal.picture import Redrawn
from ipyproc.views.transport import actions, document, output_feed
from ipyproc.views.transport.library import LibraryFeed
from ipyproc.views.transport.output_feed import Message, OutputFeed
from ipyproc.views.transport.output_protocol import Ack, Find, Read, Ready, Save
from ipyproc.views.transport.protocol import (
    Asked,
    Done,
    Forget,
    JobState,
    Leave,
    Look,
)
from ipyproc.views.transport.rate_limiter import Publisher, shared
from ipyproc.views.transport.reading import Readings
from ipyproc.views.transport.saving import Savings
from ipyproc.views.transport.tails import Marks, Tails
from ipyproc.views.transport.terminal import TerminalFeed
from ipyproc.views.transport.terminal_protocol import Library
from ipyproc.views.transport.usage_feed import UsageFeed
from ipyproc.views.transport.viewers import Viewers
from ipyproc.views.widgets import farewell
from ipyproc.views.widgets.base import LiveWidget, Requests, size_of
from ipyproc.views.widgets.place import Bundle, Place, accepts_input
from ipyproc.views.widgets.saved import Drawn, Saved, Stage

# Seconds after which it is answered that something was typed: what is printed is first.
_ECHO = 0.05


class JobView(LiveWidget):
    """The pane of one job: its output, its state, and buttons that signal it.

    Its output in a notebook stays a widget while the job runs, and becomes static HTML
    and text at the end.
    """

    _esm = assets.script("job")
    _css = assets.style("job")

    state = traitlets.Dict().tag(sync=True)
    tail = traitlets.Dict().tag(sync=True)
    signals: traitlets.List[str] = traitlets.List().tag(sync=True)
    #: How many lines of output are in view; longer output is scrolled.
    height = traitlets.Int(html.HEIGHT, min=1).tag(sync=True)
    #: Whether pages tell of the end, if their reader does not decide otherwise.
    notify = traitlets.Bool(False).tag(sync=True)
    #: Whether a terminal that is opened from now on can be read aloud.
    screen_reader = traitlets.Bool(False).tag(sync=True)

    #: Each of them is shown the end.
    MOST_PLACES: ClassVar[int] = 1000

    def __init__(self, job: Job, publisher: Publisher = shared) -> None:
        self._job = job
        self._is_forgotten = False  # set once, by any thread
        # What is to be said after the status.
        self._note = ""
        self._saved = Saved(job, self._make, self._drawn)
        # What pages asked for that wait for a picture to begin with.
        self._joining: dict[str, Ready] = {}
        viewers = Viewers()
        self._terminal = TerminalFeed(job)
        self._library = LibraryFeed()
        modes = None if job.terminal is None else self._terminal.modes
        self._feed = OutputFeed(job, viewers, modes)
        self._tails, self._marks = Tails(job, viewers), Marks(job)
        self._usage = UsageFeed(job, viewers)
        self._readings = Readings(job, self._tell_read)
        self._savings = Savings(job, self._tell_read)
        super().__init__(
            publisher,
            viewers,
            state=self._snapshot(),
            tail=output_feed.tail(job),
            signals=list(actions.SIGNALS),
        )
        self._unsubscribe = job.subscribe(self._happened)
        self.changed()

    @property
    def job(self) -> Job:
        """The job that is shown."""
        return self._job

    @property
    def final(self) -> bool:
        """Whether the job ended and all its output is captured."""
        return self._job.finished

    @property
    def settles(self) -> bool:
        """Whether the job's own process ended, and that is drawn."""
        return self._saved.end is not None

    def static(self) -> Bundle:
        """Return the end of the output, with command and state, as text and HTML."""
        return self._saved.now().bundle

    def newest(self) -> Bundle | None:
        """Return what was drawn when the process ended, or when all was over."""
        end = self._saved.end
        return end.bundle if end and self._saved.is_drawn else None

    def text(self) -> str:
        """Return the command, the last lines of output, and the state."""
        return str(self.static()["text/plain"])

    @traitlets.observe("height")
    def _resized(self, _: object) -> None:
        """Draw it anew: what was drawn has another height."""
        self._saved.outdated()
        self._saved.ask()

    def _make(self, last: Recent, taken: float | None) -> Bundle:
        """Return as text and HTML what was drawn."""
        note = self._note
        if not note and taken is not None and self._job.ended_at is not None:
            note = format.still_open(self._job)
        page = html.job(self._job, self.height, last, taken=taken, note=note)
        return self.bundle(console.job(self._job, last, taken=taken, note=note), page)

    def _drawn(self, drawn: Drawn) -> None:
        """Pass on what was drawn, on the thread that drew it."""
        self.to_file(drawn.bundle, drawn.stage == Stage.IS_OVER)
        self.changed()

    def _happened(self, _: object) -> None:
        """Note that something happened to the job, on the event loop's thread."""
        self.changed()
        if self._job.ended_at is not None or document.shared.is_heard:
            self._saved.ask()

    def act(self, asked: Asked) -> actions.Act | None:
        """Return what a button does to the job."""
        match asked["action"]:
            case "again":
                return self._run_again
            case "take":
                return self._terminal.desk.take
            case "keys" | "fits":
                return self._terminal.desk.act(asked)
        return actions.act(self._job, asked)

    def _done(self, asked: Asked, done: Done) -> None:
        """Answer what was typed later than all else, and all of it at once."""
        if asked["action"] not in ("keys", "fits"):
            super()._done(asked, done)
            return
        self._requests.append(partial(self._typed, done))
        event_loop().call_later(_ECHO, self.changed)

    def _typed(self, done: Done) -> int:
        self._terminal.typed(done)
        return 0

    def _run_again(self) -> None:
        """Start the job once more; the new one is shown where this one was last."""
        view = self._job.again().widget
        if isinstance(view, JobView):
            view.height, view.notify = self.height, self.notify
            self._post(partial(self.hand_over, view))

    # --- life

    def display(self, shell: Any) -> None:
        """Show it in the current cell of *shell*, which belongs to a kernel."""
        super().display(shell)
        farewell.shared.expect(self)

    def kernel_ends(self) -> None:
        """Note that the job ends because the kernel ends, unless it goes on."""
        if format.detached(self._job):
            self._note = " when the kernel ended"
        elif self._job.ended_at is None:
            self._note = ", ended with the kernel"
        self._saved.outdated()

    def farewell(self) -> None:
        """Show how it is now, for ever, and send it at once."""
        drawn = self._saved.now()
        self.to_file(drawn.bundle, final=True)
        for place in self._places:
            place.update(now=True)

    def close(self) -> None:
        """Remove the pane from the page; the job goes on."""
        if self._is_open:
            self._unsubscribe()
            self._saved.close()
        super().close()

    def forget(self) -> None:
        """Close it once the end is shown: the table of jobs dropped the job."""
        self._is_forgotten = True
        self.changed()

    def retire(self) -> None:
        """Close it, and leave nothing large in a notebook that was told of it."""
        self.tail = {"data": b""}
        super().retire()

    def place(self, shell: Any) -> Place:
        """Show it, as a widget unless the job is over or no page will load one."""
        if not accepts_input(shell):
            place = super().place(shell)
            if self.final:
                self.over()
            return place
        return Place(self, shell, is_live=not self.final)

    def events(self, place: Place) -> tuple[str, ...]:
        """Return the events at which a place without a page is shown the end."""
        return ("pre_run_cell", "post_run_cell") if place.headless else ()

    def over(self) -> None:
        """Close it if no page looks: a widget would be saved with the notebook."""
        if not self._viewers.known:
            self.retire()

    # --- sending

    def answer(self) -> int:
        """Send the state before all answers: a page that joins needs it first."""
        self._terminal.look()
        return self._send_state() or super().answer()

    def refresh(self, room: int) -> int:
        """Send what is most urgent; return its size, or 0 if there is nothing."""
        return (
            self._send_tail()
            or self.say(self._library.next(room))
            or self.update(self._places)
            or self._send_usage()
            or self._send_output(room)
            or self.say(self._terminal.answer())
            or self._send_mark()
            or self._send_last()
        )

    def due(self) -> float | None:
        """Return when there will be something to send, on ``time.monotonic()``."""
        feeds = self._tails, self._marks, self._usage, self._terminal
        times = [at for feed in feeds if (at := feed.due()) is not None]
        return min(times, default=None)

    def _send_state(self, again: bool = False) -> int:
        new = self._snapshot()
        if new != self.state:
            self.state = dict(new)
        elif again:
            self.send_state("state")
        else:
            return 0
        return size_of(new)

    def _snapshot(self) -> JobState:
        return cast(JobState, {**snapshot(self._job), **self._terminal.state()})

    def _send_usage(self) -> int:
        usage = self._usage.next()
        return self.say(Message(usage)) if usage else 0

    def _send_output(self, room: int) -> int:
        message = self._feed.next(room)
        if message is None:
            self._terminal.nudge()  # once a page has what it needs
            return 0
        if "modes" in message.content:
            self._terminal.skipped()
        self._marks.printed()
        return self.say(message)

    def _send_mark(self) -> int:
        return self.say(self._feed.mark()) if self._marks.next() else 0

    def _send_tail(self) -> int:
        new = self._tails.next()
        if new is None:
            return 0
        self.tail = dict(new)
        return len(new["data"])

    def _send_last(self) -> int:
        """Send the last message of a forgotten job, after all others, and close."""
        if not self._is_forgotten or not self._job.finished:
            return 0
        if self._places and not self._saved.is_drawn:
            return 0  # it will be there soon
        size = self.say(Message(Forget(kind="forget")))
        self.close()
        return size

    # --- what pages ask for

    def _look(self, asked: Look) -> int:
        if self._viewers.look(asked["page"], asked.get("tree", False)):
            self._usage.restart()
            self._saved.ask()
        # A page that looks after the end may not know of it: the server drops messages.
        return self._send_state(again=self.state["ran"] is not None)

    def _ready(self, asked: Ready) -> int:
        if asked.get("terminal"):
            self._joining.pop(asked["page"], None)
            return self._join_terminal(asked)
        joins, self._joining[asked["page"]] = asked["page"] in self._joining, asked
        if joins:
            return 0  # the picture is under way
        if self._feed.lacks(asked) and self._saved.redraw(self._redrawn):
            return 0
        return self._join(asked["page"])

    def _join_terminal(self, asked: Ready) -> int:
        begin = self._feed.join_terminal(asked)
        begin["quiet"] = self._terminal.joined(asked, begin["offset"])
        return self.say(Message(begin))

    def _redrawn(self, drawn: Redrawn | None) -> None:
        """Pass on the picture, on the thread that drew it."""
        self._post(partial(self._begin, drawn))

    def _begin(self, drawn: Redrawn | None) -> int:
        """Start the pages that wait for the picture with it."""
        return sum(self._join(page, drawn) for page in list(self._joining))

    def _join(self, page: str, drawn: Redrawn | None = None) -> int:
        asked = self._joining.pop(page, None)
        return self.say(self._feed.join(asked, drawn)) if asked else 0

    def _leave(self, asked: Leave) -> int:
        self._terminal.left(asked["page"])
        self._readings.left(asked["page"])
        self._savings.left(asked["page"])
        return super()._leave(asked)

    def _ask_library(self, asked: Library) -> int:
        self._library.ask(asked)
        return 0

    def _ack(self, asked: Ack) -> int:
        self._viewers.acknowledge(asked["page"], asked["offset"])
        return 0

    def _save(self, asked: Save) -> int:
        self._savings.save(asked)
        return 0

    def _read(self, asked: Read) -> int:
        self._readings.read(asked)
        return 0

    def _find(self, asked: Find) -> int:
        self._readings.find(asked)
        return 0

    def _tell_read(self, message: Message) -> None:
        """Pass on what was read, on the thread that read it."""
        self._post(partial(self.say, message))

    REQUESTS: ClassVar[Requests] = {
        "look": _look,
        "away": LiveWidget.REQUESTS["away"],
        "leave": _leave,
        "settle": LiveWidget.REQUESTS["settle"],
        "library": _ask_library,
        "ready": _ready,
        "ack": _ack,
        "save": _save,
        "read": _read,
        "find": _find,
    }
