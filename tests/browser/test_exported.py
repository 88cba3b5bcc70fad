"""What was saved of a job, shown without Jupyter: exported, on paper, sanitised."""

from __future__ import annotations

import os
from collections.abc import Iterator
from html.parser import HTMLParser

import bleach
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from playwright.sync_api import Browser, Page, expect

from ipyproc import ProcAttr, spawn, start_process
from ipyproc._jobs.job import Job
from ipyproc.views import (
    DescriptorsView,
    JobView,
    LifeLine,
    SessionsView,
    WaitStatusView,
)
from ipyproc.views.widgets.base import LiveWidget
from ipyproc.views.widgets.jobs import JobsView
from tests.browser.fixtures import IN_SIGHT, Picture

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

#: What GitHub's pipeline leaves of HTML, as it documents it: no style, class or id.
GITHUB = frozenset(
    (
        *("a", "abbr", "b", "bdo", "blockquote", "br", "caption", "cite", "code"),
        *("dd", "del", "details", "dfn", "div", "dl", "dt", "em", "figcaption"),
        *("figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins"),
        *("kbd", "li", "mark", "ol", "p", "picture", "pre", "q", "rp", "rt", "ruby"),
        *("s", "samp", "small", "source", "span", "strike", "strong", "sub"),
        *("summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time"),
        *("tr", "tt", "ul", "var", "wbr"),
    )
)
ATTRIBUTES = {"a": ["href"], "td": ["colspan"], "th": ["colspan", "scope"]}
#: Whether a line of output is just below the one before it, not beside it.
BELOW = """([above, below]) =>
  above.getBoundingClientRect().bottom <= below.getBoundingClientRect().top + 1"""


@pytest.fixture(scope="module")
def saved() -> dict[str, str]:
    """What is saved of a job that printed far more than is in view."""
    job = spawn(["sh", "-c", "seq 1 500; echo the end; exit 3"], name="long")
    job.wait(30)
    return _bundle(job)


def _bundle(job: Job) -> dict[str, str]:
    view = job.widget
    assert isinstance(view, JobView)
    bundle = view.static()
    view.close()
    return bundle


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page without a network."""
    with browser.new_context(offline=True) as context:
        yield context.new_page()


def export(data: dict[str, str], template: str, *, sanitize: bool) -> str:
    """Return a notebook with this output as nbconvert exports it."""
    cell = new_code_cell("%spawn ...", outputs=[new_output("display_data", data=data)])
    exporter = HTMLExporter(template_name=template, sanitize_html=sanitize)
    exported, _ = exporter.from_notebook_node(new_notebook(cells=[cell]))
    return str(exported)


def shows_the_end(page: Page, html: str) -> None:
    """Assert that a page shows how the job ended, and the end of what it printed."""
    page.set_content(html, wait_until="domcontentloaded")
    for media in ("screen", "print"):
        page.emulate_media(media=media)
        line = page.get_by_text("the end", exact=True)
        expect(line).to_be_visible()
        assert line.evaluate(IN_SIGHT)
        before = page.get_by_text("500", exact=True).element_handle()
        assert page.evaluate(BELOW, [before, line.element_handle()])
        expect(page.get_by_text("exit status 3").first).to_be_visible()
        expect(page.get_by_text("not shown")).to_be_attached()
        expect(page.get_by_text("Real time")).to_be_visible()
    assert "</" not in page.locator("body").inner_text()


@pytest.mark.parametrize("sanitize", [False, True])
@pytest.mark.parametrize("template", ["lab", "classic"])
def test_nbconvert(
    page: Page, saved: dict[str, str], picture: Picture, template: str, sanitize: bool
) -> None:
    """The end of a long log is in sight, on the screen and on paper."""
    shows_the_end(page, export(saved, template, sanitize=sanitize))

    picture(page, f"exported-{template}-{'sanitised' if sanitize else 'html'}")


def test_github(page: Page, saved: dict[str, str], picture: Picture) -> None:
    """Where nothing but the elements is left, all of it can be read."""
    html = bleach.clean(saved["text/html"], GITHUB, ATTRIBUTES)

    shows_the_end(page, html)
    picture(page, "exported-github")


def test_a_sanitiser_leaves_nothing_out(saved: dict[str, str]) -> None:
    """The strictest of the usual lists has all elements, so no text runs together."""
    strict = bleach.clean(saved["text/html"], strip=True)

    assert strict == bleach.clean(saved["text/html"])
    assert strict.count("<li>") > 20


@pytest.fixture(scope="module")
def others() -> dict[str, str]:
    """The HTML of the table of jobs, and of each view that teaches."""
    job = spawn(["sh", "-c", "echo hello; exit 3"], name="short")
    status = job.wait(30).sys
    reader, writer = os.pipe()
    attr = ProcAttr(files=[reader, writer])
    process = start_process("/bin/sleep", ["sleep", "1000"], attr)
    os.close(reader)
    os.close(writer)
    views: dict[str, LiveWidget] = {
        "jobs": JobsView(listed=[job]),
        "life": LifeLine(process),
        "waitstatus": WaitStatusView(status),
        "sessions": SessionsView(process),
        "descriptors": DescriptorsView(process),
    }
    found = {name: view.static()["text/html"] for name, view in views.items()}
    for view in views.values():
        view.close()
    process.kill()
    process.wait()
    return found


class Texts(HTMLParser):
    """The texts of a page that are one behind the other in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if text := " ".join(data.split()):
            self.texts.append(text)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("jobs", ["short", "exit status 3", "hello"]),
        ("life", ["started", "running"]),
        ("waitstatus", ["exit status 3", "exit code"]),
        ("sessions", ["this Jupyter kernel", "sleep"]),
        ("descriptors", ["reads pipe 1", "writes pipe 1"]),
    ],
)
def test_other_views_on_github(
    page: Page, others: dict[str, str], picture: Picture, name: str, says: list[str]
) -> None:
    """All that they say can be read where only the elements are left, word by word."""
    html = others[name]
    page.set_content(bleach.clean(html, GITHUB, ATTRIBUTES))
    picture(page, f"exported-github-{name}")
    seen = page.locator("body").inner_text()

    words = " ".join(seen.split())
    assert [text for text in says if text not in words] == []
    assert [text for text in Texts(html).texts if text not in words] == []
    assert "</" not in seen  # an element that is not let through, as text
