"""The search in what is printed, piece by piece, without a process."""

from __future__ import annotations

import re
import tracemalloc

import pytest

from ipyproc._jobs.output.interleaved import Output
from ipyproc._jobs.output.search import Printed

OUT, ERR = 0, 1


def found(*pieces: bytes, pattern: str, stream: int = OUT) -> str | None:
    """Search after each piece, until the job is over; return what matched first."""
    output = Output()
    printed = Printed(output, pattern)
    for piece in pieces:
        output.append(stream, piece)
        match = searched(printed)
        if match:
            return match[0]
    match = searched(printed, over=True)
    return match[0] if match else None


def searched(printed: Printed, over: bool = False) -> re.Match[str] | None:
    """Search all that there is."""
    while True:
        match = printed.look(over)
        if match or printed.pause != 0:
            return match


@pytest.mark.parametrize("stream", [OUT, ERR])
@pytest.mark.parametrize(
    ("pieces", "pattern", "match"),
    [
        ([b"a\nready\nb\n"], "ready", "ready"),
        ([b"a\nrea", b"dy\n"], "ready", "ready"),
        ([b"port 80", b"80\n"], r"port \d+", "port 8080"),
        ([b"port 80", b"80"], r"port \d+", "port 8080"),
        ([b"\x1b[1mlistening\x1b[0m on \x1b[", b"32m80\x1b[m\n"], r"g on \d+$", None),
        ([b"one\n", b"two\n", b"three\n"], "one\ntwo\nthree", "one\ntwo\nthree"),
        ([b"x\n", b"ready\n"], "^ready$", "ready"),
        ([b"10 %\r20 %\r30 %\n"], "20 %", "20 %"),
        ([b"10 %\r", b"100 %\n"], r"^\d+ %$", "10 %"),
        ([b"a: no\nb: no\n\x1b[2Aa: yes\n"], "a: yes", "a: yes"),
        ([b"loading\x1b[2K\rdone\n"], "loading", "loading"),
        ([b"gone\n\x1b[H\x1b[2J", b"new\n"], "gone", "gone"),
        ([b"caf\xc3", b"\xa9\n"], "café", "café"),
        ([b">>> "], ">>> ", ">>> "),
        ([b"no\n"], "ready", None),
        ([b""], "", None),
    ],
)
def test_finds_what_a_terminal_shows(
    pieces: list[bytes], pattern: str, match: str | None, stream: int
) -> None:
    """Colours and cuts do not hide it, and each state of a line is searched once."""
    want = "g on 80" if "listening" in repr(pieces) else match

    assert found(*pieces, pattern=pattern, stream=stream) == want


def test_the_rest_of_a_line_may_belong_to_a_match() -> None:
    """A match in a line that did not end is taken only after a moment."""
    output = Output()
    printed = Printed(output, r"port (\d+)")
    output.append(OUT, b"port 80")
    assert printed.look(False) is None
    assert printed.pause is not None
    assert printed.pause > 0

    output.append(OUT, b"80\n")
    match = printed.look(False)

    assert match
    assert match[1] == "8080"


def test_an_endless_line_is_not_waited_for() -> None:
    """A match in a line that never ends is taken all the same."""
    output = Output()
    printed = Printed(output, "ready")
    output.append(OUT, b"ready")
    match = None
    while not match:
        output.append(OUT, b".")
        match = printed.look(False)

    assert match[0] == "ready"


def test_a_match_begins_up_to_100_lines_before() -> None:
    """Lines that came in pieces are searched together as far as that."""
    for between, match in ((50, True), (500, False)):
        lines = [b"begin\n", *[b"line\n"] * between, b"end\n"]

        assert bool(found(*lines, pattern=r"(?s)begin.*end")) is match
    assert found(b"".join(lines), pattern=r"(?s)begin.*end")


def test_streams_are_searched_each_by_itself() -> None:
    """What stands on two streams is no match, in whatever order it came."""
    output = Output()
    printed = Printed(output, "ready")
    for stream, data in ((OUT, b"rea"), (ERR, b"dy\n"), (OUT, b"dy\n")):
        assert searched(printed) is None
        output.append(stream, data)

    assert searched(printed)


def test_what_was_dropped_makes_no_match() -> None:
    """Nothing is joined across a gap."""
    output = Output(output_limit=6)
    output.append(OUT, b"rea" + b"-" * 100 + b"dy\n")

    assert searched(Printed(output, "ready"), over=True) is None
    assert searched(Printed(output, "dy"), over=True)


@pytest.mark.slow
def test_output_is_not_copied_whole() -> None:
    """Searching much takes the memory of a piece."""
    output = Output(memory_limit=64 << 20)
    output.append(OUT, (b"\x1b[32m" + b"line " * 40 + b"\x1b[m\n") * 50_000)
    output.append(OUT, b"ready\n")

    tracemalloc.start()
    match = searched(Printed(output, "^ready$"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert match
    assert output.total > 10_000_000
    assert peak < 3_000_000


@pytest.mark.parametrize("pattern", ["(", "[a", "*", r"\8", "a{2,1}", "(?P<a"])
def test_bad_patterns(pattern: str) -> None:
    """The error is one line that names the option and shows the pattern."""
    with pytest.raises(ValueError, match=r"^pattern: [^\n]* in ") as error:
        Printed(Output(), pattern)

    assert repr(pattern) in str(error.value)


@pytest.mark.parametrize("pattern", [b"ready", 5, None, re.compile(b"x")])
def test_what_is_no_pattern(pattern: object) -> None:
    """A pattern is a str, or one compiled from it."""
    with pytest.raises(TypeError, match=r"^pattern: expected a regular expression"):
        Printed(Output(), pattern)  # type: ignore[arg-type]


def test_a_compiled_pattern_keeps_its_flags() -> None:
    """It is used as it is."""
    output = Output()
    output.append(OUT, b"a\nREADY\n")

    assert searched(Printed(output, re.compile("ready", re.IGNORECASE)))
    assert not searched(Printed(output, re.compile("^READY")))
