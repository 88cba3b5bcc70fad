"""Output that is skimmed leaves the screen as if it had been drawn."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from ipyproc.views.terminal import covered, skim
from ipyproc.views.terminal.rows import Rows, Run
from ipyproc.views.terminal.screen import Screen
from tests.trials import dice

WORDS = [
    *("a", "bc", "hello", "0123456789", "x" * 30, "世", "██", "é", "🚀go", "e\u0301"),
    "\u202e",
]
#: What most programs print: colours, returns, progress bars that move up and down.
BARS = [
    *("\r", "\r", "\n\r", "\x1b[A\r", "\x1b[2A\r\x1b[2K", "\x1b[32m", "\x1b[0m"),
    *("\r\x1b[1B", "\x1b[39m", "\x1b[K"),
]
LOGS = [
    *("\r", "\n", "\n", "\x1b[31m", "\x1b[m", "\x1b[K", "\t"),
    *("\x1b]8;;http://a.b/c\a", "\x1b]8;;\x1b\\"),
]
PLACES = [
    *("\x1b[H", "\x1b[2J", "\x1b[J", "\x1b[3;4H", "\x1b[2;1H", "\n", "\n", "\r"),
    *("\x1b[K", "\x1b[33m", "\x1b[m", "\x1bc", "\x1b[3J", "\x1b[;5f", "\x1b[0;0H"),
]
ANYTHING = [
    *("\r", "\r", "\n", "\n", "\r\n", "\x1b[A", "\x1b[2A", "\x1b[B", "\x1b[E"),
    *("\x1b[F", "\x1b[K", "\x1b[2K", "\x1b[1K", "\t", "\b", "\x1b[3C", "\x1b[2D"),
    *(
        "\x1b[5G",
        "\x1b[1G",
        "\x1b[G",
        "\x1b[0G",
        "\x1b[31m",
        "\x1b[m",
        "\x1b[1;32m",
        "\x1b[39m",
        "\x1b[?25l",
    ),
    *("\x1b]0;title\a", "\x1b[H", "\x1b[J", "\x1b[2J", "\x1b7", "\x1b8", "\x1b[9999A"),
    *("\v", "\x1b(B", "\x1bc", "\a", "\x1b[3", "\x1b"),
]


def program(dice: random.Random) -> list[Run]:
    """Return what a random program prints."""
    controls = dice.choice([BARS, LOGS, PLACES, ANYTHING, BARS + PLACES])
    streams = dice.choice([["stdout"], ["stdout"] * 9 + ["stderr"]])
    return [
        (
            dice.choice(streams),
            "".join(
                dice.choice(WORDS if dice.random() < 0.5 else controls)
                for _ in range(dice.randrange(1, 40))
            ),
        )
        for _ in range(dice.randrange(1, 8))
    ]


def state(screen: Screen) -> dict[str, Any]:
    """Return all that there is to know of a screen."""
    grid = screen.grid
    return {
        "lines": screen.runs(),
        "dropped": screen.dropped,
        "size": (len(grid.lines), grid.cells),
        "cursor": (grid.row, grid.column, grid.bottom),
        "saved": grid._saved,
        "streams": {
            name: (stream.pen.style, stream.is_between)
            for name, stream in screen._streams.items()
        },
    }


def draw(screen: Screen, runs: list[Run]) -> None:
    """Draw everything."""
    for name, text in runs:
        screen.stream(name).write(text)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Have short output skimmed, too; the list gets what was skimmed."""
    skimmed: list[object] = []
    begin = Rows.draw

    def drawn(rows: Any, left: object) -> None:
        skimmed.append(left)
        begin(rows, left)

    monkeypatch.setattr(skim, "_SHORT", 0)
    monkeypatch.setattr(Rows, "draw", drawn)
    return skimmed


@pytest.mark.parametrize("many", [1, 50])
def test_random_programs_leave_the_same_screen(
    many: int, eager: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines, colours, cursor and counts are the same whether it is skimmed or drawn."""
    monkeypatch.setattr(covered, "_MANY", many)
    compare_skimmed(dice("skim"), 100)
    assert len(eager) > 400


def compare_skimmed(random_dice: random.Random, programs: int) -> None:
    """Draw what random programs print, all of it and skimmed."""
    for _ in range(programs):
        drawn, skimmed = Screen(), Screen()
        for _ in range(3):
            runs = program(random_dice)
            draw(drawn, runs)
            skim.skim(skimmed, runs)
            assert state(skimmed) == state(drawn), runs


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"line {n}\n" for n in range(5000)),
        "".join(f"\x1b[3{n % 8}mline\x1b[1m {n}\n" for n in range(3000)),
        "".join(f"\r{n:5} of 9999" for n in range(3000)),
        "a\nb\n" + "".join(f"\router {n}\n\rinner {n % 9}\x1b[A" for n in range(2000)),
        "\n" * 70 + "".join(f"\x1b[70A\x1b[2K\r{n}\x1b[70B" for n in range(500)),
        "\n" * 1200 + "".join(f"\x1b[999A{n}\r\x1b[999B" for n in range(99)),
        "".join(f"\x1b[H\x1b[2J{n}\nb\n" for n in range(999)),
        "".join(f"\x1b[H{n}\x1b[K\nb\n\x1b[J" for n in range(999)),
        "x" * 3000 + "\r" + "y" * 5000 + "\nz\n" + "\t" * 600 + "!\n",
        "\x1b[99C" * 50 + "a\nb",
        "日本" * 900 + "\n" + "語" * 1600 + "\nend",
        "begin \x1b[3" + "1m red\x1b[m\n" + "line\n" * 200,
    ],
)
@pytest.mark.parametrize("size", [1000, 7777, 1 << 20])
def test_much_leaves_the_same_screen(text: str, size: int) -> None:
    """Thousands of lines, bars, frames and columns, in pieces cut anywhere."""
    drawn, skimmed = Screen(), Screen()
    draw(drawn, [("stdout", text)])
    for at in range(0, len(text), size):
        skim.skim(skimmed, [("stdout", text[at : at + size])])

    assert state(skimmed) == state(drawn)


@pytest.mark.parametrize("count", [40, 500, 6000])
def test_streams_that_take_turns_leave_the_same_screen(count: int) -> None:
    """Of thousands of short pieces by turns, those that pass by are only counted."""
    random_dice = dice("turns")
    controls = ["\n", "\n", "\n", "\r", "\t", "\b"]
    runs = [
        (name, "".join(random_dice.choice([*WORDS[:-1], *controls]) for _ in range(6)))
        for _ in range(count)
        for name in ("stdout", "stderr")
    ]
    drawn, skimmed = Screen(), Screen()
    for screen in (drawn, skimmed):
        draw(screen, [("stderr", "before\x1b[33m")])
    draw(drawn, runs)
    skim.skim(skimmed, runs)

    assert state(skimmed) == state(drawn)


@pytest.mark.parametrize("above", ["", "\x1b[31mred\n" * 10, "a\nb\nc\x1b[2A\r", "\tx"])
def test_what_passes_by_is_counted_and_not_drawn(above: str) -> None:
    """Of lines that others push out only the number is left, and the colour."""
    passing = above + "".join(f"\x1b[3{n % 7}m{n}\n" for n in range(4000)) + "\tlast"
    following = "\nx" * 1001
    drawn, skimmed = Screen(), Screen()
    for text in (passing, following):
        draw(drawn, [("stdout", text)])
    assert skim.passes([("stdout", following)])
    skim.skim(skimmed, [("stdout", passing)], is_passing=True)
    assert not any(line.chars for line in skimmed.grid.lines[:-1])
    skim.skim(skimmed, [("stdout", following)])

    assert state(skimmed) == state(drawn)


@pytest.mark.parametrize("text", ["x\n" * 999, "\x1b[A" + "x\n" * 1001, "x\v" * 1001])
def test_not_all_passes(text: str) -> None:
    """What is short, or goes up, leaves what was there before it."""
    assert not skim.passes([("stdout", text)])


def test_little_is_drawn_of_a_million_updates(eager: list[dict[int, Any]]) -> None:
    """Of megabytes of updates only what is seen is drawn."""
    text = "".join(f"\r{n:7} of 99999" for n in range(100_000))

    skim.skim(Screen(), [("stdout", text)])

    (left,) = eager
    (parts,) = left.values()
    assert len(parts) == 1
    assert re.fullmatch(r"  99999 of 99999", text[parts[0].start : parts[0].end])
