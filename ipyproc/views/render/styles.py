"""Colours and inline styles of static HTML, and the colours of a status badge.

The colours are legible on white and on black, for nobody knows the page that the HTML
ends up in.
"""

from __future__ import annotations

from typing import Final

from ipyproc.views.terminal.sgr import rgb

#: The sixteen colours of a terminal.
PALETTE: Final = (
    *("#5c6370", "#cc3e44", "#2f8f46", "#a07000", "#3b78d8", "#a64fc0", "#15878f"),
    *("#7d8590", "#6e7681", "#e0525a", "#3fa055", "#b8860b", "#4f8cf0", "#b765d0"),
    *("#2a9aa3", "#8b949e"),
)
_RED, _GREEN, _YELLOW, BLUE, _MAGENTA = PALETTE[1:6]
_GREY = PALETTE[7]
_LINE = "#8888"

# By status or phase; how a job ended decides the colour of the others.
_BADGES = {
    "queued": _GREY,
    "running": BLUE,
    "stopped": _YELLOW,
    "released": _YELLOW,
    "zombie": _MAGENTA,
    "gone": _GREY,
}
# In a life line the colours tell the phases apart.
_PHASES = {
    "event": _LINE,
    "program": BLUE,
    "running": _GREEN,
    "ok": _GREEN,
    "stopped": _YELLOW,
    "released": _YELLOW,
    "zombie": _MAGENTA,
}

#: The border around a view. Inside it is either a header or padding.
FRAME: Final = "border:1px solid #8886;border-radius:4px;text-align:left"
BORDER: Final = "#8886"
HEADER: Final = "padding:4px 10px"
PADDED: Final = f"{FRAME};padding:6px 10px"

#: A small table, and one whose cells touch.
TABLE: Final = "margin:4px 0;border:0;font-size:12px"
JOINED: Final = f"{TABLE};border-collapse:collapse"

#: Facts stand side by side.
FACTS: Final = "display:flex;flex-wrap:wrap;gap:2px 20px"

#: A table that is shown to a whole room.
LARGE_TABLE: Final = (
    "width:100%;table-layout:auto;margin:6px 0;border:0;font-size:16px;"
    "border-collapse:collapse"
)
#: Commands and output, and what they are in.
CODE: Final = "background:none;font-size:12px;white-space:normal"
OUTPUT: Final = (
    "flex:none;max-height:none;padding:4px 0;overflow:visible;background:none;"
    "font:13px/1.4 var(--jp-code-font-family,monospace);white-space:pre-wrap;"
    "overflow-wrap:anywhere"
)
#: Where long output is scrolled: its end is in sight, on paper too.
SCROLLED: Final = (
    "display:flex;flex-direction:column-reverse;overflow:auto;font-size:13px;"
    "margin-top:4px;padding:0;background:none"
)
#: The height of a line of output, in ``em``.
LINE_HEIGHT: Final = 1.4
#: Output is no mathematics, whatever stands between two dollars.
NO_MATHS: Final = "tex2jax_ignore mathjax_ignore"

# What a word of a style means (see `terminal.sgr`).
_WORDS = {
    "bold": "font-weight:bold",
    "dim": "opacity:.7",
    "italic": "font-style:italic",
    "underline": "text-decoration:underline",
    "strike": "text-decoration:line-through",
    "inverse": "outline:1px solid",
    "stderr": f"border-bottom:1px dotted {_RED}",
    "note": "opacity:.7;font-style:italic",
}


def badge(status: str, success: bool | None = None) -> str:
    """Return the colour of a status; *success* decides for a job that has ended.

    >>> badge("running"), badge("exited", True), badge("exited", False)
    ('#3b78d8', '#2f8f46', '#cc3e44')
    """
    return _BADGES.get(status, _GREEN if success else _RED)


def phase(kind: str) -> str:
    """Return the colour of a cell in a life line."""
    return _PHASES.get(kind, _GREY)


def css(style: str) -> str:
    """Return the declarations for the style of a piece of output.

    >>> css("bold fg=1 bg=196")
    'font-weight:bold;color:#cc3e44;background-color:#ff0000'
    """
    return ";".join(filter(None, map(_declaration, style.split())))


def _declaration(word: str) -> str:
    key, _, value = word.partition("=")
    if key in ("fg", "bg"):
        return f"{'background-' * (key == 'bg')}color:{_colour(value)}"
    return _WORDS.get(key, "")


def _colour(value: str) -> str:
    if value.startswith("#"):
        return value
    return PALETTE[int(value)] if int(value) < 16 else rgb(int(value))
