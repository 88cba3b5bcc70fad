"""The explorer of wait statuses: which of the sixteen bits says what."""

from __future__ import annotations

from html import escape
from typing import Any

import traitlets

from ipyproc._text import signal_text
from ipyproc.state import ProcessState, WaitStatus
from ipyproc.views import assets
from ipyproc.views.render import styles, timeline
from ipyproc.views.render.bits import LARGEST, METHODS, Reading, read, signal_name
from ipyproc.views.render.words import Words
from ipyproc.views.widgets.base import LiveWidget

_CELL = "text-align:left;padding:1px 10px 1px 0;border:0;background:none"
_BIT = (
    "text-align:center;padding:1px 6px;background:none;"
    f"border:1px solid {styles.BORDER}"
)
_NUMBER = "text-align:center;padding:1px 6px;border:0;background:none;opacity:.7"
_FIELD = (
    f"text-align:center;padding:1px 6px;border:0;border-top:2px solid {styles.BLUE}"
)
#: What the page says in the language of the view, in English.
TEXTS = (
    *("Wait status", "Status", "Bits", "Bit {}", "Try", "value"),
    *("the life of process {}", "a number from 0 to 65535, such as 9 or 0x0300"),
    *("no status that wait reports", "exit code {}", "not used", "ended by {}"),
    *("no signal: it exited", "core dump", "no core", "stopped by {}"),
    *("stopped, not ended", "continued: it goes on after a stop"),
)


class WaitStatusView(LiveWidget):
    """Shows what each bit of a wait status means, and lets a reader try others.

    ``value`` is the number shown, from 0 to 65535: set it, or ``observe`` what is
    clicked on the page. ``status`` is the same as a ``WaitStatus``.
    """

    _esm = assets.script("waitstatus")
    _css = assets.style("waitstatus")

    value = traitlets.Int(min=0, max=LARGEST).tag(sync=True)
    words: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    texts = traitlets.Dict().tag(sync=True)
    pid = traitlets.Int().tag(sync=True)

    def __init__(
        self, status: int | ProcessState = 0, lang: str | None = None, **given: Any
    ) -> None:
        self._words = Words(lang)
        pid = status.pid if isinstance(status, ProcessState) else 0
        super().__init__(
            value=_number(status),
            words=_words(),
            pid=pid,
            texts=self._words.of(TEXTS),
            **given,
        )
        self.observe(lambda _: self.changed(), "value")

    @property
    def status(self) -> WaitStatus:
        """The status that is shown."""
        return WaitStatus(self.value)

    def text(self) -> str:
        """Return the bits, and what each method says of them."""
        reading, width = read(self.status, self._words), max(map(len, METHODS))
        names = [field.name(self._words) for field in reading.fields]
        bits = (
            f"{name:9} {field.digits(self.value):>16}  {field.meaning}"
            for name, field in zip(names, reading.fields, strict=True)
        )
        values = (
            f"{name:{width}}  {value}"
            for name, value in zip(METHODS, reading.values, strict=True)
        )
        return "\n".join([f"{_title(self.value)}: {reading.text}", *bits, *values])

    def html(self) -> str:
        """Return the same as tables."""
        words = self._words
        reading = read(self.status, words)
        return (
            f'<div role="region" class="ipyproc-waitstatus" '
            f'aria-label="{words("Wait status")}" style="{styles.PADDED}">'
            f'<p style="margin:0"><b>{_title(self.value)}</b> '
            f"{escape(reading.text)}{self._link()}</p>{_bits(self.value, reading)}"
            f"{_values(reading, words('value'))}</div>"
        )

    def _link(self) -> str:
        """Return a link to the life of the process, wherever that is shown."""
        if not self.pid:
            return ""
        text = self._words("the life of process {}", self.pid)
        return f' <a href="#{timeline.anchor(self.pid)}">{text}</a>'

    def set_state(self, sync_data: dict[str, object]) -> None:
        """Accept the value from a page; all else is ignored."""
        value = sync_data.get("value")
        if type(value) is int and 0 <= value <= LARGEST:
            super(LiveWidget, self).set_state({"value": value})


def explore(status: int | ProcessState = 0, lang: str | None = None) -> WaitStatusView:
    """Show which bits of a wait status say what (Go: ``syscall.WaitStatus``).

    *status* is a number from 0 to 65535, a ``WaitStatus``, or a ``ProcessState``. In a
    notebook the bits can be clicked, and another number typed; elsewhere it is text.
    From a state a link leads to the life of its process. *lang* is ``en`` or ``zh``.

    >>> view = explore(0x8B)  # at the end of a cell it is shown
    >>> view.status.signal, view.status.core_dump
    (11, True)
    >>> view.close()
    """
    return WaitStatusView(status, lang)


def _number(status: int | ProcessState) -> int:
    number = status.sys if isinstance(status, ProcessState) else status
    if not isinstance(number, int):
        kind = type(number).__name__
        raise TypeError(f"status: expected a number or a ProcessState, not {kind}")
    if not 0 <= number <= LARGEST:
        raise ValueError(f"status: expected 0 to {LARGEST}, not {int(number)}")
    return int(number)


def _words() -> list[list[str]]:
    """Return of each signal its name with the number, and Go's text."""
    return [[signal_name(n), signal_text(n)] for n in range(256)]


def _title(value: int) -> str:
    return f"{value:#06x} = {value}"


def _bits(value: int, reading: Reading) -> str:
    numbers = "".join(f'<th style="{_NUMBER}">{n}</th>' for n in range(15, -1, -1))
    bits = "".join(f'<td style="{_BIT}">{bit}</td>' for bit in f"{value:016b}")
    fields = "".join(
        f'<td style="{_FIELD}" colspan="{field.first - field.last + 1}">'
        f"{escape(field.meaning)}</td>"
        for field in reading.fields
    )
    rows = "".join(f"<tr>{row}</tr>" for row in (numbers, bits, fields))
    return f'<table style="{styles.JOINED}"><tbody>{rows}</tbody></table>'


def _values(reading: Reading, heading: str) -> str:
    rows = "".join(
        f'<tr><td style="{_CELL}"><code>{name}</code></td>'
        f'<td style="{_CELL}"><code>{go}()</code></td>'
        f'<td style="{_CELL}"><code>{value}</code></td></tr>'
        for (name, go), value in zip(METHODS.items(), reading.values, strict=True)
    )
    head = "".join(f'<th style="{_CELL}">{h}</th>' for h in ("Python", "Go", heading))
    return (
        f'<table style="{styles.JOINED}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
