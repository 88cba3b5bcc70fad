"""The picture of a job is what a terminal shows of all that it printed."""

from __future__ import annotations

from typing import Any

import pytest

from ipyproc._jobs.output.interleaved import Output
from ipyproc.views.render.recent import Kept, recent
from ipyproc.views.terminal import picture
from ipyproc.views.terminal.picture import Picture, Seen
from ipyproc.views.terminal.screen import Screen
from tests.trials import dice
from tests.views.fakes import FakeJob
from tests.views.test_skim import program

STREAMS = ["stdout", "stderr"]


def drawn(output: Output, lines: int) -> Seen:
    """Return what a screen shows that was fed everything."""
    screen = Screen()
    for chunk in output.read(0, output.total):
        screen.feed(chunk.stream, chunk.data)
    screen.finish()
    shown = screen.runs()
    above = screen.dropped + max(0, len(shown) - lines)
    return Seen(shown[-lines:], above, 0)


def output_of(*texts: str | bytes) -> Output:
    """Return output that came in these pieces."""
    output = Output()
    for text in texts:
        output.append(0, text.encode() if isinstance(text, str) else text)
    return output


@pytest.mark.parametrize("piece", [7, 100, 1 << 19])
def test_random_programs_leave_the_same_picture(
    piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is brought up to date, it is that of a screen fed everything."""
    monkeypatch.setattr(picture, "_PIECE", piece)
    random_dice = dice("picture")
    for _ in range(80):
        output, shown = Output(), Picture()
        for stream, text in program(random_dice):
            data = text.encode()
            cut = random_dice.randrange(len(data) + 1)  # perhaps within a character
            for part in filter(None, (data[:cut], data[cut:])):
                output.append(STREAMS.index(stream), part)
                if random_dice.random() < 0.3:
                    shown.update(output)
        shown.update(output, final=True)

        assert shown.last(4) == drawn(output, 4)


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


def test_lines_above_are_counted_exactly() -> None:
    """However many lines there are, those that are not shown are counted."""
    output = output_of("".join(f"\x1b[32m{n}\x1b[m\n" for n in range(150_000)))
    shown = Picture()

    shown.update(output, final=True)

    assert shown.last(200) == Seen(
        [[(str(n), "fg=2")] for n in range(149_800, 150_000)], 149_800, 0
    )


def test_of_too_much_it_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only the end is read, no line is cut, and the rest is said in bytes."""
    output = output_of("".join(f"line {n}\n" for n in range(1000)))
    shown = Picture()

    shown.update(output, most=100)

    seen = shown.last(5)
    assert seen.lines == [[(f"line {n}", "")] for n in range(995, 1000)]
    assert (seen.above, seen.before) == (1, output.total - 100)


def test_where_only_the_end_is_read_bars_are_whole() -> None:
    """Moves beyond the beginning lead to rows above it, and cut no picture."""
    frame = "one {0}\x1b[K\ntwo {0}\x1b[K\nthree {0}\x1b[K\n\x1b[3A\r"
    output = output_of("pull\n" * 9 + "".join(frame.format(n) for n in range(999)))
    for most in range(200, 260, 7):
        shown = Picture()
        shown.update(output, most=most)

        lines = ["".join(text for text, _ in line) for line in shown.last(9).lines]
        assert lines == ["one 998", "two 998", "three 998"], most


def test_where_only_the_end_is_read_rows_stay_apart() -> None:
    """What moves up from below its rows does so from the first byte that is read."""
    layers = "".join(
        f"\x1b[{layer}A\x1b[2K\r{layer}: {step}\r\x1b[{layer}B"
        for step in range(99)
        for layer in (3, 2, 1)
    )
    output = output_of(f"pull\n\n\n\n{layers}")
    for most in range(100, 160, 7):
        shown = Picture()
        shown.update(output, most=most)

        lines = ["".join(text for text, _ in line) for line in shown.last(9).lines]
        assert lines == ["3: 98", "2: 98", "1: 98"], most


def test_it_goes_on_where_the_middle_is_not_kept() -> None:
    """What is no longer there is left out, up to the end of a line, and said."""
    output = Output(memory_limit=400, output_limit=400)
    shown = Picture()
    for n in range(200):
        output.append(0, b"line %d\n" % n)
        if n in (10, 20):
            shown.update(output)
    shown.update(output)

    seen = shown.last(3)
    assert seen.lines == [[(f"line {n}", "")] for n in (197, 198, 199)]
    assert seen.before > 0


def test_an_interrupt_leaves_no_half_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was interrupted in the middle is drawn anew."""
    job = FakeJob()
    job.prints(b"a\nb\n")
    kept = Kept(job)  # type: ignore[arg-type]
    kept.recent(9)
    update = Picture.update

    def interrupted(picture: Picture, *args: Any, **keys: Any) -> None:
        update(picture, *args, **keys)
        picture._screen.feed("stdout", b"half")
        raise KeyboardInterrupt

    job.prints(b"c\n")
    with monkeypatch.context() as patch:
        patch.setattr(Picture, "update", interrupted)
        with pytest.raises(KeyboardInterrupt):
            kept.recent(9)

    assert kept.recent(9).lines == [[(c, "")] for c in "abc"]


def test_a_handler_may_ask_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal's handler that asks for the picture while it is drawn gets one."""
    job, found = FakeJob(), []
    asked: list[Picture] = []
    job.prints(b"a\n")
    kept = Kept(job)  # type: ignore[arg-type]
    last = Picture.last

    def handled(self: Picture, lines: int) -> Seen:
        asked.append(self)
        if len(asked) == 1:
            found.append(kept.recent(9).lines)
        return last(self, lines)

    monkeypatch.setattr(Picture, "last", handled)

    assert kept.recent(9).lines == [[("a", "")]]
    assert found == [[[("a", "")]]]
    assert asked[0] is not asked[1]  # the one that is being drawn is left alone
