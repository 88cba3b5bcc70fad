"""What is said of the bits of a wait status, for all 65536 of them."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Page

from ipyproc.state import WaitStatus
from ipyproc.views.render import bits
from ipyproc.views.render.bits import LARGEST, METHODS, Reading, read
from ipyproc.views.widgets.waitstatus import WaitStatusView

Readings = list[tuple[int, Reading]]


@pytest.fixture(scope="module")
def readings() -> Readings:
    """All statuses, read."""
    return [(number, read(WaitStatus(number))) for number in range(LARGEST + 1)]


@pytest.mark.slow
def test_every_bit_has_one_meaning(readings: Readings) -> None:
    """The fields of a status are its sixteen bits, each once, from high to low."""
    for number, reading in readings:
        fields = reading.fields

        assert "".join(f.digits(number) for f in fields) == f"{number:016b}"
        assert [f.first for f in fields] == [15, *(f.last - 1 for f in fields[:-1])]


@pytest.mark.slow
def test_the_words_are_those_of_the_c_library(readings: Readings) -> None:
    """Where the macros of wait(2) see an exit, a signal or a stop, the text does."""
    for number, reading in readings:
        text = reading.text

        assert text.startswith("exit status ") == os.WIFEXITED(number)
        assert text.startswith("signal: ") == os.WIFSIGNALED(number)
        assert text.startswith("stop signal: ") == os.WIFSTOPPED(number)
        assert (text == "continued") == os.WIFCONTINUED(number)
        if os.WIFEXITED(number):
            assert text == f"exit status {os.WEXITSTATUS(number)}"


def test_all_methods_of_go_are_there() -> None:
    """Each public property of WaitStatus has its value shown."""
    properties = [k for k, v in vars(WaitStatus).items() if isinstance(v, property)]

    assert sorted(METHODS) == sorted(properties)


def _line(reading: Reading) -> str:
    fields = [(field.first, field.last, field.meaning) for field in reading.fields]
    words = [reading.text, *fields, *reading.values]
    return "|".join(map(_plain, words))


def _plain(word: object) -> str:
    if isinstance(word, tuple):
        return ",".join(map(str, word))
    return str(word).lower() if isinstance(word, bool) else str(word)


@pytest.mark.browser
@pytest.mark.xdist_group("views")
def test_the_page_reads_a_status_as_python_does(page: Page, readings: Readings) -> None:
    """The twin in JavaScript says the same of every status."""
    script = """async (words) => {
      const { METHODS, reading } = await import("/modules/bits.js");
      const lines = [];
      for (let status = 0; status < 65536; status++) {
        const { text, fields, values } = reading(status, words);
        lines.push([text, ...fields, ...values].join("|"));
      }
      return [METHODS, lines.join("\\n")];
    }"""

    methods, lines = page.evaluate(script, WaitStatusView().words)

    assert methods == bits.METHODS
    assert lines.split("\n") == [_line(reading) for _, reading in readings]
