"""The page's scripts and style sheets, as ``frontend/build.mjs`` built them.

Each widget has one script and one style sheet of its name: anywidget copies the two
into each model, and into each notebook that is saved with it. What is larger, the
terminal, is sent to the pages that ask for it.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).with_name("static")


def script(name: str) -> str:
    """Return the script of a widget."""
    return read(f"{name}.js").decode()


def style(name: str) -> str:
    """Return the style sheet of a widget."""
    return read(f"{name}.css").decode()


def read(name: str) -> bytes:
    """Return a built file."""
    try:
        return (FOLDER / name).read_bytes()
    except FileNotFoundError:
        # Only a checkout can be without them: wheels and sdists carry them.
        raise ImportError(
            f"ipyproc's page is not built ({name} is missing): run `make page`, or "
            f"install ipyproc again with pip"
        ) from None
