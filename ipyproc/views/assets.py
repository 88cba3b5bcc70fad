"""The page's scripts and style sheets, as ``frontend/build.mjs`` built them.

Each widget has one script and one style sheet of its name: anywidget copies the two
into each model, and into each notebook that is saved with it.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).with_name("static")


def script(name: str) -> str:
    """Return the script of a widget."""
    return _read(f"{name}.js")


def style(name: str) -> str:
    """Return the style sheet of a widget."""
    return _read(f"{name}.css")


def _read(name: str) -> str:
    try:
        return (FOLDER / name).read_text("utf-8")
    except FileNotFoundError:
        # Only a checkout can be without them: wheels and sdists carry them.
        raise ImportError(
            f"ipyproc's page is not built ({name} is missing): run `make page`, or "
            f"install ipyproc again with pip"
        ) from None
