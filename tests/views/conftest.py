"""A page in Chromium that has ``job.js``, and no notebook around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

import ipyproc.views

VIEWS = Path(ipyproc.views.__file__).parent
HERE = Path(__file__).parent
HOST = "http://ipyproc.test/"
FILES = {
    "": (HERE / "page.html", "text/html"),
    "page.js": (HERE / "page.js", "text/javascript"),
    "job.js": (VIEWS / "job.js", "text/javascript"),
    "job.css": (VIEWS / "job.css", "text/css"),
}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Show ``page.html``; nothing goes over a network, and no error is overlooked."""
    errors: list[str] = []
    with browser.new_context(viewport={"width": 900, "height": 700}) as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.route("**/*", _serve)
        page.goto(HOST)
        yield page
    assert errors == []


def _serve(route: Route) -> None:
    """Give the page its own files, and nothing else."""
    name = route.request.url.removeprefix(HOST)
    if name not in FILES:
        route.abort()
        return
    path, kind = FILES[name]
    route.fulfill(body=path.read_bytes(), content_type=f"{kind}; charset=utf-8")
