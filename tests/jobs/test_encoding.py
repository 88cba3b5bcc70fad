from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyproc import spawn
from ipyproc._jobs.output.encoding import checked, decoder, decoder_inside
from ipyproc._jobs.output.interleaved import Output
from ipyproc._jobs.output.spill import Archive
from tests.jobs.helpers import PATIENCE, python

ENCODINGS = ["utf-16", "utf-16-le", "utf-32", "gbk", "gb18030", "shift_jis", "euc-kr"]
TEXTS = {"euc-kr": "한국어 a\n"}


def text_in(encoding: str) -> str:
    """Return a text that *encoding* can express."""
    return TEXTS.get(encoding, "世界 a\n日本\n")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_characters_may_come_byte_by_byte(encoding: str) -> None:
    """The text, the lines and the copy for views are the same, however it was cut."""
    text = text_in(encoding)
    data = text.encode(encoding)
    output = Output(encoding=encoding)
    for byte in data:
        output.append(0, bytes([byte]))
    output.finish()

    assert output.stdout.bytes == data
    assert output.stdout.text == output.stdout.plain == text
    assert output.stdout.lines() == text.splitlines()
    assert output.as_utf8.stdout.bytes == text.encode()


@pytest.mark.parametrize(
    ("encoding", "unit"), [("utf-16", 2), ("utf-16-be", 2), ("utf-32", 4), ("gbk", 1)]
)
@given(st.integers(2, 40))
def test_a_gap_falls_anywhere(encoding: str, unit: int, limit: int) -> None:
    """What follows a gap is read from the next whole character on."""
    text = "0123456789" * 10
    output = Output(output_limit=limit, encoding=encoding)
    output.append(0, text.encode(encoding))
    whole = limit // 2 // unit

    for got in (output.stdout.text, output.stdout.plain):
        assert set(got) <= set(text) | {"\ufffd", "\n"}
        assert got.endswith(text[len(text) - whole :])


def test_the_order_of_bytes_is_that_of_the_mark() -> None:
    """It is known inside the stream, too; without a mark it is this machine's."""
    for order in ("utf-16-le", "utf-16-be"):
        data = "\ufeffabc".encode(order)

        assert decoder("utf-16").decode(data, final=True) == "abc"
        inside, skip = decoder_inside("utf-16", data[:4], 3)
        assert inside.decode(data[3 + skip :], final=True) == "bc"

    assert decoder("utf-16").decode("a".encode("utf-16")[2:]) == "a"


def test_two_streams_keep_their_order_in_the_copy() -> None:
    """A view that reads the copy sees the pieces in order of arrival."""
    output = Output(encoding="gbk")
    output.append(1, "提示 ".encode("gbk"))
    output.append(0, "答案\n".encode("gbk"))

    got = [(chunk.stream, chunk.data.decode()) for chunk in output.as_utf8.read(0, 99)]
    assert got == [("stderr", "提示 "), ("stdout", "答案\n")]


def test_a_job_prints_in_its_encoding() -> None:
    """Captures and waits read what a job prints in the encoding that it was given."""
    text = "世界\n日本 ready\n"
    script = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    job = spawn(python(script), stdin=text.encode("utf-16"), encoding="UTF16")

    assert job.until("^日本 (ready)$", timeout=PATIENCE)[1] == "ready"
    job.wait(PATIENCE)
    assert job.stdout.text == job.stdout.plain == text
    assert job.stdout.lines() == ["世界", "日本 ready"]
    assert job.stdout.bytes == text.encode("utf-16")
    assert job.stdout.encoding == "utf-16"


def test_what_is_cut_off_at_the_end_is_shown() -> None:
    """The last character that is incomplete is shown as wrong."""
    job = spawn(["printf", r"a\xc4"], encoding="gbk")
    finished = threading.Event()
    job.when_finished(lambda _: finished.set())

    assert finished.wait(PATIENCE)
    assert job.stdout.text == "a\ufffd"
    assert job.as_utf8.stdout.text == "a\ufffd"


def test_nothing_starts_in_an_unknown_encoding() -> None:
    """The error comes before the start."""
    with pytest.raises(
        ValueError, match=r"^encoding: no encoding .*'utf-9'; did you m"
    ):
        spawn(["true"], encoding="utf-9")


def test_ended_jobs_move_both_copies_to_the_file() -> None:
    """The copy counts as memory, and can be read from the archive."""
    output = Output(encoding="gbk")
    output.append(0, "世界\n".encode("gbk") * 10_000)
    output.finish()
    assert output.in_memory > 100_000

    output.move_to(Archive())

    assert output.in_memory < 1_000
    assert output.as_utf8.stdout.text == output.stdout.text == "世界\n" * 10_000


def test_utf_8_is_kept_once() -> None:
    """There is no copy of what is UTF-8 already."""
    output = Output(encoding=checked("UTF8"))

    assert output.as_utf8 is output


@pytest.mark.parametrize(
    ("name", "near"),
    [("utf-9", "utf-8"), ("gkb", "gbk"), ("latin", None), ("base64", None), ("", None)],
)
def test_unknown_encodings(name: str, near: str | None) -> None:
    """The error is one line that names the option, and the nearest encoding."""
    if name == "latin":
        assert checked(name) == "iso8859-1"
        return
    with pytest.raises(ValueError, match=r"^encoding: no encoding of") as error:
        checked(name)

    assert near is None or str(error.value).endswith(f"did you mean {near!r}?")


@pytest.mark.parametrize("name", ["rot13", "hex", "undefined", "idna", "a\0b", "../x"])
def test_what_decodes_no_text(name: str) -> None:
    """Nor is what cannot replace wrong bytes an encoding here."""
    with pytest.raises(ValueError, match=r"^encoding: no encoding of text is called"):
        checked(name)


def test_encoding_is_a_str() -> None:
    """Anything else is a TypeError that names the option."""
    with pytest.raises(TypeError, match=r"^encoding: expected a str, not int$"):
        checked(65001)
