from __future__ import annotations

import tracemalloc
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ipyproc._jobs.output.arrivals import Arrivals
from ipyproc._jobs.output.interleaved import Chunk, Output

arrivals = st.lists(
    st.tuples(st.integers(0, 1), st.binary(min_size=1, max_size=6)), max_size=20
)


def printed(arrived: list[tuple[int, bytes]], **limits: int) -> Output:
    """Return the output that arrived so."""
    output = Output(**limits)
    for stream, data in arrived:
        output.append(stream, data)
    return output


def in_order(arrived: list[tuple[int, bytes]]) -> list[tuple[str, int]]:
    """Return the stream and the value of each byte, in order of arrival."""
    names = "stdout", "stderr"
    return [(names[stream], byte) for stream, data in arrived for byte in data]


def bytes_of(chunks: list[Chunk]) -> dict[int, tuple[str, int]]:
    """Return stream and value of each byte in *chunks*, by offset."""
    return {
        chunk.offset + i: (chunk.stream, byte)
        for chunk in chunks
        for i, byte in enumerate(chunk.data)
    }


@given(arrivals, st.integers(0, 130), st.integers(0, 130))
def test_read_in_order_of_arrival(
    arrived: list[tuple[int, bytes]], offset: int, size: int
) -> None:
    """What was read is what arrived, in order, with offsets that count both streams."""
    chunks = printed(arrived).read(offset, size)
    wanted = dict(enumerate(in_order(arrived)))

    assert bytes_of(chunks) == {
        i: wanted[i] for i in range(offset, offset + size) if i in wanted
    }
    assert all(
        before.offset + len(before.data) == after.offset
        for before, after in pairwise(chunks)
    )


def test_less_is_kept_than_arrived() -> None:
    """What nobody has any more is left out, and what is behind it is read."""
    output = printed([(0, b"abc"), (1, b"de"), (0, b"f")])
    output.arrivals.note(0, 4)
    output.arrivals.note(1, 1)
    output.stderr.append(b"g")

    read = [(chunk.offset, chunk.data) for chunk in output.read(0, 99)]
    assert read == [(0, b"abc"), (3, b"de"), (5, b"f"), (10, b"g")]


def test_what_arrives_meanwhile_changes_the_order_and_no_byte() -> None:
    """A reader gets each byte once, also if it is forgotten when which arrived."""
    output = Output()
    output.arrivals = Arrivals(points=8)
    arrived = [(number % 2, bytes([number])) for number in range(7)]
    for stream, data in arrived:
        output.append(stream, data)
    locate, asked = output.arrivals.locate, []

    def slowly(offset: int) -> tuple[int, int, int]:
        asked.append(offset)
        if offset == 3 and len(asked) == 4:
            for number in range(7, 20):
                output.append(number % 2, bytes([number]))
        return locate(offset)

    output.arrivals.locate = slowly  # type: ignore[method-assign]
    chunks = output.read(0, 7)

    assert 0 in asked[4:]  # it was read once more
    assert sum(len(chunk.data) for chunk in chunks) == 7
    assert all(chunk.data == bytes(sorted(chunk.data)) for chunk in chunks)


@given(arrivals, st.integers(0, 8), st.integers(1, 5))
def test_gaps_show_in_offsets(
    arrived: list[tuple[int, bytes]], limit: int, size: int
) -> None:
    """Dropped bytes are skipped; all that is kept comes with its right offset."""
    output = printed(arrived, output_limit=limit)
    seen: dict[int, tuple[str, int]] = {}
    offset = 0
    while chunks := output.read(offset, size):
        assert sum(len(chunk.data) for chunk in chunks) <= size
        seen |= bytes_of(chunks)
        offset = max(seen) + 1
    wanted = dict(enumerate(in_order(arrived)))

    assert all(wanted[i] == value for i, value in seen.items())
    for stream, capture in (("stdout", output.stdout), ("stderr", output.stderr)):
        got = bytes(byte for _, (name, byte) in sorted(seen.items()) if name == stream)
        assert got == capture.bytes


@given(arrivals, st.integers(4, 8))
def test_thinned_out_arrivals_loses_no_byte(
    arrived: list[tuple[int, bytes]], points: int
) -> None:
    """When points are given up only the order within a stretch is; each byte stays."""
    journal = Arrivals(points)
    for stream, data in arrived:
        journal.note(stream, len(data))
    streams: tuple[list[int], list[int]] = ([], [])
    offset = 0
    while offset < journal.total:
        stream, start, size = journal.locate(offset)
        streams[stream].extend(range(start, start + size))
        offset += size

    for number in (0, 1):
        total = sum(len(data) for stream, data in arrived if stream == number)
        assert streams[number] == list(range(total))


@given(arrivals, st.integers(4, 100))
def test_a_byte_of_a_stream_is_placed_where_it_is_located(
    arrived: list[tuple[int, bytes]], points: int
) -> None:
    """Whatever points there are; what has not arrived is behind all that has."""
    journal = Arrivals(points)
    for stream, data in arrived:
        journal.note(stream, len(data))

    for offset in range(journal.total):
        stream, start, _ = journal.locate(offset)
        assert journal.place(stream, start) == offset
    for stream in (0, 1):
        size = sum(len(data) for number, data in arrived if number == stream)
        assert journal.place(stream, size) == journal.total


def test_newest_order_stays_exact() -> None:
    """Thinning out coarsens the older half; the newest arrivals keep their order."""
    journal = Arrivals(points=100)
    for i in range(10_000):
        journal.note(i % 2, 1)

    newest = [journal.locate(offset)[0] for offset in range(9_960, 10_000)]
    assert newest == [0, 1] * 20


def test_memory_is_bounded_when_streams_alternate() -> None:
    """Arrivals of one byte by turns, however many, cost no more than a fixed list."""
    journal = Arrivals()
    tracemalloc.start()
    try:
        for i in range(100_000):
            journal.note(i & 1, 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 << 20
    assert journal.total == 100_000
