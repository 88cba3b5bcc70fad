"""What a job printed, in a file."""

from __future__ import annotations

import json
import termios
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from ipyproc import spawn
from ipyproc._jobs.output import timeline
from ipyproc._jobs.output.asciicast import Event, Size, lines
from ipyproc._jobs.output.interleaved import Output
from tests.jobs.helpers import ended, python, until, until_printed

HEADER = {"timestamp": 1, "command": "ls"}


def events(text: str) -> tuple[dict[str, Any], list[list[Any]]]:
    """Read a recording; fail if asciinema would not.

    Its reader takes an object with version and size, and lists of three: a number of
    seconds that is not below 0, a letter, and text.
    """
    header, *others = [json.loads(line) for line in text.splitlines() if line]
    assert header["version"] == 3
    assert all(type(header["term"][key]) is int for key in ("cols", "rows"))
    assert all(header["term"][key] > 0 for key in ("cols", "rows"))
    for interval, code, data in others:
        assert interval >= 0
        assert code in ("o", "i", "m", "r", "x")
        assert isinstance(data, str)
    return header, others


def recorded(
    output: Output,
    *,
    sizes: Sequence[Size] = ((0.0, 0, 24, 80),),
    end: Event | None = None,
) -> list[list[Any]]:
    """Return the events of a recording of *output*."""
    found = lines(HEADER, output, sizes, end, is_terminal=True)
    return events("".join(found))[1]


def together(found: list[list[Any]]) -> list[tuple[str, str]]:
    """Return events without their times; a line may be printed in two pieces."""
    return [
        (code, "".join(data for _, _, data in same))
        for code, same in groupby(found, lambda event: event[1])
    ]


def test_bytes(tmp_path: Path) -> None:
    """Whatever has no ending that says more is what was printed on both streams."""
    job = ended(spawn("printf '\\377a\\r\\n'; sleep 0; printf b >&2", shell=True))
    for name in ("x", "x.txt", "x.log"):
        job.save(tmp_path / name)
        assert sorted((tmp_path / name).read_bytes()) == sorted(b"\xffa\r\nb")


def test_much(tmp_path: Path) -> None:
    """Of what was printed all that is kept is saved, however much that is."""
    job = ended(spawn("seq 1 1000000", output_limit=4_000_000))
    job.save(tmp_path / "x")

    assert (tmp_path / "x").read_bytes() == job.stdout.bytes
    assert job.stdout.dropped


def test_a_page(tmp_path: Path) -> None:
    """A page has the picture of the output, in colour, and how it ended."""
    job = ended(spawn("printf '<\\033[31mred\\033[m'; exit 3", shell=True))
    job.save(tmp_path / "x.html")
    page = (tmp_path / "x.html").read_text()

    assert page.startswith("<!doctype html>\n<html")
    assert "exit status 3" in page
    assert "&lt;" in page
    assert ">red</abbr>" in page


def test_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording has the sizes, what was printed when, and the exit code."""
    monkeypatch.setattr(timeline, "APART", 0.0)  # however soon the second piece comes
    code = """
import os, signal
ear, mouth = os.pipe()
os.set_blocking(mouth, False)
signal.set_wakeup_fd(mouth)
signal.signal(signal.SIGWINCH, lambda *_: None)
print("fir\\u00dft")
os.read(ear, 1)
print("second")
raise SystemExit(3)
"""
    job = spawn(python(code), pty=(30, 100), name="says")
    until_printed(job, "\r\n")
    job.resize(30, 100)  # as it is
    resize = termios.tcsetwinsize

    def slowly(fd: int, size: tuple[int, int]) -> None:
        resize(fd, size)
        until_printed(job, "second")

    with monkeypatch.context() as patched:
        patched.setattr(termios, "tcsetwinsize", slowly)
        job.resize(40, 120)
    ended(job)
    job.save(tmp_path / "x.cast")
    header, found = events((tmp_path / "x.cast").read_text())

    assert header["term"] == {"cols": 100, "rows": 30}
    assert header["title"] == "says"
    assert header["timestamp"] == int(job.started_at)
    assert together(found) == [
        ("o", "firßt\r\n"),
        ("r", "120x40"),
        ("o", "second\r\n"),
        ("x", "3"),
    ]
    assert sum(interval for interval, _, _ in found) == pytest.approx(
        job.elapsed, abs=0.1
    )


def test_what_was_typed_is_in_none(tmp_path: Path) -> None:
    """A password that was typed is in no file."""
    code = "import getpass; getpass.getpass()"
    job = spawn(python(code), pty=True)
    until(job, lambda job: job.password_prompt)
    job.send("geheim\r")
    ended(job)
    for name in ("x.cast", "x.html", "x.txt"):
        job.save(tmp_path / name)
        assert "geheim" not in (tmp_path / name).read_text()


def test_pipes(tmp_path: Path) -> None:
    """What was printed into pipes has the line ends of a terminal in a recording."""
    job = ended(spawn("echo one; kill -9 $$", shell=True))
    job.save(tmp_path / "x.cast")
    header, found = events((tmp_path / "x.cast").read_text())

    assert header["term"] == {"cols": 80, "rows": 24}
    assert header["command"] == "echo one; kill -9 $$"
    assert together(found) == [("o", "one\r\n"), ("x", "137")]


def test_a_job_that_runs(tmp_path: Path) -> None:
    """What runs is saved as far as it came, without an end."""
    job = spawn("echo one; sleep 1000", shell=True)
    until_printed(job, "one")
    job.save(tmp_path / "x.cast")

    _, found = events((tmp_path / "x.cast").read_text())
    assert [event[1:] for event in found] == [["o", "one\r\n"]]


def test_characters_that_came_in_parts() -> None:
    """A character whose bytes came at different times is whole."""
    output = Output()
    for byte in "ü€".encode():
        output.append(0, bytes([byte]))
        output.append(1, b".")

    text = "".join(data for _, _, data in recorded(output))
    assert text.replace(".", "") == "ü€"
    output.append(0, "€".encode()[:2])
    assert recorded(output)[-1][1:] == ["o", "\ufffd"]


def test_other_encodings() -> None:
    """A recording is in UTF-8, whatever was printed."""
    output = Output(encoding="latin-1")
    output.append(0, b"\xfc")

    assert [event[1:] for event in recorded(output)] == [["o", "ü"]]


def test_what_is_not_kept() -> None:
    """A gap is marked where bytes were dropped."""
    output = Output(memory_limit=100, output_limit=100)
    output.append(0, b"a" * 50 + b"b" * 1000 + b"c" * 50)

    assert [event[1:] for event in recorded(output)] == [
        ["o", "a" * 50],
        ["m", "1000 bytes that are not kept"],
        ["o", "c" * 50],
    ]


def test_a_size_and_what_is_drawn_for_it() -> None:
    """A new size is before what was printed after it, however soon that was."""
    output = Output()
    output.begin()
    output.append(0, b"before")
    output.append(0, b"after")
    sizes = [(0.0, 0, 24, 80), (5.0, 6, 40, 120), (6.0, 11, 50, 120)]

    assert [event[1:] for event in recorded(output, sizes=sizes)] == [
        ["o", "before"],
        ["r", "120x40"],
        ["o", "after"],
        ["r", "120x50"],
    ]


def test_small_intervals() -> None:
    """The sum of the intervals is the time, and an end comes last in any case."""
    output = Output()
    output.append(0, b"x")
    sizes = [(0.0, 0, 24, 80), *((n * 0.0014, 1, 24, n) for n in range(1, 1000))]
    found = recorded(output, sizes=sizes, end=(0.0, "x", "0"))

    assert sum(each[0] for each in found) == pytest.approx(999 * 0.0014, 1e-3)
    assert found[-1][1:] == ["x", "0"]
