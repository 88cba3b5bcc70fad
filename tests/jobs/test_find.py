"""Finding lines in what is kept, also while more comes, and where something is gone."""

from __future__ import annotations

import re

import pytest

from ipyproc import spawn
from ipyproc._jobs.output import find
from ipyproc._jobs.output.capture import Capture
from ipyproc._jobs.output.find import Expression, Search, Words

COLOURED = (
    b"\x1b[1mone\x1b[m two\r\n10 %\r20 %\r99 %\r\n\nt\xc5\xbco\n\xff one\nab\bc one"
)
LINES = ["one two", "99 %", "", "tżo", "\ufffd one", "ac one"]


def kept(data: bytes, encoding: str = "utf-8", **limits: int) -> Capture:
    """Return a capture of *data*."""
    capture = Capture(encoding=encoding, **limits)
    capture.append(data)
    return capture


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    "pattern",
    ["one", "^one", "one$", r"\d\s%", "[^x]one", "", "^$", r"\Aone", "20 %", "(?i)ONE"],
)
def test_lines_are_found_as_a_terminal_shows_them(
    monkeypatch: pytest.MonkeyPatch, piece: int, pattern: str
) -> None:
    """By themselves, whatever is read at once; the last one need not have ended."""
    monkeypatch.setattr(find, "PIECE", piece)
    offsets = [0, 16, 32, 33, 38, 44]

    found = list(kept(COLOURED).find(pattern))

    want = [
        pair for pair in zip(offsets, LINES, strict=True) if re.search(pattern, pair[1])
    ]
    assert found == want


def test_the_search_goes_on_where_it_is_told_to() -> None:
    """What comes before *start* is not looked at."""
    capture = kept(b"a1\na2\na3\n")

    assert list(capture.find("a", 3)) == [(3, "a2"), (6, "a3")]
    assert list(capture.find("a", 100)) == []


def test_it_reads_as_it_goes() -> None:
    """What is printed meanwhile is found, too."""
    capture = kept(b"a1\n")
    found = capture.find("a")
    assert next(found) == (0, "a1")
    capture.append(b"a2\n")

    assert list(found) == [(3, "a2")]


def test_where_something_is_gone_a_line_stops() -> None:
    """No line is made of pieces that were not printed side by side."""
    capture = kept(b"".join(b"line %04d\n" % n for n in range(20)), output_limit=64)
    assert capture.dropped

    found = [line for _, line in capture.find("line")]

    assert found == [
        "line 0000",
        "line 0001",
        "line 0002",
        "line 0017",
        "line 0018",
        "line 0019",
    ]
    ahead = [(at, capture[at : at + 9]) for at, _ in capture.find("line")][3:]
    assert ahead == [(170, b"line 0017"), (180, b"line 0018"), (190, b"line 0019")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_encodings(encoding: str) -> None:
    """Offsets are those of the bytes."""
    lines = ["ab", "\u0a0a\u0a41x", "foo \xf6", "last x"]
    if encoding == "latin-1":
        lines[1] = "zx"
    data = "\n".join(lines).encode(encoding)
    capture = kept(data, encoding)

    assert [line for _, line in capture.find("")] == lines
    for offset, line in capture.find("^(a|.*x$)"):
        text = data[offset:].decode(encoding if offset else "utf-8", "replace")
        assert offset == 0 or text.startswith(line) or encoding in ("utf-16", "utf-32")


def test_a_text_is_found_in_capitals_or_not() -> None:
    """As the field of a pane finds it."""
    capture = kept("ERROR 1\nerror 2\n\u0130 Error 3\n".encode())
    search = Search(capture.read, Words("eRRor"))

    assert [text for _, text in search.next(capture.total, True)] == [
        "ERROR 1",
        "error 2",
        "\u0130 Error 3",
    ]


def test_a_line_that_has_not_ended_waits() -> None:
    """Unless nothing more follows."""
    capture = kept(b"one\ntw")
    search = Search(capture.read, Expression("."))

    assert [line for _, line in search.next(capture.total, False)] == ["one"]
    assert not search.is_behind(capture.total, False)
    capture.append(b"o\nthree")
    assert [line for _, line in search.next(capture.total, False)] == ["two"]
    assert search.is_behind(capture.total, True)
    assert list(search.next(capture.total, True)) == [(8, "three")]


def test_bad_patterns() -> None:
    """The error is raised by the call, in one line."""
    capture = kept(b"")

    with pytest.raises(ValueError, match=r"^pattern: [^\n]* in '\('"):
        capture.find("(")
    with pytest.raises(TypeError, match="pattern: expected"):
        capture.find(b"x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="start: expected 0 or more, got -1"):
        capture.find("x", -1)


def test_a_job_is_searched_while_it_runs() -> None:
    """What is there by then is found."""
    job = spawn("echo one; echo two; cat", shell=True, stdin=b"three\n")
    job.wait(60)
    job.until("three", timeout=60)

    assert list(job.stdout.find("^t")) == [(4, "two"), (8, "three")]
