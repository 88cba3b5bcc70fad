"""The terminal in a real browser, over a model that the test plays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ipyproc.views.render import format
from ipyproc.views.transport import library
from tests.views.conftest import HOST, load
from tests.views.fakes import FakeJob
from tests.views.test_pane import NOTHING, Pane

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("views")]

#: Pastes a text into the terminal.
PASTE = """text => {
  const clipboardData = new DataTransfer();
  clipboardData.setData('text/plain', text);
  const how = { clipboardData, bubbles: true, cancelable: true };
  const area = document.querySelector('.ipyproc-terminal textarea');
  area.dispatchEvent(new ClipboardEvent('paste', how));
}"""
#: The rows of the terminal.
ROWS = ".ipyproc-terminal .xterm-rows > div"


class TerminalPane(Pane):
    """A pane that can become a terminal."""

    size: tuple[int, int] | None = None

    def becomes(self, rows: int = 24, columns: int = 80) -> None:
        """Say that it is a terminal, of a size."""
        self.size = rows, columns
        self.changed()

    def changed(self) -> None:
        """Send it the new state of the job."""
        state = {**format.snapshot(self.job), "terminal": self.size}
        self.page.evaluate("state => set('state', state)", state)

    def heard(self, action: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until it asked for something so often; return what it asked."""
        self.page.wait_for_function(
            "([name, n]) => model.sent.filter((m) => m.action === name).length >= n",
            arg=[action, count],
        )
        return self.sent(action)

    def part(self, offset: int, end: int | None = None) -> None:
        """Send it a piece of the library."""
        whole = library.packed()
        asked = self.heard("library")[-1]
        data = whole[offset:end].decode("latin-1")
        here = {"page": asked["page"], "offset": offset, "total": len(whole)}
        self.tell(data, kind="part", **here)

    def begin_terminal(self, offset: int = 0, **fields: object) -> None:
        """Answer the terminal that says what it has."""
        self.page.wait_for_function("model.sent.some((m) => m.terminal)")
        asked = self.sent("ready")[-1]
        here = {"page": asked["page"], "seq": asked["seq"], "clock": 0.0}
        fields = {"modes": "", "quiet": 0} | fields
        self.tell(kind="begin", offset=offset, **here, **fields)
        self.have = offset

    def rows(self, *texts: str) -> None:
        """Wait until the first rows are these."""
        for number, text in enumerate(texts):
            expect(self.page.locator(ROWS).nth(number)).to_have_text(text)

    def typed(self, text: str, *, answers: bool = False) -> None:
        """Wait until exactly this was typed."""
        self.page.wait_for_function(
            "([text, answers]) => model.sent.filter((m) => m.action === 'keys'"
            " && m.answers === answers).map((m) => m.text).join('') === text",
            arg=[text, answers],
        )

    def done(self, error: str = "") -> None:
        """Answer all that was typed."""
        last = self.sent("keys")[-1]
        self.tell(kind="done", page=last["page"], seq=last["seq"], error=error)


@pytest.fixture
def job() -> FakeJob:
    """A job on a terminal."""
    return FakeJob("bash", pty=True)


@pytest.fixture
def pane(page: Page, job: FakeJob) -> TerminalPane:
    """Its pane, a log that shows a prompt."""
    pane = TerminalPane(page, job, NOTHING)
    pane.show()
    pane.begin()
    pane.prints("hello\r\n$ ")
    pane.shows("hello", "$ ")
    return pane


@pytest.fixture
def timed_pane(timed_page: Page, job: FakeJob) -> TerminalPane:
    """A pane that is to become a terminal, in a page whose clock the test has."""
    pane = TerminalPane(timed_page, job, NOTHING)
    pane.show()
    pane.begin()
    pane.becomes()
    return pane


@pytest.fixture
def terminal(pane: TerminalPane) -> TerminalPane:
    """The pane once it is a terminal."""
    pane.becomes()
    pane.part(0)
    pane.begin_terminal(quiet=9)
    pane.prints("hello\r\n$ ")
    pane.rows("hello", "$ ")
    return pane


def focus(page: Page) -> None:
    """Click into the terminal."""
    page.locator(".ipyproc-terminal .xterm-screen").click(position={"x": 200, "y": 20})
    expect(page.locator(".ipyproc-terminal textarea")).to_be_focused()


def test_the_log_stays_until_the_terminal_is_there(
    page: Page, pane: TerminalPane
) -> None:
    """With all that it shows, and what comes meanwhile; then the screen is the same."""
    pane.becomes()
    pane.part(0, 50_000)
    pane.prints("ls\r\n")
    pane.shows("hello", "$ ls")
    pane.part(50_000)
    pane.begin_terminal()
    expect(page.locator(".ipyproc-output")).to_be_visible()
    pane.prints("hello\r\n$ ls\r\n")

    pane.rows("hello", "$ ls")
    expect(page.locator(".ipyproc-terminal")).to_be_visible()
    expect(page.locator(".ipyproc-output")).to_have_count(0)
    expect(page.get_by_label("Standard input")).to_have_count(0)
    assert page.locator(".ipyproc-terminal").count() == 1
    assert pane.sent("library") == [pane.sent("library")[0]]


def test_what_is_lost_of_the_library_is_asked_for(
    timed_page: Page, timed_pane: TerminalPane
) -> None:
    """After some seconds without a part, from where it ends; twice is no harm."""
    timed_pane.part(0, 40_000)
    timed_pane.part(0, 40_000)
    timed_pane.part(60_000)
    assert len(timed_pane.sent("library")) == 1

    timed_page.clock.run_for(20_000)
    assert timed_pane.heard("library", 2)[-1]["have"] == 40_000
    timed_pane.part(40_000)
    timed_page.wait_for_function("model.sent.some((m) => m.terminal)")


def test_every_key_is_the_programs(page: Page, terminal: TerminalPane) -> None:
    """Escape, Ctrl-C, Tab, arrows and all else are typed, in order."""
    focus(page)
    for key in ("a", "Escape", "Tab", "ArrowUp", "Control+c", "Control+d", "F5"):
        page.keyboard.press(key)
    terminal.done()
    for key in ("Enter", "Backspace", "Control+v", "Alt+x", "Shift+Tab"):
        page.keyboard.press(key)
    page.keyboard.type("é")
    terminal.done()

    terminal.typed("a\x1b\t\x1b[A\x03\x04\x1b[15~\r\x7f\x16\x1bx\x1b[Zé")
    expect(page.locator(".ipyproc-terminal textarea")).to_be_focused()


def test_shift_escape_leaves_it(page: Page, terminal: TerminalPane) -> None:
    """The keyboard is what it is in again, and the program hears nothing of it."""
    page.evaluate("document.querySelector('#cell').tabIndex = 0")
    focus(page)
    page.keyboard.press("Shift+Escape")

    assert page.evaluate("document.activeElement.id") == "cell"
    page.keyboard.type("x")
    assert terminal.sent("keys") == []


def test_paste(page: Page, terminal: TerminalPane) -> None:
    """Line ends are as Enter types them; in brackets if the program wants them."""
    page.evaluate(PASTE, "one\ntwo")
    terminal.typed("one\rtwo")
    terminal.prints("\x1b[?2004h>")
    terminal.rows("hello", "$ >")
    page.evaluate(PASTE, "three")
    terminal.typed("one\rtwo\x1b[200~three\x1b[201~")


def test_much_is_typed_as_the_kernel_takes_it(
    page: Page, terminal: TerminalPane
) -> None:
    """In pieces of which no character is cut, and no more than a few at a time."""
    text = "x" * ((1 << 14) - 1) + "😀" + "y" * 200_000
    focus(page)
    page.evaluate(PASTE, text)
    first = terminal.sent("keys")
    assert len(first) == 8
    assert max(len(keys["text"]) for keys in first) <= 1 << 14
    while len("".join(keys["text"] for keys in terminal.sent("keys"))) < len(text):
        before = len(terminal.sent("keys"))
        terminal.done()
        assert before < len(terminal.sent("keys")) <= before + 8
    terminal.typed(text)


def test_what_a_busy_kernel_does_not_take_is_queued(
    timed_page: Page, timed_pane: TerminalPane
) -> None:
    """The pane says so until the kernel answers; and what went wrong."""
    timed_pane.part(0)
    timed_pane.begin_terminal()
    timed_page.clock.run_for(1000)
    expect(timed_page.locator(".ipyproc-output")).to_have_count(0)
    timed_page.locator(".ipyproc-terminal textarea").focus()
    timed_page.keyboard.press("a")
    timed_page.clock.run_for(1500)
    section = timed_page.get_by_role("region")
    expect(section).to_contain_text("what you type is queued: the kernel is busy")

    timed_pane.done()
    expect(section).not_to_contain_text("queued")
    timed_page.keyboard.press("b")
    timed_pane.done("nobody reads it")
    expect(section).to_contain_text("nobody reads it")


def test_what_is_replayed_is_not_answered(page: Page, pane: TerminalPane) -> None:
    """Not what was asked before the page came, whatever it was; what comes later is."""
    asks = (
        "\x1b[c\x1b[>c\x1b[6n\x1b[5n\x1b]11;?\x07\x1b[?1004h\x1bP$qm\x1b\\\x1b[?2004$p"
    )
    pane.becomes()
    pane.part(0)
    pane.begin_terminal(1000, modes="\x1b[?1049h\x1b[?1004h", quiet=1000 + len(asks))
    pane.prints(asks)
    pane.prints("\x1b[Hready\x1b[6n")

    pane.rows("ready")
    pane.typed("\x1b[1;6R", answers=True)
    assert [keys for keys in pane.sent("keys") if not keys["answers"]] == []


def test_the_boundary_of_what_is_answered_is_exact(
    page: Page, pane: TerminalPane
) -> None:
    """Of one message the first part is replayed, and the rest is new."""
    pane.becomes()
    pane.part(0)
    pane.begin_terminal(quiet=4)
    pane.prints("\x1b[6nabc\x1b[6n")

    pane.typed("\x1b[1;4R", answers=True)


def test_what_comes_at_once_is_answered(page: Page, pane: TerminalPane) -> None:
    """Also if it is fed before the terminal has begun to read."""
    pane.becomes()
    pane.part(0)
    page.wait_for_function("model.sent.some((m) => m.terminal)")
    asked = pane.sent("ready")[-1]
    name = {"page": asked["page"], "seq": asked["seq"], "clock": 0, "offset": 0}
    begin = {"kind": "begin", "modes": "\x1b[?1h", "quiet": 4, **name}
    data = "\x1b[6nabc\x1b[6n"
    output = {"kind": "output", "pages": [asked["page"]], "after": 0, "offset": 0}
    output["streams"] = [["stdout", len(data)]]
    page.evaluate(
        "all => all.forEach((m) => tell(...m))", [[begin, None], [output, data]]
    )

    pane.typed("\x1b[1;4R", answers=True)


def test_behind_a_gap_it_is_in_the_right_modes(
    page: Page, terminal: TerminalPane
) -> None:
    """Nothing of what was there before is left, and it goes on."""
    pages = [terminal.sent("ready")[-1]["page"]]
    where = {"pages": pages, "after": terminal.have, "offset": 5000}
    terminal.tell(
        "\x1b[Hlate\x1b[6n",
        kind="output",
        streams=[["stdout", 11]],
        modes="\x1b[?1049h\x1b[?1h",
        **where,
    )
    terminal.rows("late", "")
    focus(page)
    page.keyboard.press("ArrowUp")

    terminal.typed("\x1bOA")
    terminal.typed("\x1b[1;5R", answers=True)


def test_what_is_drawn_is_acknowledged(page: Page, terminal: TerminalPane) -> None:
    """So that the kernel sends more, and no more than can be drawn."""
    for _ in range(4):
        terminal.prints("a line of text\r\n" * 2000)

    assert terminal.heard("ack")[-1]["offset"] > 60_000
    terminal.prints("\x1b[2J\x1b[Hlast")
    terminal.rows("last")


def test_its_size_is_what_the_kernel_says(page: Page, terminal: TerminalPane) -> None:
    """All pages have the same rows and columns; each says what would fit into it."""
    first = terminal.heard("fits")[0]
    assert first["rows"] == 24
    assert first["columns"] > 80
    terminal.becomes(30, 100)
    expect(page.locator(ROWS)).to_have_count(30)
    page.evaluate("setTimeout(() => { window.later = true }, 1100)")
    page.wait_for_function("window.later")
    terminal.becomes(12, 40)
    expect(page.locator(ROWS)).to_have_count(12)

    focus(page)
    page.wait_for_function(
        "model.sent.filter((m) => m.action === 'fits').at(-1).focused"
    )
    assert terminal.sent("fits")[-1]["rows"] == 12
    assert terminal.sent("fits")[-1]["columns"] == first["columns"]


def test_a_narrow_or_hidden_pane_asks_for_nothing_small(
    page: Page, terminal: TerminalPane
) -> None:
    """Never for less than 5 rows of 20 columns; and hidden or gone for nothing."""
    first = len(terminal.heard("fits"))
    page.locator("#cell").evaluate("cell => { cell.style.width = '60px' }")
    page.locator(".ipyproc-terminal").evaluate(
        "element => { element.style.height = '10px' }"
    )
    terminal.heard("fits", first + 1)
    page.evaluate("drawn()")
    before = len(terminal.sent("fits"))
    page.locator("#cell").evaluate("cell => { cell.style.display = 'none' }")
    page.evaluate("drawn()")
    page.evaluate("unrender()")
    page.evaluate("drawn()")

    sizes = [(fits["rows"], fits["columns"]) for fits in terminal.sent("fits")]
    assert sizes[-1] == (5, 20)
    assert min(rows for rows, _ in sizes) == 5
    assert min(columns for _, columns in sizes) == 20
    assert len(sizes) == before


def test_two_panes_of_a_page_share_the_library(
    page: Page, terminal: TerminalPane
) -> None:
    """The second one asks for none."""
    page.evaluate("render()")
    page.wait_for_function(
        "new Set(model.sent.filter((m) => m.terminal).map((m) => m.page)).size === 2"
    )

    assert len(terminal.sent("library")) == 1
    terminal.begin_terminal()
    terminal.prints("second")
    expect(page.locator(".ipyproc-terminal").nth(1)).to_contain_text("second")


def test_a_pane_that_is_on_the_page_later(page: Page, terminal: TerminalPane) -> None:
    """It waits for its place, for nothing can be measured before, and is as large."""
    page.evaluate("renderDetached()")
    page.evaluate("drawn()")
    page.evaluate("attach()")
    pages = "new Set(model.sent.filter((m) => m.terminal).map((m) => m.page)).size"
    page.wait_for_function(f"{pages} === 2")
    terminal.begin_terminal()
    terminal.prints("second")
    second = page.locator(".ipyproc-terminal").nth(1)
    expect(second).to_contain_text("second")

    first = page.locator(".ipyproc-terminal").first
    box, other = first.bounding_box(), second.bounding_box()
    assert box
    assert other
    assert (box["width"], box["height"]) == (other["width"], other["height"])


def test_the_end(page: Page, terminal: TerminalPane, job: FakeJob) -> None:
    """Nothing can be typed any more; the last screen stays."""
    job.ends()
    terminal.changed()
    focus(page)
    page.keyboard.type("ls")
    expect(page.locator(".ipyproc-status")).to_have_text("exit status 0")

    terminal.rows("hello", "$ ")
    assert terminal.sent("keys") == []


def test_colours_are_those_of_the_front_end(page: Page, terminal: TerminalPane) -> None:
    """Light and dark, also when that changes."""
    box = page.locator(".ipyproc-terminal .xterm-scrollable-element")
    expect(box).to_have_css("background-color", "rgb(255, 255, 255)")
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    page.evaluate(
        "document.documentElement.style.setProperty('--jp-layout-color0', '#111111')"
    )
    page.evaluate("document.body.className = 'changed'")

    expect(box).to_have_css("background-color", "rgb(17, 17, 17)")


def test_text_is_found(page: Page, terminal: TerminalPane) -> None:
    """Also what was scrolled out of sight; Escape gives the keyboard back."""
    terminal.prints("\r\n".join(f"line {n}" for n in range(100)))
    expect(page.locator(ROWS).last).to_have_text("line 99")
    focus(page)
    page.keyboard.press("Control+Shift+F")
    page.get_by_label("Find in output").fill("line 7")
    page.keyboard.press("Enter")
    expect(page.locator(".ipyproc-found")).to_have_text("2 of 11")
    page.keyboard.press("Escape")

    expect(page.get_by_label("Find in output")).to_be_hidden()
    expect(page.locator(".ipyproc-terminal textarea")).to_be_focused()
    assert terminal.sent("keys") == []


def test_it_can_be_read_aloud(page: Page, pane: TerminalPane) -> None:
    """What is on the screen is text for a screen reader, if that is wanted."""
    page.evaluate("set('screen_reader', true)")
    pane.becomes()
    pane.part(0)
    pane.begin_terminal()
    pane.prints("hello\r\n$ ")

    expect(page.locator(".xterm-accessibility-tree > div").first).to_have_text("hello")


def test_a_password_is_masked(page: Page, pane: TerminalPane) -> None:
    """While one is asked for, what is typed is not seen, and it is not kept."""
    field = page.get_by_label("Standard input")
    state = format.snapshot(pane.job)
    page.evaluate("state => set('state', state)", {**state, "masked": True})
    expect(field).to_have_attribute("type", "password")
    field.fill("secret")
    page.evaluate("state => set('state', state)", state)

    expect(field).to_have_attribute("type", "text")
    expect(field).to_have_value("")


@pytest.fixture
def strict_page(tab: Page) -> Iterator[Page]:
    """A page that runs no code but what its server sent."""
    policy = "<meta http-equiv='Content-Security-Policy' content=\"script-src 'self'\">"

    def serve(route: Any) -> None:
        body = (
            f"<!doctype html><meta charset=utf-8>{policy}<link rel=icon href='data:,'>"
            "<main id=cell></main><script type=module src=strict.js></script>"
        )
        route.fulfill(body=body, content_type="text/html")

    tab.route(f"{HOST}strict.html", serve)
    load(tab, f"{HOST}strict.html")
    yield tab
    tab.unroute(f"{HOST}strict.html")


def test_where_no_code_may_be_loaded_it_stays_a_log(
    strict_page: Page, job: FakeJob
) -> None:
    """It says so, and goes on."""
    pane = TerminalPane(strict_page, job, NOTHING)
    pane.show()
    pane.begin()
    pane.prints("hello\r\n")
    pane.becomes()
    pane.part(0)
    expect(strict_page.get_by_role("region")).to_contain_text(
        "this page cannot show a terminal, so this stays a log"
    )
    pane.begin(pane.have)
    pane.prints("more\r\n")

    pane.shows("hello", "more")
    expect(strict_page.get_by_label("Standard input")).to_be_visible()


def test_another_session_types(
    page: Page, terminal: TerminalPane, job: FakeJob
) -> None:
    """Nothing is typed or answered, until a click has taken the keyboard."""
    focus(page)
    job.has_keyboard = False
    terminal.changed()
    expect(page.get_by_text("Read only: the keyboard is elsewhere")).to_be_visible()
    page.keyboard.type("lost")
    terminal.prints("\x1b[6n?")  # a question that a terminal answers
    terminal.rows("hello", "$ ?")
    box = page.locator(ROWS).first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 2, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 30, box["y"] + 5)
    page.mouse.up()  # which has selected something
    assert terminal.sent("take") == []
    focus(page)
    assert terminal.heard("take")
    assert terminal.sent("keys") == []
    job.has_keyboard = True
    terminal.changed()
    expect(page.get_by_text("Read only")).to_be_hidden()
    page.keyboard.type("x")
    terminal.typed("x")


def test_what_ended_is_not_typed_into(
    page: Page, terminal: TerminalPane, job: FakeJob
) -> None:
    """Nobody has its keyboard."""
    job.has_keyboard = False
    terminal.changed()
    job.ends()
    terminal.changed()
    expect(page.get_by_text("Read only")).to_be_hidden()
    focus(page)
    page.keyboard.type("x")

    assert terminal.sent("keys") == terminal.sent("take") == []
