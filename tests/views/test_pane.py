"""The pane in a real browser, over a model that the test plays."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ipyproc import JobStatus, Usage
from ipyproc.views.render import format, html
from ipyproc.views.transport import usage_feed
from tests.views.fakes import FakeJob

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("views")]

NOTHING = {"offset": 0, "streams": [], "data": ""}


class Pane:
    """A pane, what it says, and what it is told."""

    def __init__(self, page: Page, job: FakeJob, tail: dict[str, Any]) -> None:
        self.page = page
        self.job = job
        self.have = 0
        page.evaluate("given => open_(...given)", [format.snapshot(job), tail])

    def show(self) -> None:
        """Render it."""
        self.page.evaluate("render()")

    def sent(self, action: str) -> list[dict[str, Any]]:
        """Return what it asked for."""
        sent = self.page.evaluate("model.sent")
        return [message for message in sent if message["action"] == action]

    def tell(self, data: str | None = None, **content: object) -> None:
        """Send it a message; the characters of *data* are bytes."""
        self.page.evaluate("given => tell(...given)", [content, data])

    def begin(
        self, offset: int = 0, data: str | None = None, clock: float = 0.0, **more: Any
    ) -> None:
        """Answer the last time that it said what it has."""
        asked = self.sent("ready")[-1]
        here = {"page": asked["page"], "seq": asked["seq"]}
        self.tell(data, kind="begin", offset=offset, clock=clock, **here, **more)

    def prints(
        self, data: str, after: int | None = None, stream: str = "stdout"
    ) -> None:
        """Send it output."""
        after = self.have if after is None else after
        pages = [self.sent("ready")[-1]["page"]]
        where = {"pages": pages, "after": after, "offset": after}
        self.tell(data, kind="output", streams=[[stream, len(data)]], **where)
        self.have = after + len(data)

    def changed(self) -> None:
        """Send it the new state of the job."""
        state = format.snapshot(self.job)
        self.page.evaluate("state => set('state', state)", state)

    @property
    def lines(self) -> Any:
        """The elements of its lines."""
        return self.page.locator(".ipyproc-output > *")

    def shows(self, *lines: str) -> None:
        """Wait until it shows these lines, and no others."""
        expect(self.lines).to_have_text(lines)

    def button(self, name: str) -> Any:
        """Return a button."""
        return self.page.get_by_role("button", name=name)


@pytest.fixture
def job() -> FakeJob:
    """A job that runs."""
    return FakeJob()


@pytest.fixture
def pane(page: Page, job: FakeJob) -> Pane:
    """Its pane, to which the kernel has not spoken yet."""
    pane = Pane(page, job, NOTHING)
    pane.show()
    return pane


@pytest.fixture
def live(pane: Pane) -> Pane:
    """A pane that the kernel has answered."""
    pane.begin()
    return pane


def test_the_page_contract(page: Page, pane: Pane) -> None:
    """Names, roles and attributes are those that style sheets and tests rely on."""
    section = page.get_by_role("region", name="Job train")
    expect(section).to_have_class("ipyproc-job tex2jax_ignore mathjax_ignore")
    expect(section).to_have_attribute("data-name", "train")
    expect(section).to_have_attribute("data-number", "1")
    expect(section).to_have_attribute("data-pid", "4242")
    expect(section).to_have_attribute("data-status", "running")
    expect(page.locator(".ipyproc-status")).to_have_text("running")
    expect(section).to_contain_text("python3 -u train.py")
    expect(section).to_contain_text("pid 4242")
    for name in ("Interrupt", "Terminate", "Kill", "Send", "Close stdin"):
        expect(pane.button(name)).to_be_visible()
    expect(page.get_by_label("Standard input")).to_be_visible()


def test_output(page: Page, live: Pane) -> None:
    """The output is a log with one child per line, appended as it comes."""
    live.prints("one\ntw")
    live.prints("o\n")
    live.prints("bad\n", stream="stderr")

    live.shows("one", "two", "bad")
    expect(page.get_by_role("log", name="Output of train")).to_have_class(
        "ipyproc-output"
    )
    expect(page.locator(".ipyproc-output > .stderr")).to_have_text("bad")
    expect(live.button("Save output")).to_be_visible()


def test_only_what_changes_is_drawn(page: Page, live: Pane) -> None:
    """A progress bar after hundreds of lines touches one line of the page."""
    live.prints("x\n" * 900 + "0 %")
    expect(live.lines).to_have_count(901)
    page.evaluate("drawn()")
    page.evaluate("watch()")

    live.prints("\r10 %")
    live.prints("\r20 %\n")

    expect(live.lines.last).to_have_text("20 %")
    assert page.evaluate("touched.size") == 1


def test_old_lines_fall_off(page: Page, live: Pane) -> None:
    """The pane keeps a limited number of lines, and says how many are gone."""
    for start in range(0, 5000, 1000):
        live.prints("".join(f"{n}\n" for n in range(start, start + 1000)))

    live.shows(*map(str, range(4000, 5000)))
    expect(page.get_by_text("4,000 lines above are not shown")).to_be_visible()


def test_looks(page: Page, live: Pane) -> None:
    """Colours and text attributes become styles of spans."""
    live.prints("\x1b[1;4;31mred\x1b[0m \x1b[7;38;2;1;2;3;48;5;16mx\x1b[0m\x1b[7my")

    expect(page.locator(".ipyproc-output span")).to_have_count(3)
    red, both, plain = page.locator(".ipyproc-output span").all()
    expect(red).to_have_css("font-weight", "700")
    expect(red).to_have_css("text-decoration-line", "underline")
    expect(red).to_have_css("color", "rgb(196, 38, 46)")
    expect(both).to_have_css("background-color", "rgb(1, 2, 3)")
    expect(both).to_have_css("color", "rgb(0, 0, 0)")
    fore = page.locator(".ipyproc-output").evaluate("e => getComputedStyle(e).color")
    expect(plain).to_have_css("background-color", fore)


HOSTILE = [
    "<script>window.evil = 1</script><img src=x onerror='window.evil = 1'>\n",
    "\x1b]8;;javascript:window.evil=1\x07click\x1b]8;;\x07\n",
    '\x1b]8;;https://a.b/" onclick="window.evil=1\x07click\x1b]8;;\x07\n',
    "\x1b[38;2;1;2;3;url(//a.b)mx\n",
    "\x1b]52;c;ZXZpbA==\x07\x1b]0;title\x07\x1bP+q\x1b\\\x1b[c\x1b[6n\n",
    "\u00e2\u0080\u00aeevil\u00e2\u0081\u00a6\n",  # U+202E, U+2066
    "$\\require{html}\\href{javascript:alert(1)}{x}$\n",
    "\x1b]" + "x" * 100_000,
    "\x1b[" + "1;" * 50_000 + "m",
    "e" + "\u00cc\u0081" * 50_000,  # U+0301
]


def test_hostile_output(page: Page, live: Pane) -> None:
    """Nothing that a job prints becomes an element, an address or a script."""
    title = page.title()
    for data in HOSTILE:
        live.prints(data)
    live.prints("\x18\n~\n")
    expect(live.lines.last).to_have_text("~")
    for link in page.locator(".ipyproc-output a").all():
        link.click()

    tags = page.locator(".ipyproc-output *").evaluate_all(
        "all => [...new Set(all.map((e) => e.localName))]"
    )
    assert set(tags) <= {"div", "span", "br"}
    assert page.evaluate("window.evil") is None
    assert page.title() == title


def test_links(page: Page, live: Pane) -> None:
    """A link leads to http or https only, in a tab that cannot reach this page."""
    live.prints("\x1b]8;;https://a.b/?c=d\x07this\x1b]8;;\x07")

    link = page.get_by_role("link", name="this")
    expect(link).to_have_attribute("href", "https://a.b/?c=d")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_the_tail_is_shown_before_the_kernel_answers(page: Page, job: FakeJob) -> None:
    """A page that gets no answer shows what the synced state holds."""
    tail = {
        "offset": 1500,
        "streams": [["stdout", 5], ["stderr", 4]],
        "data": "last\noops",
    }
    pane = Pane(page, job, tail)
    pane.show()

    pane.shows(
        "… 1.5 kB not shown here; “Save output” has everything …",
        "last",
        "oops",
    )
    assert pane.sent("ready")[0]["have"] is None


def test_what_the_tail_had_is_not_shown_twice(page: Page, job: FakeJob) -> None:
    """The stream continues after the tail, even if it begins before the tail's end."""
    pane = Pane(page, job, {"offset": 0, "streams": [["stdout", 4]], "data": "a\nb\n"})
    pane.show()
    assert pane.sent("ready")[0]["have"] == 4

    pane.prints("b\nc\n", after=2)
    pane.shows("a", "b", "c")

    pane.begin(2)
    pane.prints("b\nc\nd\n", after=2)
    pane.shows("a", "b", "c", "d")


def test_a_tail_is_replaced_by_more(page: Page, job: FakeJob) -> None:
    """If the kernel can send more than the tail held, the pane starts with that."""
    tail = {"offset": 1000, "streams": [["stdout", 2]], "data": "z\n"}
    pane = Pane(page, job, tail)
    pane.show()
    expect(pane.lines).to_have_count(2)

    pane.begin(998)
    pane.prints("y\nz\n", after=998)
    pane.shows("… 998 B not shown here; “Save output” has everything …", "y", "z")


def test_a_page_that_comes_late_begins_with_the_picture(page: Page, pane: Pane) -> None:
    """What is drawn stands for all before it; what follows moves in it and goes on."""
    picture = "\x1b[1mone\x1b[m\ntwo\x1b[32m\x1b[1;1H"
    drawn = {"streams": [["stdout", len(picture)]], "above": 1200, "before": 5_000_000}
    pane.begin(9_000_000, picture, **drawn)
    pane.shows("one", "two")
    expect(pane.lines.first.locator("span")).to_have_css("font-weight", "700")
    above = "5.0 MB and 1,200 lines above are not shown"
    expect(page.get_by_role("region")).to_contain_text(above)

    pane.have = 9_000_000
    pane.prints("x\nz")
    pane.shows("xne", "zwo")
    pane.tell(None, kind="output", pages=["*"], after=10**7, offset=10**7, streams=[])
    assert pane.sent("ready")[-1]["have"] == 9_000_003


def test_a_busy_kernel_is_followed_without_an_answer(page: Page, pane: Pane) -> None:
    """A pane shows what a busy kernel sends to every page, and new tails."""
    everybody = {"pages": ["*"], "streams": [["stdout", 2]]}
    pane.tell("a\n", kind="output", after=0, offset=0, **everybody)
    pane.shows("a")

    tail = {"offset": 0, "streams": [["stdout", 6]], "data": "a\nb\nc\n"}
    page.evaluate("tail => set('tail', tail)", tail)
    pane.shows("a", "b", "c")


def test_gaps_are_mended(page: Page, live: Pane) -> None:
    """If a message is missing, the page asks once for what it lacks."""
    live.prints("a\n")
    live.prints("c\n", after=4)
    live.prints("d\n", after=6)

    live.shows("a")
    assert [asked["have"] for asked in live.sent("ready")] == [0, 2]

    live.begin(2)
    live.prints("b\nc\nd\n", after=2)
    live.shows("a", "b", "c", "d")


def test_a_missing_last_message_is_noticed(page: Page, live: Pane) -> None:
    """From the total in the state the page knows that output is missing, and asks."""
    pages = [live.sent("ready")[-1]["page"]]
    live.tell(None, kind="output", pages=pages, after=5, offset=5, streams=[])

    assert [asked["have"] for asked in live.sent("ready")] == [0, 0]


def test_what_is_left_out_is_said(page: Page, live: Pane) -> None:
    """If the kernel skips output, the pane says how much it does not show."""
    live.prints("a")
    pages = [live.sent("ready")[-1]["page"]]
    skip = {"after": 1, "offset": 2_000_001, "streams": [["stdout", 2]]}
    live.tell("z\n", kind="output", pages=pages, **skip)

    live.shows(
        "a",
        "… 2.0 MB not shown here; “Save output” has everything …",
        "z",
    )


def test_what_was_left_out_is_said_for_ever(page: Page, live: Pane) -> None:
    """How many bytes were left out is still said when that line falls off."""
    live.prints("a\n")
    pages = [live.sent("ready")[-1]["page"]]
    text = "z\n" * 1000
    for after, offset in ((2, 2_000_002), (2_002_002, 5_002_002)):
        skip = {"after": after, "offset": offset, "streams": [["stdout", 2000]]}
        live.tell(text, kind="output", pages=pages, **skip)

    expect(
        page.get_by_text("5.0 MB and 1,003 lines above are not shown")
    ).to_be_visible()
    live.shows(*["z"] * 1000)


def test_only_what_is_drawn_is_acknowledged(page: Page, live: Pane) -> None:
    """The page acknowledges only what it has drawn, and not every message."""
    live.prints("x" * 79 + "\n")
    expect(live.lines).to_have_count(1)
    assert live.sent("ack") == []

    live.prints(("x" * 79 + "\n") * 1000)
    page.wait_for_function("model.sent.some((m) => m.action === 'ack')")
    assert [ack["offset"] for ack in live.sent("ack")] == [80_080]


def test_messages_for_other_pages_are_not_for_this_one(page: Page, live: Pane) -> None:
    """Each view has a name of its own, and ignores messages for others."""
    live.tell(
        "x", kind="output", pages=["b"], after=0, offset=0, streams=[["stdout", 1]]
    )
    live.tell(kind="done", page="b", seq=1, error="not for you")

    live.shows()
    expect(page.get_by_text("not for you")).to_have_count(0)


def test_its_height_is_given_in_lines(page: Page, live: Pane) -> None:
    """The log is at most 17 lines high by default, and smaller if it has fewer."""
    height = "e => e.clientHeight / parseFloat(getComputedStyle(e).lineHeight)"
    log = page.get_by_role("log")

    live.prints("one\n")
    expect(live.lines).to_have_count(1)
    assert log.evaluate(height) < 3

    live.prints("more\n" * 50)
    expect(live.lines).to_have_count(51)
    assert 17 <= log.evaluate(height) < 18

    page.evaluate("set('height', 5)")
    assert 5 <= log.evaluate(height) < 6


def test_it_follows_the_end_until_the_reader_scrolls(page: Page, live: Pane) -> None:
    """The newest line is in view until the reader scrolls away from it."""
    log = page.locator(".ipyproc-output")
    bottom = "e => e.scrollHeight - e.scrollTop - e.clientHeight"
    live.prints("x\n" * 100)
    expect(live.lines).to_have_count(100)
    assert log.evaluate(bottom) < 2
    assert log.evaluate("e => e.clientHeight") < 400

    log.focus()
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('.ipyproc-output').scrollTop === 0")
    live.prints("x\n" * 100)
    expect(live.lines).to_have_count(200)
    assert log.evaluate("e => e.scrollTop") == 0

    log.evaluate("e => { e.scrollTop = e.scrollHeight; }")
    page.evaluate("drawn()")
    live.prints("x\n" * 100)
    expect(live.lines).to_have_count(300)
    assert log.evaluate(bottom) < 2


def test_what_is_put_elsewhere_still_follows(page: Page, live: Pane) -> None:
    """A log that is moved on the page begins at its top, and nobody scrolled there."""
    live.prints("x\n" * 1100)
    expect(live.lines).to_have_count(1000)
    page.evaluate("drawn()")
    page.locator(".ipyproc-output").hover()

    page.evaluate(
        """async () => {
          const pane = document.querySelector("section");
          const place = pane.parentNode;
          const log = document.querySelector(".ipyproc-output");
          log.scrollTop -= 30; // the event of what scrolled just before comes later
          log.scrollTop += 30;
          pane.remove();
          place.append(pane);
          for (let n = 0; n < 3; n++) await new Promise(requestAnimationFrame);
        }"""
    )
    live.prints("the end\n")

    expect(live.lines.last).to_have_text("the end")
    expect(live.lines.last).to_be_in_viewport()
    assert page.get_by_role("button", name="Back to the end").count() == 0


def test_buttons_ask_the_kernel(page: Page, live: Pane) -> None:
    """A button sends the name of an action, and an error is shown beside it."""
    buttons = {
        "Interrupt": "interrupt",
        "Terminate": "terminate",
        "Kill": "kill",
        "Close stdin": "close_stdin",
    }
    for label, action in buttons.items():
        live.button(label).click()
        page.wait_for_function("a => model.sent.some(m => m.action === a)", arg=action)
    asked = [live.sent(action)[0] for action in buttons.values()]
    assert len({message["seq"] for message in asked}) == 4

    for action in ("interrupt", "terminate", "close_stdin"):
        answer(live, action)  # else it is said sooner or later that they are queued
    seq, name = asked[2]["seq"], asked[2]["page"]
    live.tell(kind="done", page=name, seq=seq, error="os: process already finished")
    expect(page.get_by_text("os: process already finished")).to_be_visible()
    live.button("Kill").click()
    page.wait_for_function("model.sent.filter(m => m.action === 'kill').length === 2")
    answer(live, "kill", 1)
    expect(page.get_by_text("os: process already finished")).to_have_count(0)


def test_an_ended_job_can_run_again(page: Page, live: Pane) -> None:
    """The button appears with the end, and asks for the job once more."""
    expect(live.button("Run again")).to_be_hidden()
    live.job.ends(0)
    live.changed()

    live.button("Run again").click()
    page.wait_for_function("model.sent.some(m => m.action === 'again')")


def test_an_elder_that_runs_is_offered_for_ending(page: Page, live: Pane) -> None:
    """A pane names the jobs of its name that still run; a button ends one of them."""
    elder = FakeJob()
    elder.label, elder.pid = "train#1", 12
    live.job.number, live.job.elders = 2, [elder]
    live.changed()
    expect(page.get_by_text("train#1 (pid 12) still runs")).to_be_visible()

    live.button("End train#1").click()
    page.wait_for_function("model.sent.some(m => m.action === 'end_elder')")
    assert live.sent("end_elder")[0]["number"] == 1
    answer(live, "end_elder")

    live.job.elders = []
    live.changed()
    expect(live.button("End train#1")).to_have_count(0)


def test_several_elders_are_folded(page: Page, live: Pane) -> None:
    """They take one line until somebody opens it, and stay open when one has ended."""
    elders = [FakeJob(), FakeJob(), FakeJob()]
    for number, elder in enumerate(elders, 1):
        elder.number, elder.label = number, f"train#{number}"
    live.job.number, live.job.elders = 4, elders
    live.changed()
    line = page.get_by_text("3 older runs are not over")
    expect(live.button("End train#2")).to_be_hidden()

    line.click()
    expect(live.button("End train#2")).to_be_visible()
    live.job.elders = elders[1:]
    live.changed()
    expect(page.get_by_text("2 older runs are not over")).to_be_visible()
    expect(live.button("End train#3")).to_be_visible()


def test_a_label_changes_with_a_newer_job(page: Page, live: Pane) -> None:
    """The header shows the label; the name of the region stays."""
    live.job.label = "train#1"
    live.changed()

    expect(page.locator("header b")).to_have_text("train#1")
    expect(page.get_by_role("region", name="Job train")).to_be_visible()


def answer(pane: Pane, action: str, number: int = 0) -> None:
    """Answer an action of the pane: it worked."""
    asked = pane.sent(action)[number]
    pane.tell(kind="done", page=asked["page"], seq=asked["seq"], error="")


def test_a_click_that_has_to_wait_says_so(page: Page, live: Pane) -> None:
    """While the kernel is busy the pane says what is queued, and sends it once."""
    kill, interrupt = live.button("Kill"), live.button("Interrupt")
    kill.click()
    expect(page.get_by_text("Kill is queued: the kernel is busy")).to_be_visible()
    expect(kill).to_have_attribute("aria-busy", "true")
    kill.click()
    interrupt.click()
    expect(page.get_by_text("Interrupt is queued: the kernel is busy")).to_be_visible()
    assert len(live.sent("kill")) == 1

    answer(live, "kill")
    expect(kill).not_to_have_attribute("aria-busy", "true")
    expect(page.get_by_text("is queued")).to_be_visible()

    answer(live, "interrupt")
    expect(page.get_by_text("is queued")).to_have_count(0)
    kill.click()
    assert len(live.sent("kill")) == 2


def test_input_that_has_to_wait_is_all_sent(page: Page, live: Pane) -> None:
    """While lines wait for the kernel, more can be sent."""
    field = page.get_by_label("Standard input")
    for line in ("one", "two"):
        field.fill(line)
        field.press("Enter")
        expect(page.get_by_text("Send is queued")).to_be_visible()

    assert [message["text"] for message in live.sent("send")] == ["one\n", "two\n"]
    answer(live, "send", 0)
    expect(page.get_by_text("Send is queued")).to_be_visible()
    answer(live, "send", 1)
    expect(page.get_by_text("Send is queued")).to_have_count(0)


USAGE = Usage(
    4242,
    "python3",
    *(97.6, 300_000_000, 4, 10),
    children=(
        Usage(4243, "<b>x</b>", 12, 20_000_000, 1, 4),
        Usage(4244, "sh", 0, 1_000_000, 1, 4, children=(Usage(9, "ls", 0, 9, 1, 1),)),
    ),
)


def used(pane: Pane, *cpu: int, tree: bool = False) -> None:
    """Send the pane what its job uses."""
    branch = usage_feed.branch(USAGE) if tree else None
    figures = {"cpu": cpu, "memory": USAGE.total_memory, "processes": 4}
    course = [["CPU over time", "▁▅█ 3:20, up to 72 %"]] if tree else []
    pane.tell(kind="usage", tree=branch, course=course, **figures)


def test_usage(page: Page, live: Pane) -> None:
    """CPU and memory are figures and a curve with a text for screen readers."""
    summary = page.locator("summary")
    expect(summary).to_have_text("Processes and signals")
    expect(page.get_by_role("img")).to_have_count(0)

    used(live, 10, 200, 72)

    expect(summary).to_have_text("72 % CPU · 321.0 MB · 4 processes")
    curve = page.get_by_role("img", name="processor: up to 200 % in 3 s")
    expect(curve).to_be_visible()
    path = curve.locator("path").get_attribute("d")
    assert path == "M57,12.4L58,1L59,8.68"


def test_it_says_that_somebody_looks(timed_page: Page, job: FakeJob) -> None:
    """A pane in sight says so every few seconds, one out of sight does not."""
    pane = Pane(timed_page, job, NOTHING)
    pane.show()
    pane.begin()
    timed_page.wait_for_function("model.sent.some((m) => m.action === 'look')")
    assert [asked["tree"] for asked in pane.sent("look")] == [False]
    timed_page.clock.run_for(11_500)
    assert len(pane.sent("look")) == 3

    timed_page.evaluate("document.querySelector('section').style.marginTop = '9000px'")
    timed_page.evaluate("drawn()")
    before = len(pane.sent("look"))
    timed_page.clock.run_for(20_000)
    assert len(pane.sent("look")) <= before + 1

    job.ends()
    pane.changed()
    before = len(pane.sent("look"))
    timed_page.evaluate("document.querySelector('section').style.marginTop = 0")
    timed_page.evaluate("drawn()")
    timed_page.clock.run_for(20_000)
    assert len(pane.sent("look")) == before


#: When the page knows whether a pane is in sight.
SIGHTED = """top => new Promise((done) => {
  const pane = document.querySelector("section");
  pane.style.marginTop = top;
  new IntersectionObserver(done).observe(pane);
})"""


def test_what_nobody_sees_is_drawn_rarely(timed_page: Page, job: FakeJob) -> None:
    """Output out of sight is drawn at most once a second."""
    pane = Pane(timed_page, job, NOTHING)
    pane.show()
    pane.begin()
    pane.prints("one\n")
    pane.shows("one")
    timed_page.evaluate(SIGHTED, "9000px")
    timed_page.clock.pause_at(2_000_000)

    pane.prints("two\n")
    timed_page.clock.run_for(900)
    assert pane.lines.all_text_contents() == ["one"]
    timed_page.clock.run_for(900)  # what took long to draw is drawn later still
    assert pane.lines.all_text_contents() == ["one", "two"]

    pane.prints("three\n")
    timed_page.evaluate(SIGHTED, "0")
    timed_page.clock.run_for(900)
    assert pane.lines.all_text_contents() == ["one", "two", "three"]


def test_a_page_that_was_too_slow_for_anywidget(page: Page, job: FakeJob) -> None:
    """A model that anywidget gave up hears its kernel, and asks for what it missed."""
    state = format.snapshot(job)
    page.evaluate(
        """given => open_(...given, {
          on_msg: (heard) => (window.heard = heard),
          send: (data) => model.sent.push(data),
        })""",
        [state, NOTHING],
    )
    page.evaluate("render()")
    page.wait_for_function("model.sent.some((m) => m.method === 'request_state')")

    streams = [["stdout", 0]]
    data = {"kind": "output", "pages": ["*"], "after": 7, "offset": 7}
    page.evaluate("data => heard({ content: { data } })", data | {"streams": streams})

    page.wait_for_function("model.sent.filter((m) => m.action === 'ready').length > 1")
    expect(page.get_by_text("does not hear")).to_have_count(0)


def test_a_page_that_cannot_hear_the_kernel(page: Page, job: FakeJob) -> None:
    """A page that cannot hear the kernel says so, and what helps."""
    state = format.snapshot(job)
    page.evaluate("given => open_(...given, {})", [state, NOTHING])
    page.evaluate("render()")

    said = "this page does not hear the kernel: load it again"
    expect(page.get_by_role("region").get_by_text(said)).to_be_visible()


def test_figures_that_are_old_say_so(timed_page: Page, job: FakeJob) -> None:
    """Figures that the kernel has not renewed say how old they are."""
    pane = Pane(timed_page, job, NOTHING)
    pane.show()
    pane.begin()
    used(pane, 5)

    timed_page.clock.run_for(65_500)

    summary = timed_page.locator("summary")
    expect(summary).to_contain_text("5 % CPU · 321.0 MB · 4 processes · 1:05 ago")
    used(pane, 5, 6)
    expect(summary).to_contain_text("6 % CPU · 321.0 MB · 4 processes")
    expect(summary).not_to_contain_text("ago")


def test_the_processes_on_request(page: Page, live: Pane) -> None:
    """Processes are asked for when the reader opens them; names are only text."""
    page.wait_for_function("model.sent.some((m) => m.action === 'look')")
    assert not any(asked["tree"] for asked in live.sent("look"))

    page.locator("summary").click()
    page.wait_for_function("model.sent.some((m) => m.tree)")
    used(live, 72, tree=True)

    tree = page.get_by_role("list", name="Processes")
    expect(tree.locator("li > div")).to_have_text(
        [
            "python3pid 424298 %300.0 MB",
            "<b>x</b>pid 424312 %20.0 MB",
            "shpid 42440 %1.0 MB",
            "lspid 90 %9 B",
        ]
    )
    expect(tree.locator("ul ul li")).to_have_count(1)
    course = page.locator(".ipyproc-course")
    expect(course).to_have_text("CPU over time▁▅█ 3:20, up to 72 %")


def test_any_signal(page: Page, live: Pane) -> None:
    """Any signal of the kernel's table can be sent, to one process or to all."""
    page.locator("summary").click()
    page.get_by_label("Any signal").select_option("SIGUSR1 (10)")
    live.button("Signal").click()
    answer(live, "signal")
    page.get_by_label("all that it started").check()
    live.button("Signal").click()

    asked = [(sent["signal"], sent["tree"]) for sent in live.sent("signal")]
    assert asked == [("SIGUSR1 (10)", False), ("SIGUSR1 (10)", True)]


def test_stop_and_continue(page: Page, live: Pane) -> None:
    """The badge says whether the process is stopped, the button what it does."""
    section, badge = page.locator("section"), page.locator(".ipyproc-status")
    page.locator("summary").click()
    live.button("Stop").click()
    assert len(live.sent("stop")) == 1
    answer(live, "stop")

    live.job.status = JobStatus.STOPPED
    live.changed()
    expect(badge).to_have_text("stopped")
    expect(section).to_have_attribute("data-status", "stopped")
    live.button("Continue").click()
    assert len(live.sent("continue")) == 1

    live.job.status = JobStatus.RUNNING
    live.changed()
    expect(badge).to_have_text("running")
    expect(live.button("Stop")).to_be_visible()


def test_a_job_that_timed_out_says_so(page: Page, live: Pane) -> None:
    """A tag beside the badge says that the job timed out."""
    live.job.timed_out = True
    live.job.ends(15)
    live.changed()

    expect(page.locator(".ipyproc-status")).to_have_text("signal: terminated")
    expect(page.locator(".ipyproc-tag")).to_have_text("timed out")


CONTROLS = "section button, section input, section select"


def test_the_kernel_is_gone(page: Page, live: Pane) -> None:
    """Without a kernel the pane says so, keeps what it knew, disables its controls."""
    live.prints("hello\n")
    live.shows("hello")
    used(live, 7)
    page.evaluate("model.gone = true; model.fire('comm_live_update')")

    section = page.locator("section")
    expect(page.locator(".ipyproc-tag")).to_have_text("kernel gone")
    expect(page.get_by_text("this is how it was")).to_be_visible()
    expect(section).to_have_attribute("data-gone", "true")
    expect(section).to_have_attribute("data-status", "running")
    expect(page.locator("summary")).to_contain_text("7 % CPU")
    live.shows("hello")
    assert page.locator(CONTROLS).count() >= 8
    assert page.locator(f":is({CONTROLS}):enabled").count() == 0


def test_the_kernel_is_gone_and_nobody_said_so(timed_page: Page, job: FakeJob) -> None:
    """Where no event tells that the kernel is gone, the next request finds out."""
    pane = Pane(timed_page, job, NOTHING)
    pane.show()
    pane.begin()
    timed_page.wait_for_function("model.sent.some((m) => m.action === 'look')")
    pane.button("Kill").click()
    timed_page.evaluate("model.gone = true")

    timed_page.clock.run_for(6000)

    expect(timed_page.locator(".ipyproc-tag")).to_have_text("kernel gone")
    expect(timed_page.get_by_text("this is how it was")).to_be_visible()


def test_a_view_of_a_kernel_that_is_gone(page: Page, job: FakeJob) -> None:
    """A pane that is drawn after the kernel is gone shows what the state holds."""
    pane = Pane(page, job, {"offset": 0, "streams": [["stdout", 3]], "data": "hi\n"})
    page.evaluate("model.gone = true")
    pane.show()

    pane.shows("hi")
    expect(page.locator(".ipyproc-tag")).to_have_text("kernel gone")


def test_an_ended_job_of_a_kernel_that_is_gone(page: Page, live: Pane) -> None:
    """What is known of an ended job still holds; only saving is disabled."""
    live.prints("hello\n")
    live.job.prints(b"hello\n")
    live.job.ends()
    live.changed()
    page.evaluate("model.gone = true; model.fire('comm_live_update')")

    expect(page.locator(".ipyproc-status")).to_have_text("exit status 0")
    expect(page.locator(".ipyproc-tag")).to_have_text("kernel gone")
    expect(page.locator(".ipyproc-state")).to_be_visible()
    expect(live.button("Save output")).to_be_disabled()
    expect(page.get_by_text("this is how it was")).to_have_count(0)


def test_standard_input(page: Page, live: Pane) -> None:
    """Enter or the button sends a line, and the field is there while stdin is open."""
    field = page.get_by_label("Standard input")
    field.fill("yes")
    field.press("Enter")
    field.fill("")
    live.button("Send").click()

    assert [message["text"] for message in live.sent("send")] == ["yes\n", "\n"]
    expect(field).to_have_value("")

    live.job.stdin_open = False
    live.changed()
    expect(field).to_have_count(0)
    expect(live.button("Send")).to_have_count(0)


def test_keys_stay_in_the_pane(page: Page, live: Pane) -> None:
    """Keys typed in the pane are no commands for the notebook around it."""
    page.evaluate("() => { document.onkeydown = (e) => { window.leaked = e.key; }; }")
    page.get_by_label("Standard input").press("d")
    live.button("Kill").press("d")

    assert page.evaluate("window.leaked") is None
    expect(page.locator("section")).to_have_attribute(
        "data-lm-suppress-shortcuts", "true"
    )


def test_the_end(page: Page, live: Pane) -> None:
    """At the end there are the state, the real time, and only buttons that work."""
    live.prints("bye")
    live.job.prints(b"bye")
    live.job.ends(9)
    live.changed()

    section = page.locator("section")
    expect(section).to_have_attribute("data-status", "signaled")
    expect(page.locator(".ipyproc-status")).to_have_text("signal: killed")
    expect(section).to_contain_text("pid 4242 · 1.25 s")
    state = page.get_by_role("table").first
    expect(state).to_have_class("ipyproc-state")
    expect(state.get_by_role("row", name="State signal: killed")).to_be_visible()
    expect(state.get_by_role("row", name="Signal SIGKILL (9)")).to_be_visible()
    page.get_by_text("Wait status and usage").click()
    expect(page.get_by_text("0001001 ended by killed")).to_be_visible()
    for name in ("Interrupt", "Terminate", "Kill", "Send", "Close stdin"):
        expect(live.button(name)).to_have_count(0)
    expect(live.button("Save output")).to_be_visible()


def test_a_job_that_says_nothing_has_no_empty_box(page: Page, live: Pane) -> None:
    """A pane is only as high as what there is to show."""
    expect(page.get_by_role("log")).to_have_count(0)
    expect(live.button("Save output")).to_have_count(0)
    height = page.locator("section").evaluate("e => e.clientHeight")
    assert height < 110


def test_what_was_half_said_is_shown_at_the_end(page: Page, live: Pane) -> None:
    """A character that was cut off is shown when the output has ended."""
    live.prints("a\u00e2\u0082")
    live.shows("a")

    live.job.prints(b"a\xe2\x82")
    live.job.ends()
    live.changed()
    live.shows("a\ufffd")


def test_what_was_sent_comes_back_and_is_echoed(page: Page, live: Pane) -> None:
    """In a colour of its own, and not among the output, which is the job's alone."""
    field = page.get_by_label("Standard input")
    live.prints("name? ")
    for text in ("Ada", "Bob", "Bob"):
        field.fill(text)
        field.press("Enter")
        echo = page.locator(".ipyproc-sent")
        expect(echo).to_have_text(f"\u203a {text}")
    expect(echo).to_have_css("color", "rgb(11, 95, 196)")
    live.shows("name? ")

    field.fill("draft")
    shown = []
    for key in ("ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown"):
        field.press(key)
        shown.append(field.input_value())
    assert shown == ["Bob", "Ada", "Ada", "Bob", "draft"]


def test_keys_of_a_terminal(page: Page, live: Pane) -> None:
    """Ctrl-C interrupts unless text is selected; Ctrl-D sends, or ends the input."""
    field = page.get_by_label("Standard input")
    field.fill("part")
    field.press("Control+d")
    field.press("Control+d")
    field.press("Control+c")
    field.fill("text")
    field.select_text()
    field.press("Control+c")

    asked = page.evaluate("model.sent.filter(m => 'seq' in m && m.action !== 'ready')")
    assert [(m["action"], m.get("text")) for m in asked] == [
        ("send", "part"),
        ("close_stdin", None),
        ("interrupt", None),
    ]


def test_several_lines_are_pasted(page: Page, live: Pane) -> None:
    """Whole lines are sent; what is left can be edited."""
    field = page.get_by_label("Standard input")
    field.fill("> ")
    field.evaluate("""field => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text', 'one\\r\\ntwo\\nthr');
      field.dispatchEvent(new ClipboardEvent('paste', { clipboardData }));
    }""")

    assert [m["text"] for m in live.sent("send")] == ["> one\ntwo\n"]
    expect(field).to_have_value("thr")


def test_a_password_is_neither_echoed_nor_kept(page: Page, live: Pane) -> None:
    """What is typed while the field is masked is sent, and that is all."""
    field = page.get_by_label("Standard input")
    state = {**format.snapshot(live.job), "masked": True}  # type: ignore[arg-type]
    page.evaluate("state => set('state', state)", state)
    field.fill("secret")
    field.press("Enter")
    live.changed()
    field.press("ArrowUp")

    assert [m["text"] for m in live.sent("send")] == ["secret\n"]
    expect(field).to_have_value("")
    expect(page.locator(".ipyproc-sent")).to_have_text("")


def test_the_keyboard_is_elsewhere(page: Page, live: Pane, job: FakeJob) -> None:
    """A line says so in the place of the field; what was typed there stays."""
    field = page.get_by_label("Standard input")
    field.fill("draft")
    job.has_keyboard = False
    live.changed()
    expect(page.get_by_text("Read only: the keyboard is elsewhere")).to_be_visible()
    expect(field).to_be_hidden()
    expect(live.button("Interrupt")).to_be_enabled()
    assert live.sent("take") == []
    job.has_keyboard = True
    live.changed()
    expect(page.get_by_text("Read only")).to_be_hidden()
    field.press("Enter")

    assert [m["text"] for m in live.sent("send")] == ["draft\n"]


def test_the_keyboard_is_taken(page: Page, live: Pane, job: FakeJob) -> None:
    """By a button, which says why it is not at once; then the field has the focus."""
    job.has_keyboard = False
    live.changed()
    live.button("Take keyboard").press("Enter")
    (asked,) = live.sent("take")
    late = "another session is in the middle of a line"
    live.tell(kind="done", page=asked["page"], seq=asked["seq"], error=late)
    expect(page.get_by_text(late)).to_be_visible()
    job.has_keyboard = True
    live.changed()

    expect(page.get_by_label("Standard input")).to_be_focused()


def test_silence_is_explained(timed_page: Page, job: FakeJob) -> None:
    """After five seconds without output the pane says how long, and why perhaps."""
    pane = Pane(timed_page, job, NOTHING)
    pane.show()
    pane.begin()
    pane.prints("name? ")
    summary = timed_page.locator("summary")
    used(pane, 1)
    expect(summary).not_to_contain_text("no output")

    timed_page.clock.run_for(12_500)
    expect(summary).to_contain_text(re.compile("no output for .*: it may wait for inp"))
    job.stdin_open = False
    pane.changed()
    used(pane, 1)
    expect(summary).to_contain_text(re.compile("no output for .*: it waits or sleeps"))
    used(pane, 99)
    expect(summary).to_contain_text("it computes")
    pane.prints("x")
    timed_page.clock.run_for(1100)
    expect(summary).not_to_contain_text("no output")


def test_ports_are_links(page: Page, live: Pane) -> None:
    """Where the server is another machine, through its proxy if it has one."""
    live.tell(
        kind="usage",
        tree=None,
        cpu=[1],
        memory=1,
        processes=1,
        ports=[8000],
        proxy=True,
    )
    link = page.get_by_role("link", name="port 8000")
    expect(link).to_have_attribute("href", "/proxy/8000/")
    live.tell(
        kind="usage", tree=None, cpu=[1], memory=1, processes=1, ports=[81], proxy=False
    )
    expect(page.locator("summary")).to_contain_text("port 81")
    expect(page.get_by_role("link")).to_have_count(0)


TRACEBACK = b"""Traceback (most recent call last):
  File "x.py", line 1, in <module>
    int("x")
ValueError: invalid literal for int() with base 10: 'x'
"""


@pytest.mark.parametrize(
    ("stream", "status", "printed", "reason"),
    [
        (1, 256, TRACEBACK, "ValueError: invalid literal for int() with base 10: 'x'"),
        (0, 256, b"a\n" + TRACEBACK, "ValueError: invalid literal for int() with base"),
        (1, 512, b"\x1b[31mls: no such file\x1b[m\n\n", "ls: no such file"),
        (1, 6, b"10 %\r20 %", "20 %"),
        (1, 9, b"GET / 200\n", ""),
        (1, 15, b"GET / 200\n", ""),
        (0, 256, b"only text\n", ""),
        (1, 0, b"a warning\n", ""),
    ],
)
def test_a_failure_says_why(
    page: Page, live: Pane, stream: int, status: int, printed: bytes, reason: str
) -> None:
    """The last line of stderr, or of a traceback, is beside the badge."""
    live.job.prints(printed, stream)
    live.job.ends(status)
    live.changed()

    expect(page.locator(".ipyproc-reason")).to_contain_text(reason)
    assert (page.locator(".ipyproc-reason").inner_text() == "") == (reason == "")
    shown = "ipyproc-reason" in html.job(live.job)  # type: ignore[arg-type]
    assert shown == (reason != "")


def static(page: Page, job: FakeJob) -> None:
    """Put a job's static rendering on the page, as the notebook does at its end."""
    markup = f'<div id="ipyproc-abc">{html.job(job)}</div>'
    page.evaluate("h => { document.querySelector('#cell').innerHTML = h; }", markup)


def test_the_pane_moves_into_the_static_html(page: Page, live: Pane) -> None:
    """When the cell's output becomes HTML, the same pane moves into it at once."""
    live.prints("hello\n")
    live.job.prints(b"hello\n")
    live.shows("hello")
    page.evaluate("document.querySelector('section').mark = 1")
    live.job.ends()
    live.changed()

    page.evaluate("unrender()")
    static(page, live.job)

    assert page.evaluate("document.querySelector('section').mark") == 1
    live.shows("hello")
    expect(live.button("Save output")).to_be_visible()
    assert len(live.sent("ready")) == 1

    static(page, live.job)  # drawn again, from the same bundle
    assert page.evaluate("document.querySelector('section').mark") == 1
    live.shows("hello")


def test_who_types_keeps_the_focus(page: Page, live: Pane) -> None:
    """When the output becomes HTML while somebody types, the field keeps the focus."""
    field = page.get_by_label("Standard input")
    field.fill("ty")

    page.evaluate("unrender()")
    static(page, live.job)

    expect(field).to_be_focused()
    page.keyboard.type("ped")
    expect(field).to_have_value("typed")
    page.mouse.click(1, 1)
    static(page, live.job)
    expect(field).not_to_be_focused()


def test_a_page_that_finds_static_html_makes_it_live(page: Page, job: FakeJob) -> None:
    """After a reload each static rendering of a job becomes a pane of its own."""
    job.prints(b"hello\n")
    job.ends()
    static(page, job)
    page.evaluate("twice()")
    pane = Pane(page, job, NOTHING)

    ready = pane.sent("ready")
    assert len({asked["page"] for asked in ready}) == 2
    expect(page.locator("section[data-lm-suppress-shortcuts]")).to_have_count(2)


def test_a_view_that_is_taken_away_falls_silent(timed_page: Page, job: FakeJob) -> None:
    """A pane that the front end removed says so, and asks for nothing more."""
    pane = Pane(timed_page, job, NOTHING)
    pane.show()
    pane.begin()
    timed_page.evaluate("unrender()")
    timed_page.clock.run_for(5000)
    pane.prints("x" * 100_000)
    timed_page.clock.run_for(5000)

    assert pane.sent("ack") == []
    assert len(pane.sent("ready")) == 1
    assert len(pane.sent("leave")) == 1


def test_it_says_that_it_is_out_of_sight(timed_page: Page, job: FakeJob) -> None:
    """The kernel hears once that nobody looks, and at once that somebody does again."""
    pane = Pane(timed_page, job, NOTHING)
    pane.show()
    pane.begin()
    timed_page.wait_for_function("model.sent.some((m) => m.action === 'look')")
    assert pane.sent("away") == []

    timed_page.evaluate(SIGHTED, "9000px")
    timed_page.clock.run_for(20_000)
    assert len(pane.sent("away")) == 1

    before = len(pane.sent("look"))
    timed_page.evaluate(SIGHTED, "0")
    timed_page.wait_for_function(
        "before => model.sent.filter((m) => m.action === 'look').length > before",
        arg=before,
    )
    assert pane.sent("leave") == []


def test_it_comes_back_after_it_left(timed_page: Page, job: FakeJob) -> None:
    """After its cell was off the page and is put back, the pane asks for the rest."""
    pane = Pane(timed_page, job, NOTHING)
    pane.show()
    pane.begin()
    pane.prints("one\n")
    timed_page.wait_for_function("model.sent.some((m) => m.action === 'look')")
    timed_page.evaluate("window.cell = document.querySelector('#cell'), cell.remove()")
    timed_page.wait_for_function("model.sent.some((m) => m.action === 'away')")

    timed_page.clock.run_for(30_000)
    assert pane.sent("leave") == []  # it may only be on its way to another place
    timed_page.clock.run_for(60_000)
    assert len(pane.sent("leave")) == 1
    asked = [message["action"] for message in timed_page.evaluate("model.sent")]
    timed_page.clock.run_for(60_000)
    after = [message["action"] for message in timed_page.evaluate("model.sent")]
    assert after == asked

    timed_page.evaluate("document.body.append(cell)")
    timed_page.wait_for_function(
        "model.sent.filter((m) => m.action === 'ready').length > 1"
    )
    assert pane.sent("ready")[-1]["have"] == 4
    pane.begin(4)
    pane.prints("two\n")
    timed_page.clock.run_for(2000)
    pane.shows("one", "two")


def test_it_asks_again_when_nobody_answers(timed_page: Page, job: FakeJob) -> None:
    """If no answer comes the page asks again, less and less often."""
    pane = Pane(timed_page, job, NOTHING)
    pane.show()

    timed_page.clock.run_for(20_000)

    assert len(pane.sent("ready")) == 4


def test_the_clock_is_the_kernels(timed_page: Page, job: FakeJob) -> None:
    """The running time is right even if the page's clock is wrong."""
    pane = Pane(timed_page, job, NOTHING)
    pane.show()
    pane.begin(clock=job.started_at + 3725)

    expect(timed_page.locator("section")).to_contain_text("pid 4242 · 1:02:05")
    timed_page.clock.run_for(10_000)
    expect(timed_page.locator("section")).to_contain_text("pid 4242 · 1:02:15")


@pytest.mark.parametrize(("width", "zoom"), [(400, 1), (900, 1), (900, 2), (1600, 1)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits(page: Page, live: Pane, width: int, zoom: int, scheme: Any) -> None:
    """At any width nothing is cut off or overlaps, and text has enough contrast."""
    page.evaluate(f"document.documentElement.style.zoom = {zoom}")
    page.set_viewport_size({"width": width, "height": 700})
    page.emulate_media(color_scheme=scheme)
    live.job.argv = ("python3", "train.py", *(f"--option-{n}=1" for n in range(30)))
    live.changed()
    live.prints("word " * 100 + "\n" + "x" * 300 + "\n")
    live.prints("\x1b[31mred\x1b[34mblue\x1b[33myellow\x1b[37mwhite\x1b[30mblack\n")
    expect(live.lines).to_have_count(3)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    section = page.locator("section").bounding_box()
    assert section is not None
    seen = "section button:visible, section input:visible, .ipyproc-status"
    for element in page.locator(seen).all():
        box = element.bounding_box()
        assert box is not None
        assert box["x"] >= section["x"]
        assert box["x"] + box["width"] <= section["x"] + section["width"]
    for ratio in page.evaluate("contrasts()"):
        assert ratio >= 4.0


def test_a_job_that_was_forgotten(page: Page, live: Pane) -> None:
    """When a job is cleared its pane stays without a model, with disabled controls."""
    live.prints("hello\n")
    live.job.prints(b"hello\n")
    live.job.ends()
    live.changed()
    live.shows("hello")
    live.tell(kind="forget")

    page.evaluate("destroy()")

    live.shows("hello")
    expect(page.locator(".ipyproc-status")).to_have_text("exit status 0")
    expect(live.button("Save output")).to_be_disabled()
    expect(page.locator(".ipyproc-tag")).to_have_text("")


def test_the_keyboard_reaches_everything(page: Page, live: Pane) -> None:
    """Tab goes through the pane in order, the focus is visible, and keys scroll."""
    live.prints("x\n" * 100)
    live.shows(*["x"] * 100)
    page.locator("summary").click()
    page.evaluate("document.activeElement.blur(); document.body.focus()")
    live.button("Interrupt").focus()
    seen = []
    for _ in range(21):
        seen.append(page.evaluate("focused()"))
        page.keyboard.press("Tab")

    assert [name for name, _ in seen] == [
        *("Interrupt", "Terminate", "Kill", "Processes and signals"),
        *("Stop", "Any signal", "Signal", "all that it started"),
        *("Find", "Wrap", "Times", "Copy", "Clear view", "Fill window", "Save output"),
        *(
            "Save as",
            "Notify",
            "Output of train",
            "Standard input",
            "Send",
            "Close stdin",
        ),
    ]
    assert {style for _, style in seen[1:]} == {"solid 2px"}

    log = page.get_by_role("log")
    log.focus()
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('.ipyproc-output').scrollTop === 0")
    assert log.get_attribute("aria-live") in (None, "polite")  # a log is polite itself
    expect(page.get_by_role("status")).to_have_count(2)


def test_a_queued_job(pane: Pane, job: FakeJob) -> None:
    """Its pane says so, quietly and without a pid, until there is one."""
    job.pid, job.status = None, JobStatus.QUEUED
    pane.changed()
    badge = pane.page.locator(".ipyproc-status")
    expect(badge).to_have_text("queued")
    expect(pane.page.locator(".ipyproc-job")).to_have_attribute("data-pid", "")
    expect(pane.page.get_by_text("no process ·")).to_be_visible()
    colour = "node => getComputedStyle(node).color"
    quiet = badge.evaluate(colour)

    job.pid, job.status = 4242, JobStatus.RUNNING
    pane.changed()
    expect(pane.page.get_by_text("pid 4242 ·")).to_be_visible()
    assert badge.evaluate(colour) != quiet
