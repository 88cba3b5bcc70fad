from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyproc._jobs.output.interleaved import Chunk, Output
from ipyproc.views.terminal.modes import Modes, Reader

#: What changes modes, what does not, and what only begins like either.
WORDS = st.sampled_from(
    [
        *(b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?47h", b"\x1b[?1047l", b"\x1b[?1h"),
        *(b"\x1b[?1000;1006h", b"\x1b[?1000l", b"\x1b[?25l", b"\x1b[?25h", b"\x1b="),
        *(b"\x1b>", b"\x1b[2;20r", b"\x1b[r", b"\x1bc", b"\x1b[!p", b"\x1b[?2026h"),
        *(b"text\r\n", b"\x1b[31m", b"\x1b[3;4H", b"\x1b[?", b"\x1b", b"\x1b[4h"),
    ]
)


def read(*pieces: bytes) -> Reader:
    """Return what was read of an output that came in pieces."""
    output = Output()
    reader = Reader(output)
    for piece in pieces:
        output.append(0, piece)
        reader.read()
    return reader


def test_the_alternate_screen_is_seen() -> None:
    """It is entered in any of three ways, and where that was first is known."""
    for mode in (b"47", b"1047", b"1049"):
        reader = read(b"log\r\n\x1b[?" + mode + b"h")

        assert reader.now.is_alternate
        assert reader.entered == 5
        assert not read(b"\x1b[?" + mode + b"h\x1b[?1049l").now.is_alternate
    assert read(b"\x1b[?2004h\x1b[1049h ?1049h").entered is None


def test_escapes_bring_a_terminal_into_the_modes() -> None:
    """They say what differs from the beginning, the alternate screen first."""
    printed = b"\x1b[?1h\x1b=\x1b[?25l\x1b[?1049h\x1b[?1002;1006h\x1b[?7l\x1b[2;9r"

    escapes = read(printed).now.escapes()

    assert escapes.startswith("\x1b[?1049h")
    assert read(escapes.encode()).now == read(printed).now
    assert Modes().escapes() == ""


@given(words=st.lists(WORDS, max_size=40), data=st.data())
def test_pieces_and_places(words: list[bytes], data: st.DataObject) -> None:
    """However output is cut, the modes are the same; and so they are at each place."""
    printed = b"".join(words)
    cuts = st.lists(st.integers(0, len(printed)), max_size=6)
    ends = [0, *sorted(data.draw(cuts)), len(printed)]
    pieces = [printed[a:b] for a, b in pairwise(ends)]

    reader = read(*pieces)

    assert reader.now == read(printed).now
    for end in ends:
        assert reader.at(end) == read(printed[:end]).now


def test_the_place_of_long_output_is_found() -> None:
    """The modes are known at each place of the last megabyte; little is kept."""
    piece = b"\x1b[?1h" + b"x" * 50_000 + b"\x1b[?1l" + b"y" * 50_000
    output = Output()
    reader = Reader(output)
    for _ in range(100):
        output.append(0, piece)
        reader.read()

    for back in range(10):
        begin = output.total - (back + 1) * len(piece)
        assert reader.at(begin + 25_000).on == {1, 7, 25}
        assert reader.at(begin + 75_000).on == {7, 25}
    assert len(reader._marks) <= 32


def test_of_a_flood_little_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever in it the modes are asked for."""
    output = Output()
    for _ in range(40):
        output.append(0, b"x" * 1_000_000)
    asked = []
    read = output.read

    def counted(offset: int, size: int) -> list[Chunk]:
        asked.append(size)
        return read(offset, size)

    monkeypatch.setattr(output, "read", counted)
    reader = Reader(output)
    reader.read()
    for place in (20_000_000, 38_000_000, 40_000_000):
        reader.at(place)

    assert sum(asked) < 8_000_000


def test_of_a_flood_the_end_is_read() -> None:
    """More than is looked at in one turn is skipped, and its end is not."""
    reader = read(b"x" * 30_000_000 + b"\x1b[?1049h" + b"y" * 1000)

    assert reader.now.is_alternate
    assert reader.offset == 30_001_008
