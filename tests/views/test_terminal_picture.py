"""The picture of a terminal is what others show: the one in the page, and tmux."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from ipyproc._jobs.output.interleaved import Output
from ipyproc.views.terminal.emulator import Emulator
from ipyproc.views.terminal.played import MOST, Played
from tests.trials import dice
from tests.views.fakes import FakeJob
from tests.views.test_pane import NOTHING
from tests.views.test_terminal_page import TerminalPane

ROWS, COLUMNS = 12, 30
PROGRAMS = 60

WORDS = ["a", "bc", "hello", "0123456789", "x" * 40, "é", " ", "->", "wide 漢字 text"]
MOVES = ["\r", "\n", "\r\n", "\b", "\t", "\x1b[A", "\x1b[3A", "\x1b[B", "\x1b[9B"]
MOVES += [
    "\x1b[C",
    "\x1b[7D",
    "\x1b[9G",
    "\x1b[H",
    "\x1b[5;3H",
    "\x1b[99;99H",
    "\x1b[4d",
]
MOVES += ["\x1b[E", "\x1b[2F", "\x1bD", "\x1bM", "\x1bE", "\x1b[3;8r", "\x1b[r"]
ERASE = ["\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[J", "\x1b[1J", "\x1b[2J", "\x1b[3X"]
EDITS = ["\x1b[L", "\x1b[2L", "\x1b[M", "\x1b[3M", "\x1b[4P", "\x1b[2@"]
MODES = [
    "\x1b[?7l",
    "\x1b[?7h",
    "\x1b[4h",
    "\x1b[4l",
]
NARROW = [word for word in WORDS if "漢" not in word]


def rows(emulator: Emulator) -> list[str]:
    """Return the rows of the screen."""
    return [line.text.rstrip() for line in emulator.cells.lines]


@pytest.mark.browser
@pytest.mark.xdist_group("views")
@pytest.mark.parametrize(
    "kinds",
    [
        WORDS + MOVES[:4],
        WORDS + MOVES + ERASE,
        NARROW + MOVES + EDITS,
        NARROW + MOVES + ERASE + EDITS + MODES,
    ],
    ids=["text", "erase", "edit", "modes"],
)
def test_it_is_what_the_page_shows(page: Page, kinds: list[str]) -> None:
    """The rows are those of the terminal in the page, whatever is printed."""
    chance = dice("terminal")
    programs = [
        "".join(chance.choices(kinds, k=chance.randrange(1, 60)))
        for _ in range(PROGRAMS)
    ]
    load_library(page)
    theirs = page.evaluate("given => screens(...given)", [ROWS, COLUMNS, programs])

    for program, there in zip(programs, theirs, strict=True):
        emulator = Emulator(ROWS, COLUMNS)
        for piece in pieces(chance, program):
            emulator.feed(piece)
        assert rows(emulator) == [row.rstrip() for row in there], repr(program)


def load_library(page: Page) -> None:
    """Bring the terminal's library into a page, by a pane that becomes a terminal."""
    pane = TerminalPane(page, FakeJob("bash", pty=True), NOTHING)
    pane.show()
    pane.begin()
    pane.becomes()
    pane.part(0)
    page.wait_for_function("model.sent.some((m) => m.terminal)")


def pieces(chance: random.Random, text: str) -> Iterator[str]:
    """Cut a text anywhere."""
    while text:
        size = chance.randrange(1, 30)
        yield text[:size]
        text = text[size:]


def test_what_scrolls_off_is_above() -> None:
    """The lines of the screen follow those that were scrolled off."""
    emulator = Emulator(3, 10)
    emulator.feed("\r\n".join(map(str, range(10))))

    assert [run[0][0] for run in emulator.runs()] == [str(n) for n in range(10)]
    assert emulator.cells.scrolled == 7


def test_the_alternate_screen_is_left_as_a_terminal_leaves_it() -> None:
    """What was there before is there again, and nothing of the other screen."""
    emulator = Emulator(3, 20)
    emulator.feed("before\r\n$ vim\r\n\x1b[?1049h\x1b[H" + "text\r\n" * 9)
    assert emulator.runs() == [[("text", "")], [("text", "")]]

    emulator.feed("\x1b[?1049l$ ")
    assert emulator.runs() == [[("before", "")], [("$ vim", "")], [("$", "")]]


def test_lines_are_drawn_as_lines() -> None:
    """The set of characters that draws boxes, which ncurses uses."""
    emulator = Emulator(3, 20)
    emulator.feed("\x1b(0lqk\x1b(Bq\r\n\x1b)0\x0ex\x0fx")

    assert emulator.runs() == [[("┌─┐q", "")], [("│x", "")]]


def test_an_edit_in_a_full_row_is_at_its_last_column() -> None:
    """As in the page: what follows it takes the place of the last character."""
    for edit in ("\x1b[M", "\x1b[L", "\x1b[@", "\x1b[P", "\x1b[X"):
        emulator = Emulator(3, 10)
        emulator.feed(f"\x1b[1;2r\x1b[3;1H0123456789{edit}x")
        assert rows(emulator) == ["", "", "012345678x"]


def test_a_tab_in_a_full_row_changes_nothing() -> None:
    """As in the page and in tmux, what follows it begins the next row."""
    emulator = Emulator(3, 10)
    emulator.feed("0123456789\tab")

    assert rows(emulator) == ["0123456789", "ab", ""]


def test_colours_behind_blanks_are_kept() -> None:
    """What is erased has the colour that is in force; other blanks are not kept."""
    emulator = Emulator(3, 6)
    emulator.feed("\x1b[44mab\x1b[K\x1b[m\r\n  x   ")

    assert emulator.runs() == [[("ab    ", "bg=4")], [("  x", "")]]


def test_another_size() -> None:
    """Rows that have no room leave at the top, and come back."""
    emulator = Emulator(5, 10)
    emulator.feed("\r\n".join("abcde"))
    emulator.cells.resize(3, 10)
    assert rows(emulator) == ["c", "d", "e"]
    emulator.feed("\r\nf")
    emulator.cells.resize(6, 20)

    assert rows(emulator) == ["a", "b", "c", "d", "e", "f"]
    emulator.feed("\x1b[Htop")
    assert rows(emulator)[0] == "top"


def test_only_the_end_of_much_is_played() -> None:
    """From the start of a line on, in the modes that are in force there."""
    output = Output()
    output.append(0, b"\x1b[?1049h" + b"a line of it\r\n" * 100_000)
    picture = Played(Emulator(24, 80).cells)
    picture.update(output)

    seen = picture.last(100)
    assert seen.lines == [[("a line of it", "")]] * 23
    assert 0 < output.total - seen.before <= MOST
