"""Parts of all that was printed, and where something is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pytest

from ipyproc._jobs.output.interleaved import Output, Piece
from ipyproc.views.transport import reading
from ipyproc.views.transport.output_feed import Message
from ipyproc.views.transport.output_protocol import Find, Read
from ipyproc.views.transport.reading import Reader, Readings, piece
from tests.views.fakes import FakeJob

LINES = [b"%05d of many\n" % n for n in range(20_000)]


class Desk(Reader):
    """A reader that does a part when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Callable[[], object]] = []

    def do(self, act: Callable[[], object], goes_on: bool = False) -> bool:
        """Note a part."""
        self.parts.append(act)
        return True

    def go_on(self) -> None:
        """Do the next part."""
        self.parts.pop(0)()


@pytest.fixture
def job() -> FakeJob:
    """A job that printed some lines."""
    job = FakeJob()
    job.prints(b"".join(LINES))
    return job


@pytest.fixture
def desk() -> Desk:
    """What reads."""
    return Desk()


@pytest.fixture
def told() -> list[Any]:
    """What pages are told."""
    return []


@pytest.fixture
def readings(job: FakeJob, desk: Desk, told: list[Any]) -> Iterator[Readings]:
    """What pages ask for."""

    def tell(message: Message) -> None:
        told.append(message.content)

    return Readings(cast(Any, job), tell, desk)


def read(offset: int, before: bool = False, times: bool = False) -> Read:
    """Return what a page asks for."""
    asked = {"page": "a", "seq": 1, "offset": offset, "before": before, "times": times}
    return cast(Read, {"action": "read", **asked})


def find(text: str, page: str = "a", regex: bool = False, **more: int) -> Find:
    """Return what a page looks for."""
    asked = {"page": page, "seq": 1, "text": text, "regex": regex}
    return cast(Find, {"action": "find", "index": 0, "lines": 1, **asked, **more})


def got(job: FakeJob, asked: Read) -> tuple[Any, bytes]:
    """Return the answer."""
    message = piece(job.whole_as_utf8, asked)
    return message.content, message.data


def test_pieces_are_whole_lines_and_leave_nothing_out(job: FakeJob) -> None:
    """Downwards and upwards."""
    data, at = b"", 0
    while at < job.as_utf8.total:
        content, part = got(job, read(at))
        assert content["offset"] == at
        assert part.endswith(b"\n")
        data += part
        at += len(part)
    assert data == b"".join(LINES)

    data, at = b"", job.as_utf8.total
    while at > 0:
        content, part = got(job, read(at, before=True))
        assert content["offset"] + len(part) == at
        assert sum(size for _, size in content["streams"]) == len(part)
        data = part + data
        at = content["offset"]
    assert data == b"".join(LINES)


def test_a_line_that_is_longer_than_a_piece(job: FakeJob) -> None:
    """It comes in parts, and what is before it is still reached."""
    job.prints(b"x" * 100_000)
    at = job.as_utf8.total
    while at > 0:
        content, part = got(job, read(at, before=True))
        assert part
        at = content["offset"]


def test_streams_are_told_apart() -> None:
    """Also where a piece is cut."""
    job = FakeJob()
    for n in range(2000):
        job.prints(b"out %d\n" % n, 0)
        job.prints(b"error %d\n" % n, 1)

    content, data = got(job, read(job.as_utf8.total, before=True))
    at = 0
    for stream, size in content["streams"]:
        want = b"out" if stream == "stdout" else b"error"
        assert data[at : at + size].startswith(want)
        at += size
    assert at == len(data)


def test_what_is_not_kept_is_a_gap() -> None:
    """Above what is left nothing comes; behind it the rest does."""
    job = FakeJob()
    job._output = Output(memory_limit=1000, output_limit=1000)
    job.prints(b"".join(LINES))
    total = job.as_utf8.total

    content, data = got(job, read(total, before=True))
    assert data.endswith(LINES[-1])
    assert len(data) <= 500
    content, rest = got(job, read(content["offset"], before=True))
    assert len(rest + data) == 500
    assert got(job, read(content["offset"], before=True))[1] == b""
    content, data = got(job, read(0))
    assert data.startswith(LINES[0])
    content, data = got(job, read(600))
    assert content["offset"] >= total - 500


def test_each_line_has_its_time() -> None:
    """One number a line, also where one has not ended."""
    job = FakeJob()
    job._output.begin()
    job.prints(b"one\ntwo\nthr")

    content, _ = got(job, read(0, times=True))

    assert len(content["times"]) == 3
    assert all(0 <= time < 60 for time in content["times"])


def test_a_search_says_how_far_it_is(
    readings: Readings, desk: Desk, told: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on part by part, and what is wanted comes as soon as it is found."""
    monkeypatch.setattr(reading, "_TELL", 0.0)
    monkeypatch.setattr("ipyproc._jobs.output.find.PIECE", 100_000)
    readings.find(find("0 OF", lines=2))
    while desk.parts:
        desk.go_on()

    assert [found["over"] for found in told] == [False] * (len(told) - 1) + [True]
    assert len(told) == 3
    assert told[-1]["count"] == 2000
    assert told[0]["lines"] == told[-1]["lines"]
    assert told[-1]["lines"] == [(0, "00000 of many"), (140, "00010 of many")]


def test_what_is_asked_next_takes_the_place(
    readings: Readings, desk: Desk, told: list[Any]
) -> None:
    """A page is answered the last question only, another page its own."""
    readings.find(find("1"))
    readings.find(find("nothing"))
    readings.find(find("19999", page="b"))
    while desk.parts:
        desk.go_on()

    assert [(f["page"], f["count"]) for f in told] == [("a", 0), ("b", 1)]


def test_a_search_goes_on_where_it_was(
    job: FakeJob, readings: Readings, desk: Desk, told: list[Any]
) -> None:
    """What was printed since is searched when the page asks again."""
    readings.find(find("many"))
    while desk.parts:
        desk.go_on()
    job.prints(b"many more\nand many")
    readings.find(find("many", index=20_000))
    while desk.parts:
        desk.go_on()
    assert told[-1]["count"] == 20_001
    assert told[-1]["lines"] == [(280_000, "many more")]

    job.ends()
    readings.find(find("many", index=20_001))
    while desk.parts:
        desk.go_on()
    assert told[-1]["lines"] == [(280_010, "and many")]


def test_a_bad_expression(readings: Readings, desk: Desk, told: list[Any]) -> None:
    """It is said what is wrong with it."""
    readings.find(find("(", regex=True))
    desk.go_on()

    assert "pattern: " in told[0]["error"]
    assert told[0]["over"]


def test_not_more_are_counted_than_fit(
    readings: Readings, desk: Desk, told: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their places take memory."""
    monkeypatch.setattr(reading, "MOST", 50)
    readings.find(find("of", lines=1000))
    while desk.parts:
        desk.go_on()

    assert told[-1]["count"] == 50
    assert told[-1]["over"]


def test_a_page_that_left_is_not_answered(
    readings: Readings, desk: Desk, told: list[Any]
) -> None:
    """Its search ends."""
    readings.find(find("of"))
    readings.left("a")
    while desk.parts:
        desk.go_on()

    assert told == []


class Far(Output):
    """What cannot be asked for any more, as it is kept on a host that is gone."""

    error: OSError = ConnectionError("it has ended")

    def pieces(self, offset: int, size: int) -> list[Piece]:
        """Raise that."""
        raise self.error


class FarJob(FakeJob):
    """A job of which more is kept elsewhere than is here."""

    far = Far()

    @property
    def whole_as_utf8(self) -> Output:
        """What is kept elsewhere."""
        self.far.arrivals = self.as_utf8.arrivals
        return self.far


def test_what_is_here_is_read_and_found_when_the_rest_is_gone(desk: Desk) -> None:
    """A page gets what there is; while there is no contact it asks again."""
    told: list[Any] = []
    job = FarJob()
    job.prints(b"one\ntwo\n")
    job.ends()
    readings = Readings(cast(Any, job), lambda message: told.append(message), desk)

    readings.read(read(0))
    desk.go_on()
    readings.find(find("two"))
    while desk.parts:
        desk.go_on()
    piece, found = told
    assert piece.data == b"one\ntwo\n"
    assert (found.content["count"], found.content["lines"]) == (1, [(4, "two")])

    job.far.error = TimeoutError("no contact")
    readings.read(read(0))
    desk.go_on()
    assert len(told) == 2


class TwoStreams:
    """A search of two streams of which one is ahead."""

    def __init__(self) -> None:
        self.parts = [[10, 40], [20, 50], []]

    def next(self, total: int, final: bool) -> Iterator[tuple[int, str]]:
        """Yield the next part."""
        yield from ((at, "") for at in self.parts.pop(0))

    def is_behind(self, total: int, final: bool) -> bool:
        """Whether there is more."""
        return len(self.parts) > 1

    def texts(self, offsets: Sequence[int], longest: int) -> list[str]:
        """Return where each is."""
        return [str(at) for at in offsets]


def test_lines_are_in_order_though_one_stream_is_ahead(
    desk: Desk, job: FakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page goes from one to the next."""
    told: list[Any] = []
    readings = Readings(cast(Any, job), lambda m: told.append(m.content), desk)
    monkeypatch.setattr(Output, "search", lambda *_: TwoStreams())
    readings.find(find("it", lines=4))
    while desk.parts:
        desk.go_on()

    assert told[-1]["lines"] == [(n, str(n)) for n in (10, 20, 40, 50)]
