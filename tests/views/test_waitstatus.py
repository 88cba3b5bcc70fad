"""The explorer of wait statuses: as an object, as text and HTML, and in a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from ipyproc.state import ProcessState, WaitStatus
from ipyproc.views import WaitStatusView, explore, use_language
from ipyproc.views.render import bits
from ipyproc.views.render.words import Words
from ipyproc.views.widgets.waitstatus import TEXTS
from tests.views.conftest import FrontEnd

LIVE = Path(__file__).with_name("live.js").read_text("utf-8")
KILLED = 9
TRAITS = ("value", "words", "texts", "pid")
CHINESE = """async ([statuses, signals, texts]) => {
  const { reading } = await import("/modules/bits.js");
  const { words } = await import("/modules/words.js");
  return statuses.map((status) => reading(status, signals, words(texts)).fields);
}"""
in_a_page = pytest.mark.xdist_group("views")


@pytest.mark.parametrize(
    "given",
    [0x0300, WaitStatus(0x0300), ProcessState(pid=1, sys=WaitStatus(0x0300))],
    ids=["number", "status", "state"],
)
def test_it_explores_numbers_statuses_and_states(given: Any) -> None:
    """Whatever has a wait status can be explored."""
    view = explore(given)

    assert view.value == 0x0300
    assert view.status == WaitStatus(0x0300)


@pytest.mark.parametrize(
    ("given", "error"),
    [(-1, ValueError), (65536, ValueError), ("9", TypeError), (None, TypeError)],
)
def test_what_is_no_status_is_refused(given: Any, error: type[Exception]) -> None:
    """A number that does not fit, or no number, raises and says what was expected."""
    with pytest.raises(error, match=r"^status: expected"):
        explore(given)


def test_text() -> None:
    """The text has the number, the fields, and what the methods answer."""
    lines = explore(KILLED).text().splitlines()

    assert lines[0] == "0x0009 = 9: signal: killed"
    assert [line.split() for line in lines[1:4]] == [
        ["Bits", "15-8", "00000000", "not", "used"],
        ["Bit", "7", "0", "no", "core"],
        ["Bits", "6-0", "0001001", "ended", "by", "SIGKILL", "(9)"],
    ]
    assert dict(line.split() for line in lines[4:]) == {
        "exited": "False",
        "exit_status": "-1",
        "signaled": "True",
        "signal": "9",
        "core_dump": "False",
        "stopped": "False",
        "stop_signal": "-1",
        "continued": "False",
        "trap_cause": "-1",
    }


@pytest.mark.browser
@in_a_page
def test_html_has_the_same(page: Page) -> None:
    """The HTML shows the bits in order, what they mean, and Go's names beside ours."""
    page.set_content(explore(0x8B).html())

    bits, values = page.locator("table").all()
    assert bits.locator("td").all_text_contents() == [
        *f"{0x8B:016b}",
        "not used",
        "core dump",
        "ended by SIGSEGV (11)",
    ]
    assert values.locator("tr").nth(5).inner_text().split() == [
        *("core_dump", "CoreDump()", "True"),
    ]


def test_a_page_chooses_a_number_and_nothing_else(front: FrontEnd) -> None:
    """What a page writes is taken if it is a status; the rest is ignored."""
    view = WaitStatusView()
    for state in (
        {"value": 9},
        {"value": 65536},
        {"value": -1},
        {"value": "x"},
        {"value": True},
        {"words": [], "token": "x"},
    ):
        front.raw(view, {"method": "update", "state": state, "buffer_paths": []})

    assert view.value == 9
    assert len(view.words) == 256
    assert view.token != "x"


class Explorer:
    """The widget in a page."""

    def __init__(self, page: Page, value: int) -> None:
        view = explore(value)
        traits = {name: getattr(view, name) for name in TRAITS}
        traits |= {"value": value, "token": view.token}
        html = view.static()["text/html"]
        page.evaluate(LIVE, [view._esm, view._css, traits, html])
        page.evaluate("show_widget()")
        self.page = page
        self.section = page.locator("section")

    @property
    def said(self) -> Locator:
        """What it says about the status."""
        return self.section.get_by_role("status")

    def bit(self, number: int) -> Locator:
        """One of the bits."""
        return self.section.get_by_role("button", name=f"Bit {number}", exact=True)

    @property
    def field(self) -> Locator:
        """Where a number is typed."""
        return self.section.get_by_label("Status")

    @property
    def value(self) -> int:
        """What Python was told last."""
        value: int = self.page.evaluate("model.saved.at(-1).value")
        return value


@pytest.mark.browser
@in_a_page
def test_bits_are_clicked(page: Page) -> None:
    """A click turns a bit over; text, number, methods and Python follow."""
    explorer = Explorer(page, 0)
    expect(explorer.said).to_have_text("exit status 0")

    for number in (0, 3, 7):
        explorer.bit(number).click()

    expect(explorer.said).to_have_text("signal: killed (core dumped)")
    expect(explorer.field).to_have_value("0x0089")
    expect(explorer.bit(7)).to_have_attribute("aria-pressed", "true")
    expect(explorer.section).to_contain_text("CoreDump()True")
    assert explorer.value == 0x89

    explorer.bit(7).click()

    expect(explorer.said).to_have_text("signal: killed")
    assert explorer.value == KILLED


@pytest.mark.browser
@in_a_page
@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("768", "exit status 3"),
        ("0x137f", "stop signal: stopped (signal)"),
        ("0b1111111111111111", "continued"),
        ("0xff", "no status that wait reports"),
    ],
)
def test_numbers_are_typed(page: Page, typed: str, text: str) -> None:
    """A number, as Python would write it, is shown in bits."""
    explorer = Explorer(page, KILLED)

    explorer.field.fill(typed)
    explorer.field.press("Enter")

    expect(explorer.said).to_have_text(text)
    pressed = explorer.section.locator("[aria-pressed=true]")
    expect(pressed).to_have_count(int(typed, 0).bit_count())
    assert explorer.value == int(typed, 0)


@pytest.mark.browser
@in_a_page
@pytest.mark.parametrize("typed", ["65536", "-1", "1.5", "killed", ""])
def test_what_is_no_status_changes_nothing(page: Page, typed: str) -> None:
    """Something else is marked as wrong, and told so; the status stays."""
    explorer = Explorer(page, KILLED)

    explorer.field.fill(typed)
    explorer.field.press("Enter")

    expect(explorer.field).to_have_attribute("aria-invalid", "true")
    expect(explorer.said).to_contain_text("a number from 0 to 65535")
    assert page.evaluate("model.saved") == []
    explorer.bit(0).click()
    expect(explorer.field).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.browser
@in_a_page
def test_keys_do_all_that_the_mouse_does(page: Page) -> None:
    """Arrows go from bit to bit, Space turns one over, and the focus stays on it."""
    explorer = Explorer(page, 0)
    explorer.bit(1).focus()

    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")

    expect(explorer.bit(1)).to_be_focused()
    assert explorer.value == 3
    page.keyboard.press("Shift+Tab")
    expect(explorer.bit(2)).to_be_focused()


@pytest.mark.browser
@in_a_page
def test_examples(page: Page) -> None:
    """The examples show one status of each kind."""
    explorer = Explorer(page, 0)

    for name in ("signal: killed", "continued", "exit status 1"):
        explorer.section.get_by_role("button", name=name, exact=True).click()

        expect(explorer.said).to_have_text(re.compile(f"^{name}$"))


@pytest.mark.browser
@in_a_page
def test_it_moves_to_where_its_html_is(page: Page) -> None:
    """The HTML that replaces the view becomes the view, as often as it comes."""
    page.evaluate("document.body.dataset.jpThemeName = 'x'")
    explorer = Explorer(page, KILLED)
    assert page.evaluate("model.sent.map(({ action }) => action)") == ["settle"]

    page.evaluate("show_html()")
    expect(explorer.field).to_be_visible()
    explorer.bit(0).focus()
    page.keyboard.press("Space")
    expect(explorer.said).to_have_text("signal: floating point exception")

    page.evaluate("show_html()")
    expect(explorer.field).to_have_value("0x0008")
    expect(page.locator("section")).to_have_count(1)
    page.evaluate("close_()")
    assert page.evaluate("listeners()") == 0


@pytest.mark.browser
@in_a_page
@pytest.mark.parametrize("width", [400, 900])
def test_it_fits(page: Page, width: int) -> None:
    """On narrow pages nothing is cut off."""
    page.set_viewport_size({"width": width, "height": 700})
    explorer = Explorer(page, 0x137F)
    expect(explorer.said).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_in_chinese() -> None:
    """Text and HTML are in the language that is asked for, or was chosen before."""
    view = explore(0x0300, lang="zh")
    assert "退出码 3" in view.text()
    assert "没有信号" in view.html()
    assert "value" not in view.html()
    with pytest.raises(ValueError, match=r"^lang: expected 'en' or 'zh', not 'fr'$"):
        explore(0, lang="fr")

    use_language("zh")
    try:
        assert explore(0x0300).text() == view.text()
        assert explore(0x0300, lang="en").text() == explore(0x0300, "en").text()
        assert "exit code 3" in explore(0x0300, lang="en").text()
    finally:
        use_language("en")
    assert "exit code 3" in explore(0x0300).text()


@pytest.mark.browser
@in_a_page
def test_the_page_speaks_the_same_chinese(page: Page) -> None:
    """What the page says of a status in Chinese is what Python says, in all cases."""
    words = Words("zh")
    statuses = [0, 0x0300, KILLED, 0x8B, 0x137F, 0xFFFF, 0xFF]

    fields = page.evaluate(CHINESE, [statuses, explore().words, words.of(TEXTS)])

    assert fields == [
        [[f.first, f.last, f.meaning] for f in bits.read(WaitStatus(n), words).fields]
        for n in statuses
    ]
    assert not re.search("[a-z]{5} ", str(fields))


@pytest.mark.browser
@in_a_page
def test_a_state_leads_to_its_life(page: Page) -> None:
    """Where the life of its process is on the page, a button brings it into sight."""
    view = explore(ProcessState(pid=4242, sys=WaitStatus(0x0300)), lang="zh")
    traits = {name: getattr(view, name) for name in TRAITS} | {"token": "x"}
    page.evaluate(LIVE, [view._esm, view._css, traits, view.html()])
    page.evaluate("show_widget()")
    section = page.get_by_role("region", name="等待状态")
    link = section.get_by_role("button", name="进程 4242 的一生")
    expect(section.get_by_role("button", name="第 8 位")).to_be_visible()
    expect(link).to_be_hidden()

    page.evaluate(
        """document.body.insertAdjacentHTML("beforeend",
        '<p style="height:3000px"><p class="ipyproc-life" data-pid="4242">life')"""
    )
    section.hover()
    link.click()

    expect(page.get_by_text("life", exact=True)).to_be_in_viewport()
    assert '<a href="#ipyproc-life-4242">' in view.html()
    assert "<a " not in explore(0x0300).html()
