"""All that a far job printed: read, searched and saved, wherever it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ipyproc import PIPE, Job, spawn
from ipyproc._agent.protocol.flow import WINDOW
from ipyproc._agent.remote.source import Source
from ipyproc._jobs.output.find import Expression, Matcher, Searching, Words
from ipyproc.hosts import CommandHost
from tests.jobs.helpers import PATIENCE, until

#: More than the window here, on both streams.
LINES = 60_000
PROGRAM = f"""
import os, sys
for n in range({LINES // 2000}):
    text = ''.join(
        f"{{i:05d}} {{'seven' if i % 7 == 0 else 'other'}} of many\\n"
        for i in range(2000 * n, 2000 * (n + 1))
    )
    os.write(1, text.encode())
    os.write(2, text.upper().encode())
os.write(1, b"x" * 70_000 + b" seven long\\n")
os.write(1, b"red \\x1b[31mse\\x1b[mven\\nthe seven end")
"""


@pytest.fixture
def far(host: CommandHost) -> Job:
    """A job on a host that has printed it all."""
    return printed(partial(spawn, on=host))


def printed(start: Callable[..., Job]) -> Job:
    """Start a job that prints, and wait until all of it is there."""
    job = start(["python3", "-c", PROGRAM])
    job.wait(PATIENCE)
    until(job, lambda job: job.finished)
    return job


def lines(job: Job, search: Searching) -> list[int]:
    """Search all, and return where the lines are."""
    output, found = job.whole_as_utf8, []
    while search.is_behind(output.total, final=True):
        found += [at for at, _ in search.next(output.total, final=True)]
    return sorted(found)


def test_it_is_read_and_saved_whole(far: Job, tmp_path: Path) -> None:
    """Also what is not in the window here."""
    here = printed(spawn)
    assert far.total == here.total > 8 * WINDOW
    far.save(tmp_path / "far.txt")
    chunks = far.read(0, far.total)

    assert (tmp_path / "far.txt").read_bytes() == b"".join(c.data for c in chunks)
    for stream, capture in (("stdout", here.stdout), ("stderr", here.stderr)):
        parts = [chunk.data for chunk in chunks if chunk.stream == stream]
        assert b"".join(parts) == capture.bytes
    (chunk, *_) = far.read(1_500_000, 100)
    assert chunk.offset == 1_500_000


def test_a_recording_has_all_of_it(far: Job, tmp_path: Path) -> None:
    """With the times at which it was printed there."""
    far.save(tmp_path / "far.cast")
    text = (tmp_path / "far.cast").read_text("utf-8")
    _, *events = [json.loads(line) for line in text.splitlines()]

    size = sum(
        len(data.replace("\r\n", "\n")) for _, kind, data in events if kind == "o"
    )
    assert size == far.total
    assert not [event for event in events if event[1] == "m"]


@pytest.mark.parametrize(
    "pattern", ["seven", "^[0-9]*7 ", "no such line", "red seven", "(?s)long.the"]
)
def test_lines_are_found_where_they_are_kept(far: Job, pattern: str) -> None:
    """The same as here, and what was searched did not come here for that."""
    here = printed(spawn)
    before = far.in_memory, far.stdout.in_memory

    assert list(far.stdout.find(pattern)) == list(here.stdout.find(pattern))
    assert list(far.stdout.find(pattern, 700_000)) == list(
        here.stdout.find(pattern, 700_000)
    )
    if pattern != "seven":  # a long line does come
        assert (far.in_memory, far.stdout.in_memory) == before


@pytest.mark.parametrize(
    ("matcher", "most"), [(Words("seven"), LINES), (Expression("^0.*seven"), 10_000)]
)
def test_a_search_of_both_streams(far: Job, matcher: Matcher, most: int) -> None:
    """Each line that matches has its place among all that was printed, and its text."""
    search = far.whole_as_utf8.search(matcher)
    places = lines(far, search)
    want = [f"{n:05d} seven of many" for n in range(0, most, 7)]
    if isinstance(matcher, Words):
        want += [line.upper() for line in want]
        want += ["x" * 1000, "red seven", "the seven end"]

    texts = search.texts(places, 1000)
    assert sorted(texts) == sorted(want)
    captures = far.stdout, far.stderr
    for at, text in list(zip(places, texts, strict=True))[::977]:
        stream, start, _ = far.whole_as_utf8.arrivals.locate(at)
        line = captures[stream][max(0, start - 1) : start + len(text)].decode()
        assert line == "\n" * (start > 0) + text


def test_what_is_found_while_it_grows(host: CommandHost) -> None:
    """A search goes on where it was, and a line that ends later is found then."""
    code = "printf 'seven '; echo seven >&2; read x; echo eight"
    job = spawn(code, shell=True, stdin=PIPE, on=host)
    job.until("seven", timeout=PATIENCE)
    until(job, lambda job: job.total == len("seven seven\n"))
    output = job.whole_as_utf8
    search = output.search(Words("seven"))
    found = []
    while search.is_behind(output.total, final=False):
        found += search.texts(
            [at for at, _ in search.next(output.total, final=False)], 100
        )
    assert found == ["seven"]

    job.send("\n")
    job.wait(PATIENCE)
    until(job, lambda job: job.finished)
    while search.is_behind(output.total, final=True):
        found += search.texts(
            [at for at, _ in search.next(output.total, final=True)], 100
        )
    assert found == ["seven", "seven eight"]


def test_times_are_those_of_the_place_where_it_was_printed(host: CommandHost) -> None:
    """Not those at which it arrived here."""
    job = spawn(
        ["python3", "-c", "import time\nprint(1, flush=True)\ntime.sleep(1)\nprint(2)"],
        on=host,
    )
    job.wait(PATIENCE)
    until(job, lambda job: job.finished)
    (began, ended) = (job.stdout.time_at(0), job.stdout.time_at(2))

    assert began is not None
    assert ended is not None
    # To a hundredth of a second each.
    assert 0.9 <= ended - began <= job.elapsed
    assert job.stdout.time_at(4) is None


def test_an_agent_of_an_earlier_version(
    far: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot search: what it has is fetched, and searched here."""
    found = list(far.stdout.find("^[0-9]*7 "))
    monkeypatch.setattr(Source, "_knows", lambda *_: False)

    assert list(far.stdout.find("^[0-9]*7 ")) == found
    assert len(lines(far, far.whole_as_utf8.search(Words("seven")))) > LINES / 7
    assert far.stdout.time_at(0) is not None
