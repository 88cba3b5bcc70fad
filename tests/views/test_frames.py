"""Frames that later ones repeat are left out, and the screen is the same."""

from __future__ import annotations

import random

import pytest

from ipyproc.views.terminal import frames, skim
from ipyproc.views.terminal.frames import without_repeated
from ipyproc.views.terminal.screen import Screen
from tests.trials import dice
from tests.views.test_skim import draw, state

BARS = [
    *("\r", "\r", "\n", "\n\r", "\x1b[A", "\x1b[2A\r", "\x1b[B", "\x1b[2K", "\x1b[K"),
    *("\x1b[31m", "\x1b[0m", "\x1b[m", "\x1b[39m", "\x1b[F", "\x1b[E", "\x1b[J", "\t"),
    *("\b", "\x1b[3G", "\x1b[2C", "\x1b[?25l", "█", "\x1b[1K", "\x1b[2D", "\x1b[1B"),
]
IN_A_ROW = [
    *("\r", "\x1b[K", "\x1b[2K", "\x1b[1K", "\t", "\b", "\x1b[3G", "\x1b[2C", "\x1b[D"),
    *("\x1b[32m", "\x1b[0m", "\x1b[39m", "█"),
]
FRAMES = [
    *BARS,
    "\x1b[H",
    "\x1b[H",
    "\x1b[2J",
    "\x1b[H\x1b[2J",
    "\x1b[2;1H",
    "\x1b[;4f",
]
USUAL = [
    lambda n: f"\router {n}/99\n\rinner {n % 9}/8\x1b[A",
    lambda n: f"\x1b[{n % 3 + 1}A\x1b[2K\r{n}: \x1b[32mx\x1b[0m\r\x1b[{n % 3 + 1}B",
    lambda n: f"\n\n\rthird {n:3}\x1b[A\x1b[A" if n % 3 else f"\n\rsecond {n:3}\x1b[A",
    lambda n: f"\r\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2Ka {n:4}\nb {n % 7}\n",
    lambda n: f"\r\x1b[2K\x1b[1A\x1b[2Ka {n:4}\nb {n % 7}",
    lambda n: f"\x1b[H\x1b[2J{n}\nb {n % 5}\n",
    lambda n: f"\x1b[H{n}\x1b[K\nb\n\x1b[J",
    lambda n: f"\x1b[F{n}\n" if n % 50 else f"a line {n}\n",
]


def written(dice: random.Random, template: list[str]) -> str:
    """Return *template* with other characters in it."""
    return "".join(
        "".join(dice.choice("abc123 ") for _ in token) if token[0] == "x" else token
        for token in template
    )


def program(dice: random.Random) -> str:
    """Return what a random program prints that repeats frames."""
    comes_back = dice.random() < 0.7
    controls = dice.choice([IN_A_ROW] * 3 + [BARS] if comes_back else [BARS, FRAMES])
    templates = [
        [
            dice.choice(controls) if dice.random() < 0.6 else "x" * dice.randrange(1, 6)
            for _ in range(dice.randrange(1, 9))
        ]
        for _ in range(dice.randrange(1, 4))
    ]
    if comes_back:
        up = dice.randrange(1, 3)
        for template in templates:
            template[:0] = [f"\x1b[{up}A\r", *template[: dice.randrange(2)]]
            template += [f"\r\x1b[{up}B"]
    begin = "line\n" * dice.choice([0, 1, 5, 70, 1100])
    return begin + "".join(
        written(dice, dice.choice(templates)) for _ in range(dice.randrange(40, 90))
    )


def test_random_frames_leave_the_same_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever frames do, what is left of them does what all of them would."""
    monkeypatch.setattr(skim, "_SHORT", 0)
    assert compare_frames(dice("frames"), 120) > 30


def compare_frames(random_dice: random.Random, programs: int) -> int:
    """Draw what random programs print, all of it and skimmed; count what got short."""
    shorter = 0
    for _ in range(programs):
        drawn, skimmed = Screen(), Screen()
        for _ in range(2):
            text = program(random_dice)
            shorter += len(without_repeated(skimmed, text)) < len(text) / 2
            draw(drawn, [("stdout", text)])
            skim.skim(skimmed, [("stdout", text)])
            assert state(skimmed) == state(drawn), text
    return shorter


@pytest.mark.parametrize("number", range(len(USUAL)))
@pytest.mark.parametrize("begin", ["", "\n" * 9, "line\n" * 1500, "\x1b[31m\n\n\nred"])
def test_of_usual_frames_few_are_left(number: int, begin: str) -> None:
    """Of thousands of updates some are drawn, and the screen is as if all were."""
    text = "".join(map(USUAL[number], range(100, 2100)))
    drawn, reduced = Screen(), Screen()
    for screen in (drawn, reduced):
        draw(screen, [("stdout", begin)])
    left = without_repeated(reduced, text)
    draw(drawn, [("stdout", text)])
    draw(reduced, [("stdout", left)])

    assert state(reduced) == state(drawn)
    assert begin in ("", "\x1b[31m\n\n\nred") or len(left) < len(text) / 10


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"\x1b[A\r\x1b[3{n % 7}m{n % 10}\n" for n in range(99)),
        "".join(f"\x1b[A\r\x1b[C\u0301\x1b[9G{n % 10}\n" for n in range(99)),
        "".join(f"\x1b[Alog {n % 10}\n\n" for n in range(99)),
        "".join(f"\x1b[A{n % 10}\n" for n in range(99)).replace("\n", "\x1b[B"),
        "".join(f"\x1b[{n}A\r{n}\x1b[{n}B" for n in range(99)),
    ],
    ids=["colour stays on", "an accent", "moves on", "column", "too rich"],
)
def test_what_depends_on_the_frame_before_it_stays(text: str) -> None:
    """Frames that do not do away with earlier ones are all left."""
    screen = Screen()
    screen.add_lines(200)
    screen.grid.place(150, 199, 3)

    assert without_repeated(screen, text) == text


def test_a_frame_at_the_top_of_the_screen_is_not_taken_for_one_below() -> None:
    """Where there are no rows to go up to, each frame begins elsewhere."""
    text = "".join(f"\x1b[3A\r{n % 10}\n\n\n" for n in range(99))

    assert without_repeated(Screen(), text) == text


def test_the_first_of_many_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """If nothing can be left out of the beginning, the rest is not looked at."""
    monkeypatch.setattr(frames, "_SAMPLE", 100)
    odd = "".join(f"\x1b[3{n % 7}m\x1b[A{n}\n" for n in range(100))
    text = odd + "\x1b[A\r1\n" * 9999

    assert without_repeated(Screen(), text) == text
