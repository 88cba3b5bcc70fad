"""The table of jobs and the pane of a process in a browser, over a played model."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from ipyproc.views.process import ForeignProcess
from ipyproc.views.widgets import jobs as rows
from ipyproc.views.widgets.detached import DetachedView
from ipyproc.views.widgets.jobs import JobsView
from ipyproc.views.widgets.process import ProcessView
from tests.browser.fixtures import Picture
from tests.views.conftest import HOST, load
from tests.views.fakes import FakeJob
from tests.views.test_static import STRICT, Reader

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("views")]

HERE = Path(__file__).parent
PLACE = f"{HOST}rows/"
FILES = {
    "": ((HERE / "rows.html").read_text("utf-8"), "text/html"),
    "rows.js": ((HERE / "rows.js").read_text("utf-8"), "text/javascript"),
    "jobs.js": (JobsView._esm, "text/javascript"),
    "jobs.css": (JobsView._css, "text/css"),
    "detached.js": (DetachedView._esm, "text/javascript"),
    "detached.css": (DetachedView._css, "text/css"),
    "found.js": (ProcessView._esm, "text/javascript"),
    "found.css": (ProcessView._css, "text/css"),
}
SIGNALS = ["SIGHUP (1)", "SIGUSR1 (10)"]
CLOCK = 1_800_000_100.0


def job(name: str, number: int = 0, **changed: Any) -> dict[str, Any]:
    """Return the row of a job that runs."""
    fake = FakeJob("python3", "-u", f"{name}.py", name=name)
    fake.pid = 4000 + number
    return rows.row(fake) | {"cpu": 0.0, "memory": 1_000_000} | changed


def ended(name: str, status: int, number: int = 0) -> dict[str, Any]:
    """Return the row of a job that ended."""
    fake = FakeJob("make", "all", name=name)
    fake.pid = 4000 + number
    fake.ends(status)
    return rows.row(fake)


class Table:
    """A picture, what it says, and what it is told."""

    def __init__(self, page: Page, which: str, found: dict[str, Any]) -> None:
        self.page = page
        self.number = 0
        first = {"clock": CLOCK, "number": 0, "rows": found, "notes": {}}
        page.evaluate("given => open_(...given)", [which, first, SIGNALS])

    def tell(self, found: dict[str, Any], **content: Any) -> None:
        """Send rows to the page."""
        self.number += 1
        content = {"kind": "rows", "clock": CLOCK, "number": self.number} | content
        self.page.evaluate("given => tell(given)", content | {"rows": found})

    def done(self, asked: dict[str, Any], error: str = "") -> None:
        """Answer an action."""
        content = {"kind": "done", "page": asked["page"], "seq": asked["seq"]}
        self.page.evaluate("given => tell(given)", content | {"error": error})

    def sent(self, action: str) -> list[dict[str, Any]]:
        """Return what it asked for."""
        sent = self.page.evaluate("model.sent")
        return [message for message in sent if message["action"] == action]

    def says(self, action: str, count: int = 1) -> None:
        """Wait until it has asked so often."""
        script = "([a, n]) => model.sent.filter((m) => m.action === a).length >= n"
        self.page.wait_for_function(script, arg=[action, count])

    @property
    def rows(self) -> Locator:
        """The rows of the table."""
        return self.page.locator("tbody tr")

    def shows(self, *names: str) -> None:
        """Wait until it has these rows, in this order."""
        expect(self.page.locator("td[data-column=name]")).to_have_text(names)

    def button(self, name: str) -> Locator:
        """Return a button."""
        return self.page.get_by_role("button", name=name, exact=True)


@pytest.fixture
def place(tab: Page) -> Page:
    """The page of these tests, just loaded."""

    def serve(route: Route) -> None:
        body, kind = FILES[route.request.url.removeprefix(PLACE)]
        route.fulfill(body=body, content_type=f"{kind}; charset=utf-8")

    tab.route(f"{PLACE}**", serve)
    tab.set_viewport_size({"width": 1100, "height": 700})
    tab.emulate_media(color_scheme="light")
    load(tab, PLACE)
    return tab


THREE = {
    "0": job("train", 1, cpu=20.5),
    "1": job("serve", 2, cpu=100.0, memory=9e9),
    "2": ended("make", 0x200, 3),
}


@pytest.fixture
def table(place: Page) -> Table:
    """A table of three jobs."""
    return Table(place, "jobs", THREE)


def test_another_widget_changes_no_looks(place: Page) -> None:
    """The theme comes with each widget, and overrides no other style sheet."""
    Table(place, "jobs", {"0": job("train")})

    assert (
        place.locator("section").evaluate("e => getComputedStyle(e).padding") == "0px"
    )


def test_the_page_contract(place: Page, table: Table) -> None:
    """The table has a row per job with name and status, and a button if it runs."""
    found = place.get_by_role("table", name="Jobs")
    expect(found).to_have_class("ipyproc-jobs")
    table.shows("train", "serve", "make")
    statuses = table.rows.evaluate_all("all => all.map((e) => e.dataset.status)")
    names = table.rows.evaluate_all("all => all.map((e) => e.dataset.name)")
    assert (names, statuses) == (
        ["train", "serve", "make"],
        ["running", "running", "exited"],
    )
    expect(table.rows.nth(2).locator(".ipyproc-status")).to_have_text("exit status 2")
    expect(place.get_by_text("2 running · 1 ended")).to_be_visible()
    expect(table.button("Kill train")).to_be_visible()
    expect(table.button("Kill make")).to_have_count(0)
    for heading in ("Name", "PID", "Status", "Time", "CPU", "Memory", "Last line"):
        cell = place.get_by_role("columnheader", name=heading, exact=True)
        expect(cell).to_have_attribute("aria-sort", "none")
    time = re.compile(r"^1:[45]\d|2:\d\d$")
    cells = ["train", "4001", "running", time, "20.5 %", "1.0 MB", "", "Kill"]
    expect(table.rows.first.locator("td:visible")).to_have_text(cells)


def test_rows_are_kept_and_patched(place: Page, table: Table) -> None:
    """Of two hundred rows only the cells that changed are touched."""
    many = {str(n): job(f"job-{n}", n) for n in range(200)}
    table.tell(many, keys=list(many), notes={})
    expect(table.rows).to_have_count(200)
    place.evaluate("() => { for (const e of document.querySelectorAll('tr')) e.m = 1 }")
    place.evaluate("watch()")

    table.tell({"7": {"cpu": 50.0}, "9": {"last": "epoch 1"}})

    expect(table.rows.nth(7)).to_contain_text("50.0 %")
    touched = place.evaluate("touched.filter((column) => column !== 'time').sort()")
    assert touched == ["cpu", "last"]
    assert table.rows.evaluate_all("all => all.every((e) => e.m)")


def test_jobs_come_and_go(place: Page, table: Table) -> None:
    """Jobs that were started, ended or cleared are added, changed or removed."""
    table.tell({"3": job("new", 4), "0": ended("train", 9, 1)}, gone=["2"])

    table.shows("serve", "new", "train")
    expect(table.rows.last).to_have_attribute("data-status", "signaled")
    expect(table.button("Kill train")).to_have_count(0)
    expect(table.button("Kill new")).to_be_visible()
    table.tell({}, keys=[])
    expect(place.get_by_text("no jobs")).to_be_visible()
    expect(table.page.locator("table")).to_be_hidden()


def test_without_jobs(place: Page) -> None:
    """An empty table says so, and fills when a job is started."""
    table = Table(place, "jobs", {})
    expect(place.get_by_text("no jobs")).to_be_visible()

    table.tell({"0": job("first")}, keys=["0"], notes={"more": 0})

    table.shows("first")
    expect(place.get_by_text("no jobs")).to_be_hidden()


def test_sorting(place: Page, table: Table) -> None:
    """A heading sorts as readers want it first, then the other way, then no more."""
    heading = place.get_by_role("columnheader", name="CPU", exact=True)
    table.button("CPU").click()
    table.shows("serve", "train", "make")
    expect(heading).to_have_attribute("aria-sort", "descending")
    table.button("CPU").press("Enter")
    table.shows("train", "serve", "make")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    table.button("Name").press("Space")
    table.shows("make", "serve", "train")
    expect(heading).to_have_attribute("aria-sort", "none")

    table.tell({"0": {"name": "a", "label": "a"}})
    table.shows("a", "make", "serve")
    for _ in range(2):
        table.button("Name").click()
    table.shows("a", "serve", "make")


def test_no_row_moves_under_the_pointer(place: Page, table: Table) -> None:
    """While the pointer is over a row, the order does not change."""
    table.button("CPU").click()
    table.shows("serve", "train", "make")
    table.rows.nth(1).hover()

    table.tell({"0": {"cpu": 300.0}})
    expect(table.rows.nth(1)).to_contain_text("300.0 %")
    table.shows("serve", "train", "make")

    place.mouse.move(5, 690)
    table.shows("train", "serve", "make")


def test_kill(place: Page, table: Table) -> None:
    """The button sends the key of the job, and the table says what came of it."""
    table.button("Kill serve").click()

    (asked,) = table.sent("kill")
    assert (asked["job"], set(asked)) == ("1", {"action", "page", "seq", "job"})
    expect(
        place.get_by_text("Kill serve is queued: the kernel is busy")
    ).to_be_visible()
    expect(table.button("Kill serve")).to_have_attribute("aria-busy", "true")
    table.button("Kill serve").click()
    assert len(table.sent("kill")) == 1
    table.done(asked, "os: process already finished")
    expect(place.get_by_text("os: process already finished")).to_be_visible()
    expect(table.button("Kill serve")).not_to_have_attribute("aria-busy", "true")


def test_the_keyboard(place: Page, table: Table) -> None:
    """Tab reaches one button of the rows, arrows the others; no focus is lost."""
    place.evaluate("() => { document.onkeydown = (e) => { window.leaked = e.key; } }")
    table.button("Last line").focus()
    place.keyboard.press("Tab")
    expect(table.button("Kill train")).to_be_focused()
    place.keyboard.press("ArrowDown")
    expect(table.button("Kill serve")).to_be_focused()
    place.keyboard.press("Home")
    expect(table.button("Kill train")).to_be_focused()

    table.tell({"0": ended("train", 9, 1)})

    expect(table.button("Kill serve")).to_be_focused()
    assert place.evaluate("window.leaked") is None


def test_it_says_whether_somebody_looks(place: Page, table: Table) -> None:
    """In sight the table sends its last message's number; out of sight it says so."""
    table.says("look")
    assert table.sent("look")[0]["number"] == 0
    table.tell({"0": {"cpu": 1.0}})

    place.locator("#below").evaluate("e => e.scrollIntoView()")
    place.mouse.wheel(0, 2000)
    table.says("away")
    place.evaluate("scrollTo(0, 0)")

    table.says("look", 2)
    assert table.sent("look")[-1]["number"] == 1


def test_a_gap_is_mended(place: Page, table: Table) -> None:
    """What comes is shown, and the page asks for what is missing."""
    table.says("look")
    place.wait_for_timeout(1100)  # it does not ask all the time
    before = len(table.sent("look"))
    table.number = 5
    table.tell({"0": {"cpu": 77.0}, "9": {"cpu": 1.0}})

    expect(table.rows.first).to_contain_text("77.0 %")
    expect(table.rows).to_have_count(3)
    table.says("look", before + 1)
    assert table.sent("look")[-1]["number"] == 0


def test_hostile_rows(place: Page) -> None:
    """No name and no output of a job becomes an element or reverses other text."""
    evil = "<img src=x onerror='window.evil = 1'>"
    table = Table(place, "jobs", {"0": job(evil, last=evil + "\u05d0", command=evil)})

    table.shows(evil)
    tags = place.locator("tbody *").evaluate_all("all => all.map((e) => e.localName)")
    assert set(tags) <= {"tr", "td", "span", "code", "button"}
    last = place.locator("td[data-column=last] code")
    expect(last).to_have_css("unicode-bidi", "isolate")
    assert place.evaluate("window.evil") is None


def test_only_those_that_run(place: Page, table: Table) -> None:
    """A button hides the jobs that ended."""
    table.button("Running only").click()
    expect(table.rows.nth(2)).to_be_hidden()
    expect(table.button("Running only")).to_have_attribute("aria-pressed", "true")
    table.button("Running only").click()
    expect(table.rows.nth(2)).to_be_visible()


def test_a_filter(place: Page, table: Table) -> None:
    """Rows in which all words are stay, also those that come later."""
    place.get_by_label("Filter jobs").fill("Exit 2")
    expect(table.rows.nth(2)).to_be_visible()
    expect(table.rows.first).to_be_hidden()
    table.tell({"3": job("new", 4), "0": {"last": "exit 2"}})
    expect(
        table.rows.locator("visible=true").locator("[data-column=name]")
    ).to_have_text(["train", "make"])
    place.get_by_label("Filter jobs").fill("")
    expect(table.rows.locator("visible=true")).to_have_count(4)


def test_ending_all(place: Page, table: Table) -> None:
    """It takes a second press, for it cannot be undone."""
    table.button("End all").click()
    assert table.sent("end_all") == []
    table.button("Really end 2?").click()
    assert len(table.sent("end_all")) == 1
    expect(table.button("End all")).to_be_visible()
    table.tell({"0": ended("train", 9, 1), "1": ended("serve", 9, 2)})
    expect(table.button("End all")).to_have_count(0)


def test_a_row_leads_to_its_pane(place: Page, table: Table) -> None:
    """By a click or from the keyboard; a pane that is elsewhere is not looked for."""
    place.evaluate("""() => {
      const pane = document.createElement("section");
      pane.className = "ipyproc-job";
      Object.assign(pane.dataset, { name: "serve", number: 1, host: "localhost" });
      pane.style.marginTop = "3000px";
      document.body.append(pane);
    }""")
    table.button("Kill train").focus()
    place.keyboard.press("ArrowLeft")
    expect(
        table.rows.first.get_by_role("link", name="train", exact=True)
    ).to_be_focused()
    place.keyboard.press("Enter")
    expect(place.get_by_text("no pane of train is on this page")).to_be_visible()
    place.keyboard.press("ArrowDown")
    place.keyboard.press("Enter")
    expect(place.locator("section.ipyproc-job")).to_be_focused()
    expect(place.locator("section.ipyproc-job")).to_be_in_viewport()


def test_it_moves_into_the_static_html(place: Page, table: Table) -> None:
    """When the output becomes HTML the table moves into it with focus and scroll."""
    many = {str(n): job(f"job-{n}", n) for n in range(99)}
    table.tell(many, keys=list(many))
    expect(table.rows).to_have_count(99)
    table.button("Kill job-50").focus()
    scroller = place.locator("section > div")
    top = scroller.evaluate("e => e.scrollTop")
    assert top > 0

    for _ in range(2):  # also when it is drawn again
        place.evaluate("replace('<table></table>')")
        expect(table.rows).to_have_count(99)
        expect(place.locator("section")).to_have_count(1)
        expect(table.button("Kill job-50")).to_be_focused()
        place.wait_for_function(
            "top => document.querySelector('section > div').scrollTop === top", arg=top
        )


def test_the_kernel_is_gone(place: Page, table: Table) -> None:
    """Without a kernel the table keeps its rows, says why, and disables its buttons."""
    place.evaluate("() => { model.gone = true; }")
    table.button("Kill train").dispatch_event("click")

    expect(place.get_by_text("the kernel is gone")).to_be_visible()
    expect(table.button("Kill serve")).to_be_disabled()
    expect(table.rows).to_have_count(3)


def test_ports_are_links(table: Table, place: Page) -> None:
    """There is a column of them as long as a job listens; a filter finds them."""
    heading = table.button("Ports")
    expect(heading).to_be_hidden()
    table.tell({"1": {"ports": [8000, 8001]}}, notes={"more": 0, "proxy": True})

    expect(heading).to_be_visible()
    links = place.get_by_role("link", name=re.compile("^80"))
    expect(links).to_have_text(["8000", "8001"])
    expect(links.first).to_have_attribute("href", "/proxy/8000/")
    links.first.focus()
    table.tell({"1": {"cpu": 3.0}})
    expect(links.first).to_be_focused()
    place.get_by_label("Filter jobs").fill("8001")
    expect(table.rows.filter(visible=True)).to_have_count(1)

    table.tell({"1": {"ports": []}})
    expect(heading).to_be_hidden()


SHOWN = {
    "0": job("train", 1, cpu=187.4, memory=2_345_600_000, last="epoch 12  loss 0.0312"),
    "1": job("serve", 2, cpu=0.3, memory=48_000_000, ports=[8080, 9090], last="ready"),
    "2": ended("build", 0, 3) | {"last": "[100%] Built target app"},
    "3": ended("lint", 0x200, 4) | {"last": "error: 3 problems (2 fixable)"},
    "4": ended("a-long-name-of-a-job-that-was-killed", 9, 5),
    "5": job("paused", 6, status="stopped", text="stopped", last="x" * 200),
}


def assert_fits(place: Page, width: int) -> None:
    """Assert that nothing is cut off at this width, and text has enough contrast."""
    assert place.evaluate("document.documentElement.scrollWidth") <= width
    box = place.locator("section").bounding_box()
    assert box is not None
    for element in place.locator("section button:visible").all():
        inner = element.bounding_box()
        assert inner is not None
        assert inner["x"] >= box["x"]
        assert inner["x"] + inner["width"] <= box["x"] + box["width"]
    assert min(place.evaluate("contrasts()")) >= 4.0


@pytest.mark.parametrize(("width", "zoom"), [(400, 1), (1100, 1), (1100, 2), (1600, 1)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits(
    place: Page, width: int, zoom: int, scheme: Any, picture: Picture
) -> None:
    """At any width nothing is cut off or overlaps, and text has enough contrast."""
    place.evaluate(f"document.documentElement.style.zoom = {zoom}")
    place.set_viewport_size({"width": width, "height": 700})
    place.emulate_media(color_scheme=scheme)
    table = Table(place, "jobs", SHOWN)
    expect(table.rows).to_have_count(6)

    assert_fits(place, width)
    place.evaluate("() => { document.querySelector('section').style.margin = '8px' }")
    picture(place.locator("main"), f"procs-{scheme}-{width}-{zoom}")


#: Whether a cell shows all of its text.
WHOLE = "cell => cell.scrollWidth <= cell.clientWidth"


def test_the_host_and_the_pid_are_whole(place: Page) -> None:
    """Once a job is elsewhere there is room for both."""
    place.set_viewport_size({"width": 1100, "height": 700})
    row = job("train", 123, host="gpu-3")
    table = Table(place, "jobs", {"1": row, "2": job("here", 1_004_000)})
    expect(table.rows).to_have_count(2)
    cells = table.rows.locator("[data-column='pid']")

    expect(cells.first).to_have_text("gpu-3:4123")
    assert [cell.evaluate(WHOLE) for cell in cells.all()] == [True, True]


def process(**changed: Any) -> dict[str, Any]:
    """Return the row of this very process, as it would be shown."""
    view = ProcessView(ForeignProcess(os.getpid()))
    view.close()
    usage = {"cpu": [0, 30, 20], "memory": 48_000_000, "processes": 2}
    tree = [4242, "nginx", 20, 48_000_000, [[4243, "worker", 0, 1_000_000, []]]]
    row = view.rows["process"] | {"pid": 4242, "name": "nginx", "status": "sleeping"}
    row |= {"state": "running", "command": "nginx: master process", "user": "www-data"}
    row |= {"started": CLOCK - 3725, "parent": "1 systemd", "threads": 1}
    return row | {"usage": usage | {"tree": tree}} | changed


def test_a_process_as_html() -> None:
    """What is saved of a process has the time, and elements that sanitisers allow."""
    view = ProcessView(ForeignProcess(os.getpid()))
    view.close()

    read = Reader(view.html())

    assert {tag for tag, _ in read.tags} <= STRICT
    assert read.find("ipyproc-found")["aria-label"] == f"Process {os.getpid()}"
    for text in (read.text, view.text()):
        assert re.search(r"as of \d+-\d\d-\d\d \d\d:\d\d:\d\d", text)


def test_a_process_found(place: Page) -> None:
    """The pane shows facts, usage and processes, and each button names an action."""
    pane = Table(place, "found", {"process": process()})

    section = place.get_by_role("region", name="Process 4242")
    expect(section).to_have_attribute("data-status", "running")
    expect(section.locator(".ipyproc-status")).to_have_text("sleeping")
    expect(section).to_contain_text("pid 4242 · 1:02:05")
    expect(section).to_contain_text("20 % CPU · 48.0 MB · 2 processes")
    expect(section.get_by_role("row", name="User www-data")).to_be_visible()
    place.locator("summary").click()
    expect(place.get_by_text("pid 4243")).to_be_visible()
    for name in ("Interrupt", "Terminate", "Kill", "Stop"):
        pane.button(name).click()
    place.get_by_label("Any signal").select_option("SIGUSR1 (10)")
    pane.button("Signal").click()
    for action in ("interrupt", "terminate", "kill", "stop", "signal"):
        pane.says(action)
    assert pane.sent("signal")[0]["signal"] == "SIGUSR1 (10)"


def test_a_process_that_must_not_be_signalled(place: Page) -> None:
    """The buttons are disabled, and the pane says why."""
    pane = Table(place, "found", {"process": process()})
    pane.tell({}, notes={"refusal": "pid 1 is refused: it is the parent of all others"})

    expect(place.get_by_text("it is the parent of all others")).to_be_visible()
    for name in ("Interrupt", "Terminate", "Kill"):
        expect(pane.button(name)).to_be_disabled()


def test_a_process_that_goes(place: Page) -> None:
    """After its end there are no buttons, and the pane says that its end is unknown."""
    pane = Table(place, "found", {"process": process()})
    change = {"status": "gone", "state": "gone", "ended": CLOCK, "usage": None}
    pane.tell({"process": change}, notes={"end": "how it ended only its parent knows"})

    expect(place.locator("section")).to_have_attribute("data-status", "gone")
    expect(place.locator(".ipyproc-status")).to_have_text("gone")
    expect(place.get_by_text("how it ended only its parent knows")).to_be_visible()
    expect(pane.button("Kill")).to_have_count(0)


@pytest.mark.parametrize("width", [400, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_process_fits(place: Page, width: int, scheme: Any, picture: Picture) -> None:
    """The pane fits at any width, in both colour schemes."""
    place.set_viewport_size({"width": width, "height": 700})
    place.emulate_media(color_scheme=scheme)
    Table(place, "found", {"process": process(command="nginx " + "--option " * 40)})
    place.locator("summary").click()

    assert place.evaluate("document.documentElement.scrollWidth") <= width
    assert min(place.evaluate("contrasts()")) >= 4.0
    picture(place.locator("main"), f"found-{scheme}-{width}")
