"""A screen that is drawn anew goes on as the one that was drawn from the beginning."""

from __future__ import annotations

import random

import pytest

from ipyproc._jobs.output.interleaved import Output
from ipyproc.views.terminal.picture import Picture
from ipyproc.views.terminal.redraw import redrawn
from ipyproc.views.terminal.screen import Screen
from tests.trials import dice
from tests.views.test_skim import draw, program, state


def again(screen: Screen) -> Screen:
    """Return a new screen that was fed what draws *screen*."""
    drawn = Screen()
    for stream, text in redrawn(screen):
        drawn.feed(stream, text.encode())
    return drawn


def seen(screen: Screen) -> dict[str, object]:
    """Return all that there is to know of *screen* but what fell off its top."""
    found = state(screen)
    del found["dropped"]
    found["streams"] = {
        name: how for name, how in found["streams"].items() if how != ("", True)
    }
    return found


def test_random_programs_go_on_as_before() -> None:
    """Lines, colours, cursor, and what is begun: what follows shows no difference."""
    compare_redrawn(dice("redraw"), 150)


def compare_redrawn(random_dice: random.Random, programs: int) -> None:
    """Draw what random programs print, and go on with a screen drawn anew."""
    for _ in range(programs):
        first, then = program(random_dice), program(random_dice)
        drawn = Screen()
        draw(drawn, first)
        anew = again(drawn)
        assert seen(anew) == seen(drawn), first
        for screen in (drawn, anew):
            draw(screen, then)
        assert seen(anew) == seen(drawn), (first, then)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "a",
        "a\n",
        "a\n\n",
        "a\n\x1b[K",
        "a\nb\x1b[2K",
        "a\nb\nc\x1b[A\r\x1b[J",
        "\x1b[38;2;1;2;3;48;5;200;1;3;9mx",
        "\x1b]8;;http://a.b/c\x1b\\link",
        "日本e\u0301x\x1b[2Gy",
        "\x1b[31m\x1b7\x1b[md\n\x1b[3",
        "x\x1b]8;;http://begun",
    ],
)
def test_each_state_is_drawn(text: str) -> None:
    """An empty line that is begun, a wide character that is cut, a saved place."""
    screen = Screen()
    draw(screen, [("stdout", text)])

    assert seen(again(screen)) == seen(screen)


@pytest.mark.parametrize("cut", range(1, 24))
def test_a_picture_goes_on_wherever_it_is_cut(cut: int) -> None:
    """A character and an escape may be half there when it is asked for."""
    data = "é\x1b[31m世\x1b]8;;http://a.b\x1b\\x\n".encode()
    output, whole = Output(), Screen()
    output.append(0, data[:cut])
    output.append(1, b"other \xe4")
    picture = Picture()
    picture.update(output)
    drawn, at = Screen(), 0
    redrawn = picture.redrawn()
    for stream, size in redrawn.streams:
        drawn.feed(stream, redrawn.data[at : at + size])
        at += size
    whole.feed("stdout", data[:cut])
    whole.feed("stderr", b"other \xe4")
    for screen in (drawn, whole):
        screen.feed("stdout", data[cut:])
        screen.feed("stderr", b"\xb8\x96\n")

    assert (redrawn.offset, redrawn.above, redrawn.before) == (output.total, 0, 0)
    assert seen(drawn) == seen(whole)
