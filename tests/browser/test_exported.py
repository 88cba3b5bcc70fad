"""What was saved of a job, shown without Jupyter: exported, on paper, sanitised."""

from __future__ import annotations

from collections.abc import Iterator

import bleach
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from playwright.sync_api import Browser, Page, expect

from ipyproc import spawn
from ipyproc._jobs.job import Job
from ipyproc.views import JobView
from tests.browser.fixtures import IN_SIGHT, Picture

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

#: What GitHub leaves of the HTML of an output: no style, no class, no id.
TAGS = frozenset(
    (
        *("a", "b", "br", "code", "details", "div", "h1", "i", "li", "p", "pre"),
        *("section", "small", "span", "summary", "table", "tbody", "td", "th"),
        *("thead", "tr", "ul"),
    )
)
ATTRIBUTES = {"a": ["href"], "td": ["colspan"], "th": ["scope"]}


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


def export(data: dict[str, str], *, sanitize: bool) -> str:
    """Return a notebook with this output as nbconvert exports it."""
    cell = new_code_cell("%spawn ...", outputs=[new_output("display_data", data=data)])
    exporter = HTMLExporter(sanitize_html=sanitize)
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
        expect(page.get_by_text("exit status 3").first).to_be_visible()
        expect(page.get_by_text("not shown")).to_be_attached()


@pytest.mark.parametrize("sanitize", [False, True])
def test_nbconvert(
    page: Page, saved: dict[str, str], picture: Picture, sanitize: bool
) -> None:
    """The end of a long log is in sight, on the screen and on paper."""
    shows_the_end(page, export(saved, sanitize=sanitize))

    picture(page, f"exported-{'sanitised' if sanitize else 'html'}")


def test_github(page: Page, saved: dict[str, str], picture: Picture) -> None:
    """Where nothing but the elements is left, all of it can be read."""
    html = bleach.clean(saved["text/html"], TAGS, ATTRIBUTES, strip=True)

    shows_the_end(page, html)
    assert "&lt;" not in html
    picture(page, "exported-github")
