"""The base of all live widgets: their name, their pages, and their places.

A widget is a picture. What it shows goes to the page in synced traits and in messages
(see `transport.protocol`); a page can name an entry of a table, and nothing that it
writes to a trait is believed.

What is known of the pages belongs to the thread that sends, the publisher's. Another
thread never changes it, but posts to it: what a page asks for waits in a queue until it
is the widget's turn. What changes something in the world (a signal, input) is done by
the thread of `transport.worker`, and its outcome is posted.
"""

from __future__ import annotations

import json
import secrets
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, TypeAlias, TypeGuard

import anywidget
import traitlets
from IPython import get_ipython

from ipyproc.views.transport import actions, document
from ipyproc.views.transport.output_feed import Message
from ipyproc.views.transport.protocol import (
    Asked,
    Away,
    Done,
    FromPage,
    Leave,
    Look,
    Settle,
)
from ipyproc.views.transport.rate_limiter import (
    OPENING,
    OVERHEAD,
    STATUSES,
    Publisher,
    shared,
)
from ipyproc.views.transport.viewers import Viewers
from ipyproc.views.widgets.place import Bundle, Place, accepts_input

# So many requests of pages may wait; beyond that the oldest is dropped.
_MOST_REQUESTS = 64

# Where a view stands: it adds nothing to what is there.
_HOST = "margin:0;padding:0;border:0"

#: What a widget does for a request, by its action; returns the bytes that it sent.
Requests: TypeAlias = dict[str, Callable[[Any, Any], int]]


class LiveWidget(anywidget.AnyWidget):
    """A widget that is live while its kernel is there, and the same as text and HTML.

    Public methods may be called from any thread and return at once.
    """

    #: The id of the model; by this name the page also finds the static rendering.
    token = traitlets.Unicode().tag(sync=True)

    #: So many places are kept up to date: nothing tells us which still exist.
    MOST_PLACES: ClassVar[int] = 16

    #: What the file was told last; any thread sets it.
    told: Bundle | None = None

    _is_open = False

    def __init__(
        self,
        publisher: Publisher = shared,
        viewers: Viewers | None = None,
        **traits: object,
    ) -> None:
        """Open it, last: a page may send a message at once, and all else must exist."""
        self._publisher = publisher
        self._viewers = viewers or Viewers()
        self._requests: deque[Callable[[], int]] = deque(maxlen=_MOST_REQUESTS)
        self._places: list[Place] = []
        self._unfollow: Callable[[], None] | None = None
        token = secrets.token_hex(16)
        super().__init__(model_id=token, token=token, **traits)
        self._is_open = True
        publisher.account(size_of([self._esm, self._css, traits]), OPENING)
        self.on_msg(self._heard)
        actions.answer_where_asked(self.comm)

    # --- what subclasses say

    def text(self) -> str:
        """Return what is shown as text."""
        raise NotImplementedError

    def html(self) -> str:
        """Return what is shown as HTML that needs nothing else."""
        raise NotImplementedError

    @property
    def final(self) -> bool:
        """Whether nothing will change any more, so that no widget is needed."""
        return False

    @property
    def settles(self) -> bool:
        """Whether it is to be shown as HTML from now on."""
        return self.final

    def catch_up(self) -> None:
        """Look for changes, for a cell has just ended."""

    def act(self, asked: Asked) -> actions.Act | None:
        """Return what a button does; None if it does nothing."""
        return None

    def refresh(self, room: int) -> int:
        """Send what is most urgent, about *room* bytes; return its size, or 0."""
        return 0

    def over(self) -> None:
        """Clean up once every place without a page shows the end."""

    # --- life

    def changed(self) -> None:
        """Ask for a turn to send what changed; a closed widget sends nothing."""
        if self._is_open:
            self._publisher.wake(self)

    def close(self) -> None:
        """Stop showing changes; what is shown stays as static HTML."""
        if self._is_open:
            self._is_open = False
            self._publisher.forget(self)
            self._stop_following()
        super().close()

    def retire(self) -> None:
        """Close it, and leave nothing large in a notebook that keeps its state.

        Where a saved notebook keeps the state of models, only new values replace the
        old ones.
        """
        self._esm, self._css = "", ""
        self.close()

    def set_state(self, sync_data: dict[str, object]) -> None:
        """Ignore what a page writes to the traits."""

    # --- the publisher's side

    def publish(self, room: int) -> int:
        """Send what is most urgent; return its size, or 0 if there is nothing."""
        if not self._is_open:
            return 0
        return self.answer() or self.refresh(room) or self.update(self._places)

    def due(self) -> float | None:
        """Return when there will be something to send without a call of `changed`."""
        return None

    def answer(self) -> int:
        """Do what pages asked for, up to the first answer; return its size."""
        while self._requests:
            if size := self._requests.popleft()():
                return size
        return 0

    def say(self, message: Message | None) -> int:
        """Send a message to the pages; return its size, 0 if there is none."""
        if message is None:
            return 0
        self.send(message.content, [message.data] if message.data else None)
        return size_of(message.content) + len(message.data) + OVERHEAD

    def update(self, places: list[Place]) -> int:
        """Show what changed in the first place that is out of date; return the size."""
        live = (place for place in places if not place.headless)
        return next((size for place in live if (size := place.update())), 0)

    # --- what pages ask for

    def _heard(self, _: object, content: object, __: object) -> None:
        """Handle a message of a page, on the thread that received it."""
        self._publisher.account(0, STATUSES)
        asked = actions.read(content)
        if asked is None:
            return
        if _changes_something(asked):
            if act := self.act(asked):
                actions.perform(asked, act, partial(self._done, asked))
        elif request := self.REQUESTS.get(asked["action"]):
            self._post(partial(request, self, asked))

    def _post(self, request: Callable[[], int]) -> None:
        self._requests.append(request)
        self.changed()

    def _done(self, asked: Asked, done: Done) -> None:
        """Note the outcome of what was asked, on the thread that did it."""
        self._post(partial(self._tell, done))

    def _tell(self, done: Done) -> int:
        """Send a page the outcome of its button."""
        return self.say(Message(done))

    def _look(self, asked: Look) -> int:
        self._viewers.look(asked["page"], asked.get("tree", False))
        return 0

    def _away(self, asked: Away) -> int:
        self._viewers.away(asked["page"])
        return 0

    def _leave(self, asked: Leave) -> int:
        self._viewers.leave(asked["page"])
        return 0

    def _settle(self, asked: Settle) -> int:
        """Turn the output into static HTML in all places."""
        return sum(place.settle() for place in self._places)

    #: All that a page can ask for, besides buttons.
    REQUESTS: ClassVar[Requests] = {
        "look": _look,
        "away": _away,
        "leave": _leave,
        "settle": _settle,
    }

    # --- places

    def display(self, shell: Any) -> None:
        """Show it in the current cell of *shell*, which belongs to a kernel."""
        place = self.place(shell)
        self._publisher.account(place.size)
        self._places = [*self._places, place][-self.MOST_PLACES :]
        self._follow(shell, self.events(place))
        self.changed()

    def hand_over(self, other: LiveWidget) -> int:
        """Show *other* where this one was shown last; return the size of that."""
        if not self._places:
            return 0
        *self._places, place = self._places
        place.show(other)
        other._places = [*other._places, place]
        other.changed()
        return place.size

    def place(self, shell: Any) -> Place:
        """Show it; as static HTML at once where no page will load a widget."""
        headless = not accepts_input(shell)
        place = Place(self, shell, is_live=not headless)
        place.settled = headless
        if headless:
            self._esm, self._css = "", ""  # else they are saved with the notebook
        return place

    def events(self, place: Place) -> tuple[str, ...]:
        """Return the events of the shell at which it catches up."""
        return ("post_run_cell",)

    def static(self) -> Bundle:
        """Return it as text and HTML, which the page finds by the token."""
        return self.bundle(self.text(), self.html())

    def newest(self) -> Bundle | None:
        """Return the same where it was drawn before, if that takes long."""
        return self.static()

    def bundle(self, text: str, html: str) -> Bundle:
        """Return *text* and *html*, which the page finds by the token."""
        # Sanitisers that show a div as text leave a quotation alone.
        page = (
            f'<blockquote id="ipyproc-{self.token}" style="{_HOST}">{html}</blockquote>'
        )
        return {"text/plain": text, "text/html": page}

    def to_file(self, static: Bundle, final: bool, ran: str = "") -> None:
        """Have *static* in the file, where the front end can write it; any thread.

        *final*: it will not change again. *ran* is the session of the client that ran
        the cell, said once.
        """
        self.told = static
        document.shared.tell(self.token, static, final, ran)

    def widget(self) -> tuple[Bundle, Bundle]:
        """Return data and metadata that show it as a widget; empty if it is closed."""
        bundle = super()._repr_mimebundle_() if self.comm else None
        data, metadata = bundle or ({}, {})
        return {kind: data[kind] for kind in data if kind != "text/plain"}, metadata

    def _follow(self, shell: Any, events: tuple[str, ...]) -> None:
        if self._unfollow is not None or not events:
            return

        def unfollow() -> None:
            for event in events:
                shell.events.unregister(event, self._between_cells)

        for event in events:
            shell.events.register(event, self._between_cells)
        self._unfollow = unfollow

    def _stop_following(self) -> None:
        unfollow, self._unfollow = self._unfollow, None
        if unfollow is not None:
            unfollow()

    def _between_cells(self, *_: object) -> None:
        self.catch_up()
        is_over = self.final or self.comm is None  # asked first: it may end meanwhile
        # What runs a notebook without a page listens only while a cell runs.
        for place in self._places:
            if place.headless:
                place.update()
        if is_over:
            self._stop_following()
            self.over()

    def _ipython_display_(self) -> None:
        """Show it in the current cell, or print it where there is no notebook."""
        shell = get_ipython()
        if getattr(shell, "kernel", None) is None:
            print(self.text())
        else:
            self.display(shell)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[Bundle, Bundle]:
        """Return the widget and its text; IPython 7 asks for it in a terminal."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return data | {"text/plain": self.text()}, metadata


def _changes_something(asked: FromPage) -> TypeGuard[Asked]:
    return asked["action"] in actions.ACTIONS


def size_of(content: object) -> int:
    """Return how many bytes *content* takes, bytes in it counted as they are."""
    return len(json.dumps(content, default=lambda data: "." * len(data)))
