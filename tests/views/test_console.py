from __future__ import annotations

import sys

import pytest

from ipyproc._jobs.output.line import width
from ipyproc.views.render import console
from tests.views.fakes import FakeJob


@pytest.mark.parametrize("columns", range(12))
def test_a_line_is_cut_to_the_width(columns: int) -> None:
    """Wide characters take two columns, accents none; what is cut ends with a mark."""
    for text in ("plain", "世界世界世界", "e\u0301a" * 4, ""):
        cut = console.cut(text, columns)

        assert sum(map(width, cut)) <= columns
        assert cut == text or cut.endswith("…") or not columns


def test_the_line_of_a_job_says_what_there_is() -> None:
    """Its last line as a terminal shows it, and nothing that could move the cursor."""
    job = FakeJob(name="a\nb")
    job.prints(b"50 %\r\x1b[31m100 %\x1b[0m\x1b]0;title\x07\n")

    line = console.line([job])

    assert line.startswith('"a\\nb" (pid 4242): running, ')
    assert line.endswith(" | 100 %")
    assert line.isprintable()


@pytest.mark.parametrize("terminal", [True, False])
def test_unfinished_lines_are_ended(
    terminal: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a terminal an answer ends the line of its prompt; two files have two ends."""
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: terminal)
    job = FakeJob()
    output = console.Output(job)
    for number, data in ((1, b">>> "), (0, b"42\n"), (1, b">>> "), (0, b"7")):
        job.prints(data, number)
        output.poll()

    output.close()

    assert capsys.readouterr() == ("42\n7\n", ">>> >>> " + "\n" * (not terminal))


def test_what_runs_of_several_is_named() -> None:
    """The others are counted."""
    one, two = FakeJob(name="one"), FakeJob(name="two")
    two.ends()

    assert console.line([one, two]).startswith("1 of 2 run: one ")
