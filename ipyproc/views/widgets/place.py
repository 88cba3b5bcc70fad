"""One place in a notebook where a view is shown: as a widget, or as HTML and text.

A notebook that is saved with a widget and opened without its kernel shows nothing. So
the output of the cell becomes static HTML: in JupyterLab and Notebook 7 as soon as the
page has the widget, elsewhere at the end. As long as the kernel is there, the page puts
the widget into that HTML, which it finds by the view's token.

What is published reaches the file only if a page is there and still knows the output.
So each time the front end's extension is told, too (see `transport.document`).
"""

from __future__ import annotations

import secrets
from typing import Any, Protocol

from ipyproc.views.transport import document

Bundle = dict[str, Any]


class Shown(Protocol):
    """What a place needs to know of a view."""

    @property
    def final(self) -> bool:
        """Whether nothing will change any more."""

    @property
    def settles(self) -> bool:
        """Whether it is to be shown as HTML from now on."""

    @property
    def told(self) -> Bundle | None:
        """What the file was told last."""

    def static(self) -> Bundle:
        """Return the view as text and HTML, as it is now."""

    def newest(self) -> Bundle | None:
        """Return the same where it was drawn before, if that takes long."""

    def widget(self) -> tuple[Bundle, Bundle]:
        """Return data and metadata that show it as a widget; empty if it is closed."""

    def to_file(self, static: Bundle, final: bool, ran: str = "") -> None:
        """Have *static* in the file; *ran* is the client that ran the cell."""


class Place:
    """One place where a view is shown.

    Without a user in front it belongs to the main thread, which updates it between
    cells; elsewhere to the thread that sends.
    """

    def __init__(self, view: Shown, shell: Any, *, is_live: bool) -> None:
        """Show *view* in the current cell, with its widget if *is_live*."""
        self._id = secrets.token_hex(16)
        # Updates go where the output went first, also while a cell captures its own.
        self._publisher = shell.display_pub
        #: Whether there is no user in front, so that perhaps no page will ever show it.
        self.headless = not accepts_input(shell)
        self._ran = _session(shell)
        #: Whether it is static HTML, or will be at the next update.
        self.settled = False
        self._is_over = self._is_html = False
        self._static: Bundle = {}
        if not self.headless:
            document.shared.open()
        self._show(view, is_live=is_live)

    @property
    def size(self) -> int:
        """About how many bytes it takes to show what is shown."""
        return sum(map(len, self._static.values()))

    def show(self, view: Shown) -> None:
        """Show another view, as a widget unless it is over."""
        self._show(view, is_live=not view.final, update=True)

    def settle(self) -> int:
        """Show as HTML only what is shown as a widget, too; return the size.

        The page has the widget by now, and puts it there.
        """
        self.settled = True
        if self._is_html:
            return 0
        self._is_html = True
        # The front end takes what it shows for the newest.
        self._static = self._view.told or self._static
        self._publish(self._static, {}, update=True)
        return self.size

    def update(self, *, now: bool = False) -> int:
        """Show the view as HTML if that changed and is due; return the size.

        *now*: as it is now, however long that takes.
        """
        self.settled |= now
        is_over = self._view.final  # asked first: it may end at any moment
        self.settled |= self._view.settles
        if self._is_over or not self.settled:
            return 0
        new = self._view.static() if self.headless or now else self._view.newest()
        if new is None:
            return 0
        self._is_over = is_over
        if self._is_html and new == self._static:
            return 0
        self._static, self._is_html = new, True
        self._publish(new, {}, update=True)
        self._view.to_file(new, is_over)
        return self.size

    def _show(self, view: Shown, *, is_live: bool, update: bool = False) -> None:
        self._view, self.settled = view, False
        self._is_over = view.final  # asked first: it may end at any moment
        self._static = view.static()
        widget, metadata = view.widget() if is_live else ({}, {})
        self._is_html = not widget
        self._is_over &= self._is_html
        # First the front end: a view that nobody told it of is another kernel's.
        self._view.to_file(self._static, self._is_over, self._ran)
        self._publish(widget | self._static, metadata, update)

    def _publish(self, data: Bundle, metadata: Bundle, update: bool = False) -> None:
        transient = {"display_id": self._id}
        self._publisher.publish(data, metadata, transient=transient, update=update)


def accepts_input(shell: Any) -> bool:
    """Whether the front end accepts input requests: then there is a user."""
    return bool(_parent(shell).get("content", {}).get("allow_stdin", True))


def _session(shell: Any) -> str:
    """Return the session of the client that runs the cell; empty if unknown."""
    return str(_parent(shell).get("header", {}).get("session", ""))


def _parent(shell: Any) -> Any:
    return shell.get_parent() if hasattr(shell, "get_parent") else {}
