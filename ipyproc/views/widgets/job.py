"""The pane: a widget that shows one job.

What is said between the page (``frontend/src/pane.ts``) and the kernel:

* The synced traits ``state`` (see ``facts.snapshot``) and ``tail`` (the last of the
  output) are what a page gets that hears nothing else: from a busy kernel, or because
  its module was not loaded yet. What a page writes to them is ignored.
* The page says what it wants with custom messages ``{action, page, ...}``: *action* is
  an entry of a table, *page* the name it gave itself. ``ready`` (*have*: up to
  which offset it has all output, or null; *seq*), ``ack`` (*offset*: the same),
  ``save`` (*offset*: what it wants next), ``look`` (somebody sees it now; *tree*: the
  processes, too), and what is in ``actions`` (*seq*; ``send``: *text*; ``signal``:
  *signal*, and *tree*: to all that it started, too).
* The kernel sends custom messages ``{kind, ...}``. ``begin`` answers ``ready`` (*page*,
  *seq*, *offset*: where it goes on, *clock*: the kernel's). ``output`` has bytes for
  *pages* that have all up to *after*; they begin at *offset* and belong to *streams*,
  pairs of name and length. ``saved`` is the same for one *page*, with the *total*.
  ``usage`` says, once a second while a page looks, what the job uses (see ``gauge``).
  ``done`` answers a button (*page*, *seq*, *error*: a text or nothing). ``forget`` is
  the last: the job was cleared, and what is on the page stays there.
"""

from __future__ import annotations

import json
import secrets
from collections import deque
from collections.abc import Callable

import anywidget
import traitlets

from ipyproc._jobs.job import Job
from ipyproc.views import assets
from ipyproc.views.render import html
from ipyproc.views.render.format import snapshot
from ipyproc.views.subshells import answer_where_asked
from ipyproc.views.transport import actions
from ipyproc.views.transport.actions import number
from ipyproc.views.transport.output_feed import Feed, Message, Pauses
from ipyproc.views.transport.rate_limiter import OPENING, STATUSES, Publisher
from ipyproc.views.transport.usage_feed import Gauge
from ipyproc.views.transport.viewers import is_name

#: The one thread that sends for all views of this kernel.
shared = Publisher()

_MOST_REPLIES = 64

# Seconds between tails: nobody may be there, and what is sent to nobody is kept for
# ever by the server, so they come less and less often.
_TAILS = (0.25, 2.0, 60.0)
# A first tail of so few bytes goes out at once: a page shows it before it is heard.
_SHORT = 2048
# Seconds after which a quiet stream is marked, and how often: a mark may be lost, too.
_MARKS = (1.0, 4.0, 60.0)
_MOST_MARKS = 3


class JobView(anywidget.AnyWidget):
    """The pane of one job: its output, its state, and buttons that signal it.

    Everything is sent from the publisher's thread; whatever may be called here may be
    called from any thread and returns at once.
    """

    _esm = assets.script("job")
    _css = assets.style("job")

    #: By this name the page finds the static rendering, and the model itself.
    token = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    tail = traitlets.Dict().tag(sync=True)
    signals: traitlets.List[str] = traitlets.List().tag(sync=True)
    #: How many lines of output there is room for; longer output is scrolled.
    height = traitlets.Int(html.HEIGHT, min=1).tag(sync=True)

    def __init__(self, job: Job, publisher: Publisher = shared) -> None:
        self._job = job
        self._publisher = publisher
        self._feed = Feed(job)
        self._gauge = Gauge(job)
        self._tails = Pauses(*_TAILS)
        self._tails.begin()  # a page that is heard before needs no long one
        self._marks = Pauses(*_MARKS)
        self._marked = _MOST_MARKS
        self._forgotten = self._missed = False
        # Composed when they are sent: a page that joins must hear of it first.
        self._replies: deque[Callable[[], Message]] = deque(maxlen=_MOST_REPLIES)
        self._endings: deque[Callable[[], int]] = deque()
        token = secrets.token_hex(16)
        super().__init__(
            model_id=token,
            token=token,
            state=snapshot(job),
            tail=self._feed.tail(),
            signals=list(actions.SIGNALS),
        )
        self._tailed = self._job.total
        opened = [self._esm, self._css, self.state, self.signals]
        self._publisher.account(len(json.dumps(opened)), OPENING)
        self.on_msg(self._heard)
        answer_where_asked(self.comm)
        self._unsubscribe = job.subscribe(self._changed)
        self._changed(job)

    @property
    def job(self) -> Job:
        """The job that is shown."""
        return self._job

    @property
    def watched(self) -> bool:
        """Whether a page has said that it shows this."""
        return self._feed.audience.known

    def shown(self, size: int) -> None:
        """Reckon in that it was put on display, in *size* bytes."""
        self._publisher.account(size)

    def at_end(self, callback: Callable[[], int]) -> None:
        """Have *callback* send, after the end, what it returns the size of."""
        self._endings.append(callback)
        self._publisher.wake(self)

    def close(self) -> None:
        """Take the pane off the page; the job goes on."""
        if hasattr(self, "_unsubscribe"):
            self._unsubscribe()
            self._publisher.forget(self)
        super().close()

    def forget(self) -> None:
        """Let the job go, which nobody will ask for any more; its picture stays."""
        self._forgotten = True
        self._publisher.wake(self)

    def retire(self) -> None:
        """Close it, and leave nothing of size in a notebook that was told of it."""
        # Who keeps bytes for a notebook forgets only those that others replace.
        self._esm, self._css, self.tail = "", "", {"data": b""}
        self.close()

    def set_state(self, sync_data: dict[str, object]) -> None:
        """Ignore what a page writes to the state: it shows, and decides nothing."""

    def publish(self, room: int) -> int:
        """Send what is most urgent; return its size, or 0 if there is nothing."""
        for send in (
            self._send_state,
            self._send_reply,
            self._send_tail,
            self._finish,
            self._send_usage,
        ):
            if size := send():
                return size
        return self._send_output(room) or self._send_mark() or self._send_last()

    def due(self) -> float | None:
        """Say when there will be something to send, on ``time.monotonic()``."""
        times = [self._tails.next] if self._tail_is_old() else []
        times += [self._marks.next] if self._marks_left() else []
        times += [at for at in [self._gauge.due()] if at is not None]
        return min(times, default=None)

    def _changed(self, _: Job) -> None:
        self._publisher.wake(self)

    def _send_state(self) -> int:
        new = snapshot(self._job)
        if new != self.state:
            self.state = new
        elif self._missed:
            self.send_state("state")
        else:
            return 0
        self._missed = False
        return len(json.dumps(new))

    def _send_reply(self) -> int:
        return self._say(self._replies.popleft()()) if self._replies else 0

    def _say(self, message: Message | None) -> int:
        if message is None:
            return 0
        self.send(message.content, [message.data] if message.data else None)
        return message.size

    def _send_usage(self) -> int:
        found = self._gauge.measure()
        return self._say(Message(found)) if found else 0

    def _send_output(self, room: int) -> int:
        size = self._say(self._feed.next(room))
        if size:
            self._marked = 0
            self._marks.restart()
        return size

    def _send_mark(self) -> int:
        if not self._marks_left() or not self._marks.over:
            return 0
        self._marked += 1
        self._marks.begin()
        return self._say(self._feed.mark())

    def _marks_left(self) -> bool:
        """Tell whether marks are needed: at the end the state names the total."""
        return self._marked < _MOST_MARKS and not self._job.finished

    def _tail_is_old(self) -> bool:
        """Tell whether the tail lacks something, and pages may depend on it."""
        if self._tailed == self._job.total:
            return False
        return self._job.finished or not self._feed.audience.flows

    def _send_tail(self) -> int:
        is_short = self._tailed == 0 and self._job.total <= _SHORT
        now = self._tails.over or self._job.finished or is_short
        if not now or not self._tail_is_old():
            return 0
        self._tails.begin()
        self._tailed = self._job.total
        self.tail = self._feed.tail()
        return len(self.tail["data"])

    def _finish(self) -> int:
        """Do one thing that was to be done after the end."""
        ready = self._endings and self._job.finished
        return self._endings.popleft()() if ready else 0

    def _send_last(self) -> int:
        """Say good-bye, when all has been said of a job that was forgotten."""
        if not self._forgotten or not self._job.finished:
            return 0
        size = self._say(Message({"kind": "forget"}))
        self.close()
        return size

    def _heard(self, _: object, content: object, __: object) -> None:
        """Do what a page asks for, if it is an entry of the table of actions."""
        self._publisher.account(0, STATUSES)
        if not isinstance(content, dict) or not is_name(content.get("page")):
            return
        action = content.get("action")
        if isinstance(action, str) and action in _REQUESTS:
            _REQUESTS[action](self, content)
        elif act := actions.act(self._job, content):
            self._act(content, act)

    def _reply(self, compose: Callable[[], Message]) -> None:
        self._replies.append(compose)
        self._publisher.wake(self)

    def _ready(self, asked: actions.Asked) -> None:
        have, seq = number(asked.get("have")), number(asked.get("seq"))
        self._reply(lambda: self._feed.join(asked["page"], have, seq))

    def _acknowledged(self, asked: actions.Asked) -> None:
        offset = number(asked.get("offset"))
        if offset is not None:
            self._feed.audience.acknowledge(asked["page"], offset)
            self._publisher.wake(self)

    def _look(self, asked: actions.Asked) -> None:
        self._gauge.look(asked["page"], asked.get("tree") is True)
        # Who looks at what has ended was not told, for the server may drop anything.
        self._missed = self.state["ran"] is not None
        self._publisher.wake(self)

    def _save(self, asked: actions.Asked) -> None:
        offset = number(asked.get("offset"))
        if offset is not None:
            self._reply(lambda: self._feed.saved(asked["page"], offset))

    def _act(self, asked: actions.Asked, act: actions.Act) -> None:
        """Do something to the job, and tell the page how it went."""

        def done() -> None:
            answer = Message(actions.done(asked, act))
            self._reply(lambda: answer)

        self._publisher.call(done)  # to look for a job's descendants may take a while


# What a page asks of the view itself.
_REQUESTS: dict[str, Callable[[JobView, actions.Asked], None]] = {
    "ready": JobView._ready,
    "ack": JobView._acknowledged,
    "look": JobView._look,
    "save": JobView._save,
}
