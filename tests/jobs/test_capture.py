from __future__ import annotations

import os
import resource
import threading
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyproc._jobs.output.capture import Capture
from ipyproc._jobs.output.spill import Archive, NamelessFile

limits = st.integers(0, 12)
pieces = st.lists(st.binary(max_size=9), max_size=12)


def captured(*data: bytes, memory: int = 1 << 20, output: int = 1 << 20) -> Capture:
    """Return a capture of *data*."""
    capture = Capture(memory, output)
    for piece in data:
        capture.append(piece)
    return capture


def kept(data: bytes, output: int) -> dict[int, int]:
    """Say which offsets of *data* a capture keeps, and the byte at each."""
    head, ring = output - output // 2, output // 2
    tail = max(head, len(data) - ring)
    return {i: byte for i, byte in enumerate(data) if i < head or i >= tail}


@given(pieces, limits, limits)
def test_keeps_head_and_tail(data: list[bytes], memory: int, output: int) -> None:
    """Whatever the limits, the head and the newest bytes stay; the rest is counted."""
    capture = captured(*data, memory=memory, output=output)
    whole = b"".join(data)
    model = kept(whole, output)

    assert capture.bytes == bytes(model.values())
    assert capture.total == len(whole)
    assert capture.dropped == len(whole) - len(model)


@given(pieces, limits, limits, st.integers(-30, 30), st.integers(-30, 30))
def test_slices_by_offset(
    data: list[bytes], memory: int, output: int, start: int, stop: int
) -> None:
    """A slice has the kept bytes between two absolute offsets, as slices of bytes."""
    capture = captured(*data, memory=memory, output=output)
    whole = b"".join(data)
    model = kept(whole, output)
    wanted = range(len(whole))[start:stop]

    assert capture[start:stop] == bytes(model[i] for i in wanted if i in model)


@given(pieces, limits, limits, st.integers(0, 30), st.integers(0, 30))
def test_read_starts_at_a_kept_byte(
    data: list[bytes], memory: int, output: int, offset: int, size: int
) -> None:
    """A read gives neighbouring bytes from the first kept one on, and its offset."""
    capture = captured(*data, memory=memory, output=output)
    model = kept(b"".join(data), output)

    at, got = capture.read(offset, size)

    assert all(model[at + i] == byte for i, byte in enumerate(got))
    assert not any(i in model for i in range(offset, at))
    assert len(got) == size or at + len(got) not in model


@given(pieces, limits, limits)
def test_reads_add_up(data: list[bytes], memory: int, output: int) -> None:
    """Reading on from where the last read ended meets every kept byte once."""
    capture = captured(*data, memory=memory, output=output)
    seen, offset = {}, 0
    while offset < capture.total:
        at, got = capture.read(offset, 3)
        seen.update({at + i: byte for i, byte in enumerate(got)})
        offset = at + len(got)

    assert seen == kept(b"".join(data), output)


# What to ask for, where, and how much.
reads = st.tuples(st.integers(0, 4), st.integers(-60, 60), st.integers(0, 60))


@given(st.lists(st.one_of(st.binary(max_size=60), reads), max_size=30), limits, limits)
def test_any_sequence_of_writes_and_reads(
    steps: list[bytes | tuple[int, int, int]], memory: int, output: int
) -> None:
    """Whatever is asked in between, each answer is that of a plain list of bytes."""
    capture, whole = Capture(memory, output), b""
    for step in steps:
        if isinstance(step, bytes):
            capture.append(step)
            whole += step
            continue
        kind, start, size = step
        model = kept(whole, output)
        head = output - output // 2
        parts = [bytes(model.values())]
        if len(model) < len(whole):
            parts = [whole[:head], bytes(v for i, v in model.items() if i >= head)]
        if kind == 0:
            wanted = range(len(whole))[start : start + size]
            got = capture[start : start + size]
            assert got == bytes(model[i] for i in wanted if i in model)
        elif kind == 1:
            newest = range(max(0, len(whole) - size), len(whole))
            assert capture.tail(size) == bytes(model[i] for i in newest if i in model)
        elif kind == 2:
            assert capture.text == "".join(p.decode(errors="replace") for p in parts)
        elif kind == 3:
            texts = [p.decode(errors="replace").split("\n") for p in parts]
            lines = [text[:-1] if text[-1] == "" else text for text in texts]
            assert capture.lines() == [
                line.removesuffix("\r") for part in lines for line in part
            ]
        elif kind == 4:
            capture.move_to(Archive())
        assert capture.dropped == len(whole) - len(model)
        assert capture.total == len(whole)


@given(pieces, st.integers(0, 40))
def test_tail(data: list[bytes], size: int) -> None:
    """The tail is the last bytes, in order."""
    whole = b"".join(data)

    assert captured(*data, memory=5).tail(size) == whole[max(0, len(whole) - size) :]


def test_tail_size_is_checked() -> None:
    """A negative size is refused by name."""
    with pytest.raises(ValueError, match=r"^size: "):
        captured(b"abc").tail(-1)


@pytest.mark.parametrize("index", [0, "a", None])
def test_index_must_be_a_slice(index: object) -> None:
    """One offset alone is no slice."""
    with pytest.raises(TypeError, match="slice of offsets"):
        captured(b"abc")[index]  # type: ignore[index]


def test_slice_has_no_step() -> None:
    """Every second byte is nothing that anyone prints."""
    with pytest.raises(ValueError, match="no step"):
        captured(b"abc")[::2]


@pytest.mark.slow
@given(st.lists(st.text(max_size=4)), st.data())
def test_text_split_anywhere(texts: list[str], draw: st.DataObject) -> None:
    """Characters that arrive in two pieces come out whole."""
    whole = "".join(texts).encode(errors="replace")
    cut = draw.draw(st.integers(0, len(whole)))

    assert captured(whole[:cut], whole[cut:], memory=3).text == whole.decode()


def test_text_of_invalid_bytes() -> None:
    """Bytes that are no UTF-8 become U+FFFD; NULs and the rest stay."""
    assert captured(b"a\xffb\0c\xe2\x82").text == "a\ufffdb\0c\ufffd"


def test_text_makes_no_character_across_a_gap() -> None:
    """Half a character of the head and half of one of the tail are not one."""
    capture = captured(b"\xc3......\xa9", output=2)

    assert capture.bytes == b"\xc3\xa9"
    assert capture.text == "\ufffd\ufffd"


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\n\r\nb", ["a", "", "b"]),
        (b"10%\r20%\n", ["10%\r20%"]),
        ("a\u2028b\x0cc\x85d".encode("latin-1", "replace"), ["a?b\x0cc\ufffdd"]),
    ],
)
def test_lines(data: bytes, lines: list[str]) -> None:
    """A line ends with a newline and nothing else; the last one need not."""
    assert captured(data).lines() == lines


def test_lines_end_at_a_gap() -> None:
    """What was printed before and after a gap is not one line."""
    assert captured(b"abcd" + b"-" * 9 + b"wxyz", output=8).lines() == ["abcd", "wxyz"]


def test_line_of_100_megabytes() -> None:
    """One very long line is kept, read and split like any other."""
    capture = Capture()
    for _ in range(100):
        capture.append(b"x" * 1_000_000)
    capture.append(b"\nend")

    assert [len(line) for line in capture.lines()] == [100_000_000, 3]
    assert capture.tail(5) == b"x\nend"


@given(pieces, limits, limits)
def test_save(
    tmp_path_factory: pytest.TempPathFactory,
    data: list[bytes],
    memory: int,
    output: int,
) -> None:
    """A saved capture is the bytes that it keeps."""
    path = tmp_path_factory.mktemp("save") / "out"
    capture = captured(*data, memory=memory, output=output)
    capture.save(path)

    assert path.read_bytes() == capture.bytes


def test_reading_copies_only_what_it_returns() -> None:
    """A tail of a capture of 64 MiB costs no more than the tail."""
    capture = Capture(memory_limit=32 << 20)
    for _ in range(64):
        capture.append(bytes(1 << 20))

    for read in (lambda: capture.tail(100), lambda: capture[100:200]):
        assert peak_of(read) < 20_000
    assert peak_of(lambda: capture.read(40 << 20, 100)) < 20_000
    assert peak_of(lambda: capture.bytes) < (64 << 20) * 1.25


def peak_of(read: Callable[[], object]) -> int:
    """Measure how much memory *read* takes at most."""
    tracemalloc.start()
    try:
        read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_is_bounded() -> None:
    """Beyond the memory limit a capture holds its bytes in a file."""
    capture = Capture(memory_limit=1 << 20)

    def flood() -> None:
        for _ in range(256):
            capture.append(bytes(1 << 16))

    assert peak_of(flood) < 1.5 * (1 << 20)
    assert capture.total == 256 << 16


def test_file_is_gone_with_the_capture() -> None:
    """The temporary file has no name, and its descriptor goes with the capture."""
    before = set(os.listdir("/proc/self/fd"))
    capture = captured(b"abc" * 100, memory=10)
    after = set(os.listdir("/proc/self/fd")) - before
    (number,) = after
    path = os.readlink(f"/proc/self/fd/{number}")

    assert not os.path.exists(path)

    del capture

    assert not set(os.listdir("/proc/self/fd")) - before


def file_limit(size: int) -> Callable[[], None]:
    """Let files grow to *size* bytes only; the result lifts the limit again."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.parametrize("room", [0, 10_000, 65_536])
def test_no_room_for_the_file(room: int) -> None:
    """Where the file may not grow the newest megabyte stays, and `error` says why."""
    capture = Capture(memory_limit=1000)
    data = os.urandom(3 << 20)
    restore = file_limit(room)
    try:
        for start in range(0, len(data), 7000):
            capture.append(data[start : start + 7000])
    finally:
        restore()

    assert isinstance(capture.error, OSError)
    assert capture.total == len(data)
    assert capture.tail(1 << 20) == data[-1 << 20 :]
    assert capture.dropped == len(data) - len(capture.bytes)
    head = len(capture.bytes) - (1 << 20)
    assert head <= 1000 + room
    assert capture.bytes == data[:head] + data[-1 << 20 :]


def test_no_room_while_the_tail_slides() -> None:
    """When the file fails after bytes were dropped, head and newest bytes stay."""
    capture = Capture(memory_limit=10, output_limit=1000)
    capture.append(bytes(600))
    capture.append(b"a" * 300)
    restore = file_limit(5)
    try:
        capture.append(b"b" * 300)
        capture.append(b"c" * 300)
    finally:
        restore()

    assert capture.bytes == bytes(500) + b"b" * 200 + b"c" * 300
    assert capture.dropped == 500


def test_no_descriptor_for_the_file(tmp_path: Path) -> None:
    """A process without free descriptors continues to capture in memory."""
    old = resource.getrlimit(resource.RLIMIT_NOFILE)
    capture = Capture(memory_limit=10)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, old[1]))
    try:
        capture.append(b"x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, old)

    assert capture.bytes == b"x" * 100
    assert isinstance(capture.error, OSError)


def test_what_is_being_written_over_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A read while the file is written, and not counted yet, skips what is gone."""
    capture = captured(b"a" * 200, b"b" * 100, b"c" * 100, memory=100, output=400)
    write, found = NamelessFile.write, []

    def write_and_read(file: NamelessFile, offset: int, data: memoryview) -> None:
        write(file, offset, data)
        found.append(capture.read(200, 1000))

    monkeypatch.setattr(NamelessFile, "write", write_and_read)
    capture.append(b"d" * 100)

    assert found[0] == (300, b"c" * 100)
    assert capture.read(200, 1000) == (300, b"c" * 100 + b"d" * 100)


def test_read_while_written() -> None:
    """A copy made while the stream grows has bytes that were printed side by side."""
    capture = Capture(memory_limit=5 << 20, output_limit=12 << 20)
    block = b"".join(number.to_bytes(4) for number in range(1 << 16))
    blocks = [block] * 400
    writer = threading.Thread(target=lambda: [*map(capture.append, blocks)])
    writer.start()
    while writer.is_alive():
        data = capture[6 << 20 :]
        numbers = [int.from_bytes(data[i : i + 4]) for i in range(0, len(data), 40000)]
        steps = {(b - a) % (1 << 16) for a, b in pairwise(numbers)}
        assert steps <= {10000}
    writer.join()

    assert capture.total == 400 << 18
    assert capture.dropped == (400 << 18) - (12 << 20)


def test_read_by_many_while_written() -> None:
    """Lines, text, tails and copies that are made meanwhile are of whole lines."""
    capture = Capture(memory_limit=10_000, output_limit=40_000)
    failures: list[str] = []

    def check(lines: list[str]) -> None:
        numbers = [int(line) for line in lines if len(line) == 7]
        steps = [b - a for a, b in pairwise(numbers)]
        # There is one gap at most, and what is beside it may be a part of a line.
        if sum(step != 1 for step in steps) > 1 or min(steps, default=1) < 1:
            failures.append(f"{numbers[:3]}...{numbers[-3:]}")

    def read(ask: Callable[[], list[str]]) -> None:
        while not done.is_set():
            check(ask())
        check(ask())

    asks: list[Callable[[], list[str]]] = [
        capture.lines,
        lambda: capture.text.split("\n"),
        lambda: capture.bytes.decode().split("\n"),
        lambda: capture.tail(5000).decode().split("\n"),
    ]
    done = threading.Event()
    threads = [threading.Thread(target=read, args=(ask,)) for ask in asks]
    for thread in threads:
        thread.start()
    for number in range(1_000_000, 1_040_000, 40):
        capture.append(b"".join(b"%d\n" % n for n in range(number, number + 40)))
    done.set()
    for thread in threads:
        thread.join()

    assert not failures
    assert capture.lines()[-1] == "1039999"
