"""Nothing that a process prints, or is called, does more than to be shown."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from ipyproc.views.render import console, html
from ipyproc.views.widgets import jobs as rows
from tests.views.fakes import FakeJob
from tests.views.hostile import NAMES, NOWHERE, OUTPUT
from tests.views.test_pane import NOTHING, Pane
from tests.views.test_static import STRICT, Reader

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("views")]

TAGS = {*STRICT, *("table", "thead", "tbody", "tr", "td", "th", "span")}


#: What is shown when the last line is this: all the text, and how many links.
SHOWN = """async (what) => {
  const log = document.querySelector(".ipyproc-output");
  while (log.lastElementChild?.textContent !== what) await drawn();
  return [log.innerText, log.querySelectorAll("a").length];
}"""


def harmless(rendered: str) -> bool:
    """Whether a rendering has nothing that does something by itself."""
    return not set(rendered) & set(NOWHERE)


@pytest.mark.parametrize("what", OUTPUT)
def test_output_as_html_and_text(what: str) -> None:
    """The saved HTML has no element, link or control of the process's."""
    job = FakeJob()
    job.prints(OUTPUT[what])
    job.ends()

    page = html.job(job)
    assert {tag for tag, _ in Reader(page).tags} <= TAGS
    assert harmless(page)
    assert harmless(console.job(job))
    assert len(page) < 40_000


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:16]))
def test_names_as_html_and_text(name: str) -> None:
    """Names, words and directories are text as well."""
    job = FakeJob("echo", name, name=name)
    job.dir = name
    job.ends()

    row = rows.row(job)
    page, plain = html.job(job) + html.jobs([row]), console.job(job)
    read = Reader(page)
    assert {tag for tag, _ in read.tags} <= TAGS
    assert not [key for _, keys in read.tags for key in keys if key.startswith("on")]
    assert harmless(page)
    assert harmless(plain + console.spawned(job) + console.jobs([row]))
    assert "\n" not in console.spawned(job)
    (page + plain).encode()


def test_output_in_the_page(page: Page) -> None:
    """Whatever is printed becomes lines of text, and the next output is shown."""
    title = page.title()
    pane = Pane(page, FakeJob(), NOTHING)
    pane.show()
    pane.begin()
    for what, data in OUTPUT.items():
        pane.prints(data.decode("latin-1"))
        pane.prints(f"\x18\n\r\x1b[m~ {what}\n")
        shown, links = page.evaluate(SHOWN, f"~ {what}")

        assert harmless(shown), what
        assert links == 0, what

    tags = page.locator(".ipyproc-output *").evaluate_all(
        "all => [...new Set(all.map((e) => e.localName))]"
    )
    assert set(tags) <= {"div", "span", "br"}
    assert page.evaluate("window.evil") is None
    assert page.title() == title
    assert {said["action"] for said in page.evaluate("model.sent")} <= {
        *("ready", "ack", "look"),
    }


def test_names_in_the_page(page: Page) -> None:
    """Whatever a job is called, the pane has its own elements and no others."""
    pane = Pane(page, FakeJob(), NOTHING)
    pane.show()
    count = page.locator("section *").count()
    for name in NAMES:
        pane.job.name, pane.job.argv, pane.job.dir = name, ("echo", name), name
        pane.changed()

        assert page.locator("section *").count() == count
        assert harmless(page.locator("section").inner_text())
        assert page.evaluate("window.evil") is None
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.evaluate("innerWidth")
