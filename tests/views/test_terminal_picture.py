"""The picture of a terminal is what others show: the one in the page, and tmux."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page

from ipyproc import Job, ProcessDoneError, spawn
from ipyproc._jobs.output.interleaved import Output
from ipyproc.views import JobView
from ipyproc.views.terminal.emulator import Emulator
from ipyproc.views.terminal.played import MOST, Played
from tests.jobs.helpers import PATIENCE, eventually
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


# --- real programs

SESSIONS = {
    "bash": (
        ["bash", "--norc"],
        [
            "for n in 1 2 3; do echo line $n; done\r",
            "ls --color /\r",
            "abc\x1b[D\x1b[DX",
        ],
    ),
    "less": (["env", "LESS=", "less", "FILE"], [" ", " ", "k", "/line 7\r", "b"]),
    "vim": (
        ["vim", "--clean", "-n", "FILE"],
        ["10jdd", "ione\rtwo\x1b", ":set nu\r", "\x04", "\x15", "yyp", ":2,5d\r"],
    ),
    "vim left": (["vim", "--clean", "-n", "FILE"], ["10jdd", ":q!\r"]),
    "top": (["top", "-n", "2", "-d", "0.2"], []),
    "python": (
        ["python3", "-q"],
        ["6 * 7\r", "[n for n in range(99)]\r", "print('a\\tb')\r"],
    ),
}


def played(argv: list[str], keys: list[str]) -> Job:
    """Run a program and press keys, or wait for its end if there are none.

    If more comes later, both sides get that, too: what is compared is one recording.
    """
    job = spawn(argv, pty=(ROWS * 2, COLUMNS * 2))
    assert job.terminal
    for key in keys:
        # Before it reads keys it may drop what was typed.
        eventually(lambda: job.terminal.reads_keys)
        before = job.stdout.total
        job.send(key)
        eventually(lambda before=before: job.stdout.total > before)
    if not keys:
        job.wait(PATIENCE)
    eventually(lambda: "\ufffd" not in job.stdout.bytes.decode(errors="replace"))
    return job


def by_tmux(data: bytes, folder: Path) -> list[str]:
    """Return what tmux shows."""
    (folder / "data").write_bytes(data)
    tmux = ["tmux", "-S", str(folder / "tmux"), "-f", os.devnull]
    told = " ".join([*tmux, "wait-for", "-S", "shown"])
    show = f"stty raw -echo; cat {folder}/data; {told}; sleep 60"
    size = [f"-x{COLUMNS * 2}", f"-y{ROWS * 2}"]
    subprocess.run(
        [
            *tmux,
            "new-session",
            "-d",
            *size,
            "sleep 60",
            ";",
            "set",
            "-g",
            "status",
            "off",
            ";",
            "new-window",
            show,
        ],
        check=True,
    )
    try:
        subprocess.run([*tmux, "wait-for", "shown"], check=True, timeout=20)
        shown = subprocess.run(
            [*tmux, "capture-pane", "-p"], check=True, capture_output=True, text=True
        )
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)
    return [row.rstrip() for row in shown.stdout.split("\n")[:-1]]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("tmux"), reason="there is no tmux")
@pytest.mark.parametrize("name", SESSIONS)
def test_real_programs(name: str, tmp_path: Path) -> None:
    """Their screens are those of tmux, while they run and after their end."""
    argv, keys = SESSIONS[name]
    if not shutil.which(argv[-2] if argv[0] == "env" else argv[0]):
        pytest.skip(f"there is no {argv[0]}")
    path = tmp_path / "file"
    path.write_text(
        "".join(f"line {n} of a file, {'word ' * (n % 20)}├─ 漢字\n" for n in range(99))
    )
    job = played([str(path) if word == "FILE" else word for word in argv], keys)
    data = job.stdout.bytes
    with suppress(ProcessDoneError):
        job.kill()
    job.wait()
    emulator = Emulator(ROWS * 2, COLUMNS * 2)
    emulator.feed(data.decode())

    assert rows(emulator) == by_tmux(data, tmp_path)


@pytest.mark.skipif(not shutil.which("vim"), reason="there is no vim")
def test_what_is_saved_of_vim(tmp_path: Path) -> None:
    """The screen before it and after it, and what it drew only if it was killed."""
    path = tmp_path / "file"
    path.write_text("text of a file\n")
    script = f"echo before; vim --clean -n {path}; echo after"
    job = played(["sh", "-c", script], [":q\r"])
    job.wait()
    view = JobView(job)
    text, page = view.static().values()
    view.close()

    assert "before\nafter" in text
    assert "text of a file" not in text + page
