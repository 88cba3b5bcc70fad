"""A page in Chromium that has the pane, and a front end that needs no browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from ipyproc.views import JobView
from ipyproc.views.frontend import hatch_build
from tests.views.comms import FakeComm, heard

HERE = Path(__file__).parent
HOST = "http://ipyproc.test/"
BUILD = Path(hatch_build.__file__).with_name("build")
if not hatch_build.current():
    raise RuntimeError("the page is not built from these sources: run `make page`")
# What a model would hand to a page, and the modules that it was made of.
FILES = {
    "": ((HERE / "page.html").read_text("utf-8"), "text/html"),
    "page.js": ((HERE / "page.js").read_text("utf-8"), "text/javascript"),
    # The same over the pane's modules one by one, for a page that runs no other code.
    "strict.js": (
        (HERE / "page.js").read_text("utf-8").replace("./job.js", "./modules/job.js"),
        "text/javascript",
    ),
    "shared.js": ((HERE / "shared.js").read_text("utf-8"), "text/javascript"),
    "job.js": (JobView._esm, "text/javascript"),
    "job.css": (JobView._css, "text/css"),
    **{
        f"modules/{path.relative_to(BUILD)}": (
            path.read_text("utf-8"),
            "text/javascript",
        )
        for path in (*BUILD.glob("*.js"), *BUILD.glob("lab/*.js"))
    },
}


@contextmanager
def opened(browser: Browser) -> Iterator[Page]:
    """Open a page without a network; an error of its scripts fails the test."""
    errors: list[str] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.route("**/*", _serve)
        yield page
    assert errors == []


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """One page for the tests of a module: each loads it again."""
    with opened(browser) as page:
        yield page


def load(page: Page, address: str) -> None:
    """Load a page and the modules of its script, which its "load" event may precede."""
    page.goto(address)
    page.wait_for_function("window.loaded")


@pytest.fixture
def page(tab: Page) -> Page:
    """``page.html``, just loaded."""
    tab.set_viewport_size({"width": 900, "height": 700})
    tab.emulate_media(color_scheme="light")
    load(tab, HOST)
    return tab


@pytest.fixture
def timed_page(browser: Browser) -> Iterator[Page]:
    """A page whose time the test sets."""
    with opened(browser) as page:
        page.clock.install(time=1_000_000)
        load(page, HOST)
        yield page


def _serve(route: Route) -> None:
    """Answer with a file of the page, and refuse everything else."""
    name = route.request.url.removeprefix(HOST)
    if name not in FILES:
        route.abort()
        return
    body, kind = FILES[name]
    route.fulfill(body=body, content_type=f"{kind}; charset=utf-8")


class FrontEnd:
    """A page that hears what widgets send, and can say anything to them."""

    def __init__(self, heard: list[dict[str, Any]]) -> None:
        self.heard = heard

    def wait(self, check: Callable[[], object]) -> None:
        """Wait until *check* is true; more messages may have to come for that."""
        with FakeComm.came:
            assert FakeComm.came.wait_for(check, 20), self.heard[-3:]

    def messages(self, kind: str) -> list[dict[str, Any]]:
        """Return the custom messages of one kind."""
        return [message for message in self.heard if message.get("kind") == kind]

    def states(self, trait: str) -> list[Any]:
        """Return the values that a synced trait had after the beginning."""
        updates = [m["data"] for m in self.heard if m["type"] == "comm_msg"]
        states = [u["state"] for u in updates if u.get("method") == "update"]
        return [state[trait] for state in states if trait in state]

    def output(self, page: str) -> bytes:
        """Return what was printed, as *page* got it."""
        sent = [m for m in self.messages("output") if page in m["pages"]]
        return b"".join(m["bytes"] for m in sent)

    def say(self, view: JobView, content: object, **data: object) -> None:
        """Send a custom message from the page."""
        self.raw(view, {"method": "custom", "content": content} | data)

    def raw(self, view: JobView, data: object) -> None:
        """Send any message from the page."""
        view.comm.handle_msg({"content": {"data": data}, "buffers": []})


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch) -> Iterator[FrontEnd]:
    """A front end without a notebook; no widget is left open after the test."""
    with heard(monkeypatch) as messages:
        yield FrontEnd(messages)
