"""Widgets that have a static rendering, and leave that in the notebook.

A cell's output is a widget's view at first, beside its text and HTML for who shows no
widgets. A notebook that is saved like that and opened without its kernel would show
nothing. So a page of JupyterLab or Notebook says ``settle`` as soon as it shows the
widget, the output becomes the HTML alone, and there the page puts the widget (see
``frontend/src/live.ts``). Whenever the widget changes, so does the HTML.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from typing import Any

import anywidget
import traitlets
from IPython import get_ipython

from ipyproc.views.display import asks, size_of
from ipyproc.views.transport.rate_limiter import OPENING, STATUSES, Publisher
from ipyproc.views.widgets.job import shared

# The cells that showed it last are kept up to date: nobody says which are still there.
_MOST_PLACES = 16


class Twin(anywidget.AnyWidget):
    """A widget, and the same as text and HTML.

    What is sent after the beginning is sent by the publisher's thread; subclasses call
    `changed` from any thread.
    """

    #: By this name the page finds the static rendering, and the model itself.
    token = traitlets.Unicode().tag(sync=True)

    def __init__(self, publisher: Publisher = shared, **traits: object) -> None:
        self._publisher = publisher
        self._is_closed = False
        self._places: list[Place] = []
        token = secrets.token_hex(16)
        super().__init__(model_id=token, token=token, **traits)
        opened = [self._esm, self._css, traits]
        publisher.account(len(json.dumps(opened)), OPENING)
        self.on_msg(self._heard)

    def text(self) -> str:
        """Return what it shows as text."""
        raise NotImplementedError

    def html(self) -> str:
        """Return what it shows as HTML that needs nothing else."""
        raise NotImplementedError

    @property
    def final(self) -> bool:
        """Whether nothing will change any more, so that no widget is needed."""
        return False

    def catch_up(self) -> None:
        """Look at what is shown, for a cell has just ended."""

    def changed(self) -> None:
        """Have what changed shown, soon; nothing of one that was closed."""
        if not self._is_closed:
            self._publisher.wake(self)

    def close(self) -> None:
        """Show changes no more; what is shown stays as static HTML."""
        self._is_closed = True
        if hasattr(self, "_publisher"):  # it may have come to nothing
            self._publisher.forget(self)
        super().close()

    def publish(self, room: int) -> int:
        """Send what is new; return its size, or 0 if there is nothing."""
        return self._refresh() or self._update(self._places)

    def due(self) -> float | None:
        """Say that there will be nothing before `changed` is called."""
        return None

    def _refresh(self) -> int:
        """Change the synced traits to what they should be; return the size of that."""
        return 0

    def _update(self, places: Iterable[Place]) -> int:
        """Show what changed in the first place that lacks it; return the size."""
        return next((size for place in places if (size := place.update())), 0)

    def _heard(self, _: object, content: object, __: object) -> None:
        self._publisher.account(0, STATUSES)
        if isinstance(content, dict) and content.get("action") == "settle":
            for place in self._places:
                place.settled = True
            self.changed()

    def _static(self) -> dict[str, Any]:
        page = f'<div id="ipyproc-{self.token}">{self.html()}</div>'
        return {"text/plain": self.text(), "text/html": page}

    def _ipython_display_(self) -> None:
        """Show it in the current cell, or print it where there is no notebook."""
        shell = get_ipython()
        if getattr(shell, "kernel", None) is None:
            print(self.text())
            return
        place = Place(self, shell)
        self._publisher.account(place.size)
        if not self._places:
            shell.events.register("post_run_cell", self._after_cell)
            if place.headless:
                # No page will load it, and it would be saved with the notebook.
                self._esm, self._css = "", ""
        self._places = [*self._places, place][-_MOST_PLACES:]

    def _after_cell(self, *_: object) -> None:
        self.catch_up()
        # What runs a notebook without a page listens only while a cell runs.
        for place in self._places:
            if place.headless:
                place.show()
        if self.final or self.comm is None:
            get_ipython().events.unregister("post_run_cell", self._after_cell)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], Any]:
        """Name the widget; its text is for IPython 7 in a terminal, which asks here."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return data | {"text/plain": self.text()}, metadata


class Place:
    """One place in a notebook where it is shown."""

    def __init__(self, twin: Twin, shell: Any) -> None:
        self._twin = twin
        self._id = secrets.token_hex(16)
        # Where it was shown first it is updated, also while a cell captures its output.
        self._publisher = shell.display_pub
        #: Whether nobody sits in front, so that no page will ever look.
        self.headless = not asks(shell)
        #: Whether HTML is shown, or shall be.
        self.settled = self.headless
        self._shown = twin._static()
        widget, metadata = ({}, {}) if self.headless else _widget(twin)
        self._is_html = not widget
        self._publish(widget | self._shown, metadata)

    @property
    def size(self) -> int:
        """About how many bytes it takes to show what is shown."""
        return size_of(self._shown)

    def update(self) -> int:
        """Show what changed, if a page shows HTML here; return the size of that."""
        self.settled |= self._twin.final
        return self.show() if self.settled and not self.headless else 0

    def show(self) -> int:
        """Show what changed as HTML; return the size of that."""
        new = self._twin._static()
        if self._is_html and new == self._shown:
            return 0
        self._shown, self._is_html = new, True
        self._publish(new, {}, update=True)
        return self.size

    def _publish(self, data: Any, metadata: Any, update: bool = False) -> None:
        transient = {"display_id": self._id}
        self._publisher.publish(data, metadata, transient=transient, update=update)


def _widget(twin: Twin) -> tuple[dict[str, Any], dict[str, Any]]:
    data, metadata = twin._repr_mimebundle_()
    return {kind: data[kind] for kind in data if kind != "text/plain"}, metadata
