"""What is to be in the file: the newest text and HTML of each view, for the front end.

Only a front end can write into a notebook. JupyterLab and Notebook 7 have an extension
of ours (``views/frontend/lab``) that writes what it hears here into the output
of the view, which it finds by the token. No comm is opened in the page, for a front end
without the extension would refuse it. Instead a comm with a fixed id is registered: a
page that comes later finds it among the comms of the kernel, and one that is there
already is told by a message that all others ignore.

A page says which views its notebook has, and is sent the newest of each; then what
changes. If it is not heard for a while, nothing more is sent but a question, now and
then, while views change: what is sent to nobody stays in the server's memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import comm

from ipyproc.views.transport import actions
from ipyproc.views.transport.file_protocol import (
    FromKernelToFile,
    Here,
    Picture,
    Running,
    Unknown,
)
from ipyproc.views.transport.pauses import Pauses
from ipyproc.views.transport.rate_limiter import OVERHEAD, STATUSES, Publisher
from ipyproc.views.transport.rate_limiter import shared as _publisher

#: The id of the comm, which is also the name of its target.
NAME: Final = "ipyproc.document"
#: Characters that are kept for pages that come later, of all views together.
MOST_KEPT: Final = 4 << 20
#: Characters that may be under way to pages that were not heard since.
WINDOW: Final = 512 * 1024

# After so many characters pages are asked to say that they hear.
_ASK = WINDOW // 4
# Seconds between two questions to pages that are not heard.
_QUESTIONS = (5.0, 2.0, 600.0)
# The most views that a page may name at once, and the longest name.
_MOST_TOKENS = 2000
_LONGEST_TOKEN = 64


@dataclass(frozen=True, slots=True)
class _View:
    """The newest of a view, and the session of the client that ran its cell."""

    data: dict[str, str]
    final: bool
    ran: str

    @property
    def size(self) -> int:
        return sum(map(len, self.data.values()))


class Document:
    """Sends the newest of each view to pages that can write it into the file.

    Methods may be called from any thread and return at once.
    """

    def __init__(self, publisher: Publisher = _publisher) -> None:
        self._publisher = publisher
        # Re-entrant, for a signal handler may meet it held.
        self._changing = threading.RLock()
        self._comm: Any = None
        self._views: dict[str, _View] = {}  # those that changed last come last
        self._unsent: dict[str, None] = {}
        self._unknown: list[str] = []
        # How many jobs run, and whether all pages know that; none is what they assume.
        self._running = 0
        self._is_counted = True
        self._asks = False  # whether pages are to be told that it is here
        self._is_heard = False  # whether any page ever was
        self._under_way = self._unasked = 0
        self._questions = Pauses(*_QUESTIONS)

    # --- for views

    @property
    def is_heard(self) -> bool:
        """Whether a page ever heard it."""
        return self._is_heard

    def open(self) -> None:
        """Open it to the pages of this kernel, again if one of them closed it."""
        with self._changing:
            if self._comm is not None and _is_registered(self._comm):
                return
            self._comm = _registered(self._heard)
            self._asks = True
        self._publisher.wake(self)

    def tell(
        self, token: str, data: dict[str, str], final: bool, ran: str = ""
    ) -> None:
        """Set the text and the HTML, *data*, of the output of the view *token*.

        *final*: it will not change again. *ran* is the session of the client that ran
        the cell, said once. Does nothing unless it is open.
        """
        with self._changing:
            if self._comm is None:
                return
            before = self._views.get(token)
            new = _View(data, final, ran or (before.ran if before else ""))
            if before == new:
                return
            self._views.pop(token, None)
            self._views[token] = new
            self._unsent[token] = None
            self._forget_some()
        self._publisher.wake(self)

    def count(self, running: int) -> None:
        """Set how many jobs of this kernel run."""
        with self._changing:
            if self._comm is None or self._running == running:
                return
            self._running, self._is_counted = running, False
        self._publisher.wake(self)

    def close(self) -> None:
        """Forget all views, and let no page hear it until it is opened again."""
        with self._changing:
            closing, self._comm = self._comm, None
            self._views, self._unsent, self._unknown = {}, {}, []
            self._running, self._is_counted = 0, True
            self._asks = self._is_heard = False
            self._under_way = self._unasked = 0
        self._publisher.forget(self)
        if closing is not None:
            with suppress(KeyError):  # a page that opened one of its id removed it
                closing.close()

    def _forget_some(self) -> None:
        """Keep to the limit: what is final goes first, and then the eldest."""
        left = sum(view.size for view in self._views.values()) - MOST_KEPT
        for token in sorted(self._views, key=lambda key: not self._views[key].final):
            if left <= 0:
                return
            left -= self._views.pop(token).size
            self._unsent.pop(token, None)

    # --- the publisher's side

    def publish(self, room: int) -> int:
        """Send one message; return its size, or 0 if there is nothing to send."""
        with self._changing:
            sending, message = self._comm, self._next()
            size = _size(message)
            self._under_way += size
            self._unasked += size
        if sending is None or message is None:
            return 0
        sending.send(message)
        return size + OVERHEAD

    def due(self) -> float | None:
        """Return None: there is something to send only after a call."""
        return None

    @property
    def _is_full(self) -> bool:
        return self._under_way >= WINDOW

    @property
    def _is_in_question(self) -> bool:
        """Whether it is time to ask if a page hears: it should have said so."""
        return self._is_full and self._questions.over

    def _next(self) -> FromKernelToFile | None:
        if self._asks or self._is_in_question:
            self._asks = False
            self._questions.begin()
            return Here(kind="here")
        if self._unknown:
            unknown, self._unknown = self._unknown, []
            return Unknown(kind="unknown", tokens=unknown)
        if self._is_heard and not self._is_counted:
            self._is_counted = True
            return Running(kind="running", count=self._running)
        if not self._unsent or not self._is_heard or self._is_full:
            return None
        token = next(iter(self._unsent))
        del self._unsent[token]
        return self._picture(token)

    def _picture(self, token: str) -> Picture:
        view = self._views[token]
        asks = self._unasked >= _ASK
        if asks:
            self._unasked = 0
        return Picture(
            kind="picture",
            token=token,
            data=view.data,
            final=view.final,
            ran=view.ran,
            asks=asks,
        )

    # --- what pages say

    def _heard(self, message: dict[str, Any]) -> None:
        """Note that a page hears, on the thread that received its message."""
        self._publisher.account(0, STATUSES)
        with self._changing:
            match message["content"]["data"]:
                case {"action": "hello", "tokens": [*tokens]}:
                    self._meet(tokens[:_MOST_TOKENS])
                case {"action": "heard"}:
                    pass
                case _:
                    return
            self._is_heard = True
            self._under_way = self._unasked = 0
            self._questions.restart()
        self._publisher.wake(self)

    def _meet(self, tokens: list[object]) -> None:
        """Send a page the views of its notebook, and say which are unknown here."""
        names = [t for t in tokens if isinstance(t, str) and len(t) <= _LONGEST_TOKEN]
        self._is_counted = self._is_counted and not self._running
        self._unsent |= dict.fromkeys(t for t in names if t in self._views)
        self._unknown = [t for t in names if t not in self._views]


#: The one of this kernel.
shared: Final = Document()


def _registered(heard: Callable[[dict[str, Any]], None]) -> Any:
    """Return a comm that the kernel knows, and of which no page was told."""
    new = comm.create_comm(target_name=NAME, comm_id=NAME, primary=False)
    new.on_msg(heard)
    actions.answer_where_asked(new)
    comm.get_comm_manager().register_comm(new)
    return new


def _is_registered(known: Any) -> bool:
    """Whether pages find the comm: one of them may have closed it."""
    return comm.get_comm_manager().get_comm(NAME) is known


def _size(message: FromKernelToFile | None) -> int:
    if message is None or message["kind"] == "here" or message["kind"] == "running":
        return 0
    if message["kind"] == "unknown":
        return sum(map(len, message["tokens"]))
    return sum(map(len, message["data"].values()))
