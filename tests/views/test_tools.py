"""The tools of a pane, in a page without JupyterLab over a real view."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ipyproc._jobs.output.interleaved import Output
from tests.views.bridge import Bridge
from tests.views.comms import heard
from tests.views.fakes import FakeJob

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("views")]

LOG = ".ipyproc-output"
CURRENT = f"{LOG} > [aria-current]"


@pytest.fixture
def job() -> FakeJob:
    """A job that printed far more than a pane shows; three lines are special."""
    job = FakeJob()
    job._output.begin()
    names = {100: "Needle 1", 15_000: "\x1b[1mnee\x1b[mdle 2", 29_990: "needle 3"}
    lines = (f"{n} {names.get(n, 'hay')}\n" for n in range(30_000))
    job.prints("".join(lines).encode())
    return job


@pytest.fixture
def bridge(
    page: Page, job: FakeJob, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bridge]:
    """Its pane."""
    with heard(monkeypatch) as messages:
        bridge = Bridge(page, job, messages)  # type: ignore[arg-type]
        # What comes first is a tail.
        bridge.until(lambda: bridge.has_begun and count(page, f"{LOG} > *")() == 1000)
        yield bridge
        bridge.close()


def opened(bridge: Bridge, text: str) -> None:
    """Open the find field and type."""
    bridge.press("Find")
    field = bridge.page.get_by_label("Find in output")
    bridge.until(lambda: field.count() == 1)
    expect(field).to_be_focused()
    field.fill(text)


def count(page: Page, selector: str) -> Callable[[], int]:
    """Return what counts elements."""
    return page.locator(selector).count


def test_find_leads_to_lines_that_had_left_the_pane(page: Page, bridge: Bridge) -> None:
    """Count, next and previous; the line and what is around it are in view."""
    opened(bridge, "NEEDLE")
    bridge.shows("1 of 3", ".ipyproc-found")
    bridge.shows("100 Needle 1", CURRENT)
    bridge.until(lambda: "98 hay" in page.locator(LOG).inner_text())
    expect(page.locator(CURRENT)).to_be_in_viewport()
    assert page.evaluate("CSS.highlights.get('ipyproc-found').size") == 1

    page.keyboard.press("Enter")
    bridge.shows("15000 needle 2", CURRENT)
    bridge.shows("2 of 3", ".ipyproc-found")
    expect(page.locator(f"{CURRENT} span").first).to_have_css("font-weight", "700")
    page.keyboard.press("Shift+Enter")
    bridge.shows("100 Needle 1", CURRENT)
    bridge.press("Previous")
    bridge.shows("29990 needle 3", CURRENT)
    expect(page.locator(LOG)).to_have_count(1)

    page.keyboard.press("Escape")
    expect(page.locator(LOG)).to_contain_text("29999 hay")
    page.get_by_label("Find in output").wait_for(state="hidden")
    expect(page.get_by_role("button", name="Find", exact=True)).to_be_focused()


def test_only_matching_lines_and_regular_expressions(
    page: Page, bridge: Bridge
) -> None:
    """The field says how many; a mistake in an expression is said, and mended."""
    opened(bridge, "^1.*needle \\d$")
    bridge.shows("nothing found", ".ipyproc-found")
    page.get_by_label("regular expression").check()
    bridge.shows("1 of 2", ".ipyproc-found")
    page.get_by_label("only matching lines").check()
    bridge.until(lambda: count(page, f"{LOG} > *")() == 2)
    expect(page.locator(f"{LOG} > *")).to_have_text(["100 Needle 1", "15000 needle 2"])

    page.get_by_label("Find in output").fill("(needle")
    bridge.shows("no regular expression", ".ipyproc-found")
    page.get_by_label("Find in output").fill("needle")
    bridge.until(lambda: count(page, f"{LOG} > *")() == 3)


def test_a_search_follows_a_job_that_runs(
    page: Page, bridge: Bridge, job: FakeJob
) -> None:
    """What is printed while the field is open counts, too."""
    opened(bridge, "needle")
    bridge.shows("1 of 3", ".ipyproc-found")
    job.prints(b"needle 4\n")
    bridge.shows("1 of 4", ".ipyproc-found")


def test_what_is_above_is_a_way(page: Page, bridge: Bridge) -> None:
    """What is not shown is shown when one scrolls to it, up to the first line."""
    expect(page.get_by_text("lines above are not shown")).to_be_visible()
    before = page.locator(f"{LOG} > *").first.inner_text()
    page.locator(LOG).focus()
    page.keyboard.press("Home")
    bridge.until(
        lambda: page.get_by_role("button", name="Back to the end").count() == 1
    )
    bridge.until(lambda: count(page, f"{LOG} > *")() > 1000)
    there = page.locator(f"{LOG} > *", has_text=re.compile(f"^{before}$"))
    expect(there).to_be_in_viewport()

    def is_first() -> bool:
        page.locator(LOG).evaluate("log => log.scrollTop = 0")
        return page.locator(f"{LOG} > *").first.inner_text() == "0 hay"

    bridge.until(is_first)
    assert count(page, f"{LOG} > *")() <= 5000

    bridge.press("Back to the end")
    expect(page.locator(f"{LOG} > *").last).to_be_in_viewport()


def test_times(page: Page, bridge: Bridge, job: FakeJob) -> None:
    """Since the start, then the time of day, then none; the end is followed."""
    times = page.get_by_role("button", name="Times", exact=True)
    bridge.press("Times")
    bridge.until(lambda: count(page, f"{LOG} > [data-time]")() > 100)
    expect(times).to_have_attribute("aria-pressed", "true")
    last = page.locator(f"{LOG} > *").last
    expect(last).to_have_text("29999 hay")
    expect(last).to_have_attribute("data-time", re.compile(r"^ *\d+\.\d\d s$"))
    job.prints(b"one mo")
    bridge.until(lambda: last.inner_text() == "one mo")
    job.prints(b"re\n")
    bridge.until(lambda: last.inner_text() == "one more")
    expect(last).to_be_in_viewport()

    bridge.press("Times")
    bridge.until(lambda: count(page, f"{LOG} > [data-time*=':']")() > 100)
    clock = re.compile(r"^\d\d:\d\d:\d\d$")
    expect(last).to_have_attribute("data-time", clock)
    bridge.press("Times")
    expect(page.locator(f"{LOG} > [data-time]")).to_have_count(0)
    expect(times).to_have_attribute("aria-pressed", "false")
    expect(page.locator(f"{LOG} > *")).to_have_count(1000)


def pasted(page: Page) -> Any:
    """Return what the clipboard has."""
    page.evaluate("document.body.append(document.createElement('textarea'))")
    area = page.locator("textarea").last
    area.focus()
    page.keyboard.press("Control+V")
    text = area.input_value()
    area.evaluate("e => e.remove()")
    return text


def test_copies_have_no_line_ends_of_the_pane(
    page: Page, bridge: Bridge, job: FakeJob
) -> None:
    """All that is there, or what is selected, however the pane breaks it."""
    long = "long " * 100 + "end"
    job.prints(f"{long}\n\nlast\n".encode())
    bridge.shows("last", LOG)
    bridge.press("Copy")
    bridge.shows("copied 1,000 lines")
    assert pasted(page).endswith(f"\n29999 hay\n{long}\n\nlast")

    page.evaluate("""() => {
      const lines = document.querySelectorAll('.ipyproc-output > *');
      const [from, to] = [lines[997], lines[999]].map((line) => line.firstChild);
      document.getSelection().setBaseAndExtent(from, 5, to, 2);
    }""")
    bridge.press("Copy")
    bridge.shows("copied the selection")
    assert pasted(page) == f"{long[5:]}\n\nla"


def test_a_cleared_view_shows_what_comes_next(
    page: Page, bridge: Bridge, job: FakeJob
) -> None:
    """In this pane only; what was hidden can be shown again."""
    bridge.press("Clear view")
    expect(page.locator(f"{LOG} > *")).to_have_count(0)
    job.prints(b"next\n")
    bridge.until(lambda: count(page, f"{LOG} > *")() == 1)
    expect(page.locator(f"{LOG} > *")).to_have_text(["next"])
    bridge.press("Show")
    bridge.shows("29999 hay", LOG)


def test_a_cleared_view_stays_so_when_it_is_drawn_anew(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was hidden does not come back with a picture of what was there."""
    job = FakeJob()
    job.prints(b"".join(b"%d\n" % n for n in range(90_000)))
    with heard(monkeypatch) as messages:
        bridge = Bridge(page, job, messages)  # type: ignore[arg-type]
        # Before the kernel has answered, only the tail is there.
        page.get_by_role("button", name="Clear view").click()
        bridge.until(lambda: bridge.has_begun)
        expect(page.locator(f"{LOG} > *")).to_have_count(0)
        job.prints(b"next\n")
        bridge.until(lambda: count(page, f"{LOG} > *")() > 0)
        expect(page.locator(f"{LOG} > *")).to_have_text(["next"])
        bridge.close()


def test_wrap_and_fill_window(page: Page, bridge: Bridge) -> None:
    """Long lines are scrolled to; a pane fills the window until Escape."""
    wrap = page.get_by_role("button", name="Wrap", exact=True)
    expect(wrap).to_have_attribute("aria-pressed", "true")
    bridge.press("Wrap")
    expect(page.locator(LOG)).to_have_css("white-space-collapse", "preserve")
    expect(page.locator(LOG)).to_have_css("text-wrap-mode", "nowrap")
    expect(wrap).to_have_attribute("aria-pressed", "false")

    section = page.get_by_role("region", name="Job train")
    height = section.bounding_box()["height"]  # type: ignore[index]
    fill = page.get_by_role("button", name="Fill window", pressed=True)
    bridge.press("Fill window")
    bridge.until(lambda: fill.count() == 1)
    assert section.bounding_box() == {"x": 0, "y": 0, "width": 900, "height": 700}
    page.locator(LOG).focus()
    page.keyboard.press("Escape")
    assert section.bounding_box()["height"] == height  # type: ignore[index]
    expect(page.get_by_role("button", name="Fill window")).to_be_focused()


def test_a_pane_without_output_has_no_tools(page: Page) -> None:
    """There is nothing to find, to copy or to save."""
    job = FakeJob()
    with heard(pytest.MonkeyPatch()) as messages:
        bridge = Bridge(page, job, messages)  # type: ignore[arg-type]
        bridge.shows("running", ".ipyproc-status")
        expect(page.get_by_role("button", name="Find")).to_have_count(0)
        job.prints(b"x\n")
        bridge.shows("x", LOG)
        for name in ("Find", "Wrap", "Times", "Copy", "Clear view", "Save output"):
            expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
        bridge.close()


@pytest.mark.parametrize("format", ["txt", "html", "cast"])
def test_saving(page: Page, bridge: Bridge, job: FakeJob, format: str) -> None:
    """All that is kept, piece by piece, or what is made of it, as one file."""
    job.save = lambda path: path.write_text(f"{path.suffix}\n" * 300_000)  # type: ignore[attr-defined]
    page.get_by_label("Save as").select_option(format)
    with page.expect_download() as download:
        bridge.press("Save output")
        while not download.is_done():
            bridge.until(lambda: True)
            page.wait_for_timeout(10)

    assert download.value.suggested_filename == f"train.{format}"
    data = Path(download.value.path()).read_bytes()
    if format == "txt":
        assert data == b"".join(chunk.data for chunk in job.as_utf8.read(0, 1 << 30))
    else:
        assert data == f".{format}\n".encode() * 300_000


def test_what_is_saved_says_what_was_not_kept(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the middle is gone a line says how much."""
    job = FakeJob()
    job._output = Output(memory_limit=100, output_limit=100)
    job.prints(b"begin\n" * 100)
    with heard(monkeypatch) as messages:
        bridge = Bridge(page, job, messages)  # type: ignore[arg-type]
        bridge.shows("begin", LOG)
        with page.expect_download() as download:
            bridge.press("Save output")
            while not download.is_done():
                bridge.until(lambda: True)
                page.wait_for_timeout(10)
        data = Path(download.value.path()).read_bytes()
        bridge.close()

    whole = b"begin\n" * 100
    assert data == whole[:50] + b"\n[500 B were not kept]\n" + whole[-50:]


HEAR = """() => {
  window.told = [];
  document.addEventListener("ipyproc:notify", (event) => {
    event.preventDefault();
    if (event.detail) told.push([event.detail.text, event.detail.good]);
  });
}"""


@pytest.mark.parametrize("by_cell", [False, True])
def test_the_end_is_told(
    page: Page, bridge: Bridge, job: FakeJob, by_cell: bool
) -> None:
    """Once, by who set the bell: the reader, or the cell that started it."""
    page.evaluate(HEAR)
    bell = page.get_by_role("button", name="Notify", exact=True)
    if by_cell:
        page.evaluate("set('notify', true)")
        page.evaluate("render()")
    else:
        bridge.press("Notify")
    bridge.until(
        lambda: page.get_by_role("button", name="Notify", pressed=True).count() > 0
    )
    assert page.evaluate("told") == []

    job.ends(256)
    bridge.until(lambda: page.evaluate("told.length") > 0)
    bridge.view.changed()
    assert page.evaluate("told") == [["train: exit status 1 after 1.25 s", False]]
    expect(bell).to_have_count(0)
