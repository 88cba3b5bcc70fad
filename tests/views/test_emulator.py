"""The picture is that of a terminal emulator that others wrote: pyte."""

from __future__ import annotations

import random
import re

import pyte
import pytest

from ipyproc._jobs.output.interleaved import Output
from ipyproc._jobs.output.line import Run
from ipyproc.views.terminal import picture, skim
from ipyproc.views.terminal.picture import Picture
from tests.trials import dice
from tests.views.test_screen import RECORDINGS, Vector

# Nothing is broken at the end of a line.
ROWS, COLUMNS = 60, 3000
#: ``make trials`` tries more.
PROGRAMS = 400

WORDS = ["a", "bc", "hello", "0123456789", "x" * 30, "50%|███   |", "é", " ", "->"]
COLOURS = [
    *(
        "\x1b[31m",
        "\x1b[1;32m",
        "\x1b[m",
        "\x1b[0m",
        "\x1b[39m",
        "\x1b[22m",
        "\x1b[93m",
    ),
    *("\x1b[38;2;1;2;3m", "\x1b[38;5;208m", "\x1b[3m", "\x1b[23m"),
]
# A screen without a height has no rows below the last line, paints nothing where it
# erases, and counts rows from its first line. So nothing goes below the lines, nothing
# has scrolled where places are gone to, and nothing paints blanks where it is erased.
GROUNDS = ["\x1b[41m", "\x1b[4m", "\x1b[7m", "\x1b[24m", "\x1b[27m", "\x1b[49m"]
ERASE = ["\x1b[K", "\x1b[2K", "\x1b[1K"]
RETURNS = ["\r", "\r", "\r\n", "\r\n", "\b"]
MOVES = ["\x1b[A", "\x1b[3A", "\x1b[B", "\x1b[2B", "\x1b[C", "\x1b[4D", "\x1b[9G"]
LINES = ["\x1b[E", "\x1b[F", "\x1b[2F", "\t"]
# In pyte what was saved is restored once only.
_SAVED = "\x1b7\x1b[A\x1b[35mx\x1b8"
PLACES = ["\x1b[5;3H", "\x1b[H", "\x1b[20;1f", "\x1b[9;9H", _SAVED]
UP = ["\x1b[A", "\x1b[2A", "\x1b[3F"]
_UP = {*UP, *MOVES[:2], *LINES[1:3], _SAVED}
FULL, BEGUN = ROWS - 1, 20
#: How many lines there are at first, and what a program prints besides words.
KINDS = [
    (FULL, RETURNS + COLOURS + GROUNDS),
    (FULL, RETURNS + COLOURS + ERASE),
    (FULL, RETURNS + MOVES + COLOURS + GROUNDS),
    (FULL, RETURNS + MOVES + LINES + COLOURS + ERASE),
    (BEGUN, RETURNS + PLACES + UP + COLOURS + ERASE),
    (BEGUN, RETURNS + UP + COLOURS + ["\x1b[K", "\x1b[J", "\x1b[0J"]),
]


def program(dice: random.Random) -> str:
    """Return what a random program prints; it never goes above the first row."""
    lines, controls = dice.choice(KINDS)
    text, left = "\r\n" * lines, lines - 3
    for _ in range(dice.randrange(5, 90)):
        word = dice.choice(WORDS if dice.random() < 0.4 else controls)
        if word in _UP:
            left -= 3
        if left > 0 or word not in _UP:
            text += word
    return text


_NAMES = "black", "red", "green", "brown", "blue", "magenta", "cyan", "white"
_COLOUR = {
    name: str(number + bright)
    for bright, prefix in ((0, ""), (8, "bright"))
    for number, name in enumerate(f"{prefix}{colour}" for colour in _NAMES)
}
_FLAGS = {
    "bold": "bold",
    "italics": "italic",
    "underscore": "underline",
    "reverse": "inverse",
    "strikethrough": "strike",
}


def emulated(text: str) -> list[list[Run]]:
    """Return what pyte shows, as runs of text and style."""
    screen = pyte.Screen(COLUMNS, ROWS)
    pyte.Stream(screen).feed(text)
    return seen([_row(screen.buffer[row]) for row in range(ROWS)])


def _row(row: dict[int, pyte.screens.Char]) -> list[Run]:
    return [
        (row[column].data, _style(row[column]))
        for column in range(max(row, default=-1) + 1)
    ]


def _style(char: pyte.screens.Char) -> str:
    words = [word for flag, word in _FLAGS.items() if getattr(char, flag)]
    grounds = {"fg": char.fg, "bg": char.bg}
    words += [
        f"{key}={_COLOUR.get(value, '#' + value)}"
        for key, value in grounds.items()
        if value != "default"
    ]
    return " ".join(words)


def seen(rows: list[list[Run]]) -> list[list[Run]]:
    """Return what a reader sees: no blank lines and blanks around, no blank's ink."""
    lines = []
    for row in rows:
        cells = [(char, _visible(char, style)) for text, style in row for char in text]
        while cells and cells[-1] == (" ", ""):
            cells.pop()
        lines.append(cells)
    written = [number for number, line in enumerate(lines) if line]
    return lines[written[0] : written[-1] + 1] if written else []


def _visible(char: str, style: str) -> str:
    words = [_true(word) for word in style.split()]
    if char == " ":
        words = [word for word in words if word[:2] in ("bg", "un", "in", "st")]
    if "inverse" not in words and char == " ":
        words = [word for word in words if not word.startswith("fg")]
    return " ".join(sorted(words))


def _true(word: str) -> str:
    """Return a word with a fixed colour as that colour, as pyte has it."""
    return word.replace("=208", "=#ff8700")


def shown(text: str, piece: int) -> list[list[Run]]:
    """Return what the picture of a job shows that printed it in pieces."""
    picture, output = Picture(), Output()
    data = text.encode()
    for at in range(0, len(data), piece):
        output.append(0, data[at : at + piece])
        picture.update(output)
    return seen(picture.last(ROWS).lines)


@pytest.mark.slow
def test_random_programs_look_as_in_an_emulator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Returns, colours, moves and erasures show the same text in the same colours."""
    monkeypatch.setattr(skim, "_SHORT", 0)
    compare_with_emulator(dice("emulator"), PROGRAMS)


def compare_with_emulator(random_dice: random.Random, programs: int) -> None:
    """Show what random programs print, in both."""
    for _ in range(programs):
        text = program(random_dice)
        piece = random_dice.choice([77, 10_000])

        assert shown(text, piece) == emulated(text), repr(text)


@pytest.mark.parametrize("vector", RECORDINGS, ids=lambda vector: vector["name"])
def test_recordings_look_as_in_an_emulator(
    vector: Vector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What real programs print shows the same text, as a job's picture and in pyte."""
    monkeypatch.setattr(skim, "_SHORT", 0)
    monkeypatch.setattr(picture, "_PIECE", 999)
    ((_, output),) = vector["input"]
    data = output.encode("latin-1")
    screen = pyte.HistoryScreen(500, 900)
    pyte.ByteStream(screen).feed(re.sub(rb"(?<!\r)\n", b"\r\n", data))
    captured, drawn = Output(), Picture()
    captured.append(0, data)
    drawn.update(captured, final=True)

    lines = ["".join(text for text, _ in line) for line in drawn.last(900).lines]
    got = [line.rstrip() for line in lines]
    rows = [_row(screen.buffer[row]) for row in range(screen.lines)]
    wanted = ["".join(char for char, _ in row).rstrip() for row in rows]
    assert got == wanted[: len(got)]
    assert not any(wanted[len(got) :])
