from __future__ import annotations

import random
import re

import pytest

from ipyproc.views.terminal.compact import Written, compact
from ipyproc.views.terminal.screen import Screen
from ipyproc.views.transport.output_feed import recent
from tests.trials import dice
from tests.views.fakes import FakeJob

Lines = list[list[tuple[str, str]]]

WORDS = ["a", "bc", "hello", "0123456789", "x" * 30, "世", "██", "é"]
#: What most programs print: colours, returns, progress bars that move up and down.
BARS = [
    *("\r", "\n\r", "\x1b[A\r", "\x1b[2A\r\x1b[2K", "\x1b[32m", "\x1b[0m", "\r\x1b[1B")
]
LOGS = ["\r", "\n", "\x1b[31m", "\x1b[m", "\x1b[K"]
ANYTHING = [
    *("\r", "\r", "\r", "\n", "\n", "\r\n", "\x1b[A", "\x1b[2A", "\x1b[B", "\x1b[E"),
    *("\x1b[F", "\x1b[K", "\x1b[2K", "\x1b[1K", "\t", "\b", "\x1b[3C", "\x1b[2D"),
    *("\x1b[5G", "\x1b[31m", "\x1b[m", "\x1b[1;32m", "\x1b[39m", "\x1b[?25l"),
    *("\x1b]0;title\a", "\x1b[H", "\x1b[J"),
]


def drawn(runs: list[Written]) -> Lines:
    """Return what a screen shows that was fed everything."""
    screen = Screen(100_000)
    for stream, data in runs:
        screen.feed(stream, data)
    screen.finish()
    return screen.runs()


def program(dice: random.Random) -> list[Written]:
    """Return what a random program prints."""
    controls = dice.choice([BARS, LOGS, ANYTHING])
    streams = dice.choice([["stdout"], ["stdout"] * 9 + ["stderr"]])
    return [
        (
            dice.choice(streams),
            "".join(
                dice.choice(WORDS if dice.random() < 0.5 else controls)
                for _ in range(dice.randrange(1, 4))
            ).encode(),
        )
        for _ in range(dice.randrange(1, 60))
    ]


@pytest.mark.parametrize("lines", [2, 5, 1000])
def test_random_programs_leave_the_same_picture(lines: int) -> None:
    """What is left of a program draws the same last lines, and counts the others."""
    random_dice, skimmed = dice("compact"), 0
    for _ in range(700):
        runs = program(random_dice)
        found = compact(runs, lines)
        if found is None:
            continue
        skimmed += 1
        left, above = found
        shown, everything = drawn(left), drawn(runs)
        assert shown == everything[len(everything) - len(shown) :], runs
        assert len(shown) >= min(lines - 1, len(everything)), runs
        assert above == len(everything) - len(shown), runs
    assert skimmed > 200


BAR = "".join(f"\r{n:3d}%|{'█' * (n // 5):20s}|" for n in range(101))
EPOCHS = "".join(f"epoch {n}\n{BAR}\n" for n in range(6))
LAYERS = "".join(
    f"\x1b[{layer}A\x1b[2K\r{layer}: {step}/100\r\x1b[{layer}B"
    for step in range(101)
    for layer in (3, 2, 1)
)
NESTED = "".join(f"\router {n}/100\n\rinner {n % 9}/8\x1b[A" for n in range(101))


@pytest.mark.parametrize(
    ("text", "picture"),
    [
        (EPOCHS, [f"epoch {n // 2}" if n % 2 == 0 else BAR[-26:] for n in range(12)]),
        (
            f"pull\n\n\n\n{LAYERS}done\n",
            ["pull", *(f"{n}: 100/100" for n in (3, 2, 1)), "done"],
        ),
        (f"{NESTED}\n\n", ["outer 100/100", "inner 1/8"]),
    ],
    ids=["epochs", "layers", "nested"],
)
def test_progress_bars_are_whole(text: str, picture: list[str]) -> None:
    """However long bars were drawn, all lines are there, as a terminal shows them."""
    job = FakeJob()
    for start in range(0, len(text.encode()), 1000):
        job.prints(text.encode()[start : start + 1000])

    last = recent(job, 20)  # type: ignore[arg-type]

    lines = ["".join(text for text, _ in line).strip() for line in last.lines]
    assert lines == [line.strip() for line in picture]
    assert last.missing() == ""


def test_a_million_updates_become_one_line() -> None:
    """Of megabytes of updates only what is seen is drawn."""
    data = b"".join(b"\r%7d of 99999" % n for n in range(100_000))

    found = compact([("stdout", data)], 10)

    assert found is not None
    assert re.fullmatch(rb"\x1b\[m  99999 of 99999", b"".join(d for _, d in found[0]))


def test_colours_of_what_is_left_out_stay() -> None:
    """A colour that was set long before is that of what is shown."""
    text = b"\x1b[31mred\n" + b"line\n" * 1000

    found = compact([("stdout", text)], 3)

    assert found is not None
    assert drawn(found[0])[-1] == [("line", "fg=1")]
    assert found[1] == 1001 - len(drawn(found[0]))


@pytest.mark.parametrize(
    "text",
    ["a\x1b[2;1Hb", "\x1b[2Ja", "a\x1b7b\x1b8", "x" * 5000, "a\x1b[9999Ab", "a\vb"],
)
def test_what_cannot_be_skimmed_is_drawn(text: str) -> None:
    """Where the cursor is moved to a place, everything is drawn."""
    assert compact([("stdout", text.encode())], 10) is None
    job = FakeJob()
    job.prints(text.encode())

    assert recent(job, 10).lines == drawn([("stdout", text.encode())])  # type: ignore[arg-type]


def test_an_escape_between_two_streams_is_drawn() -> None:
    """An escape that the other stream's output cuts is not skimmed."""
    runs = [("stdout", b"a\x1b[3"), ("stderr", b"b"), ("stdout", b"1mc")]

    assert compact(runs, 10) is None
